"""Zips and tars that are the same bytes whenever their files are: sorted, with one time and one mode for all."""

import gzip
import hashlib
import stat
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can tell."""
_TAR = ".tar.gz"
_MODE = (stat.S_IFREG | 0o644) << 16
_UNIX = 3


@dataclass(frozen=True)
class Archive:
    """A finished zip or tar: the SHA-256 of its bytes, and what it takes in bytes, packed and unpacked."""

    sha256: str
    size: int
    unzipped: int


def files(folder: Path) -> list[Path]:
    """Every file below a folder, relative to it and in one order."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def write(folder: Path, target: Path) -> Archive:
    """Pack a folder. The target appears only when it is whole.

    Args:
        folder: what becomes the top level.
        target: the zip, or tar if it is called .tar.gz; one that is there is replaced.

    """
    found = files(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    pack = _tar if target.name.endswith(_TAR) else _zip
    pack(folder, found, unfinished)
    unfinished.replace(target)
    return Archive(
        sha256=digest([target]),
        size=target.stat().st_size,
        unzipped=sum((folder / path).stat().st_size for path in found),
    )


def digest(paths: Iterable[Path]) -> str:
    """The SHA-256 of the content of files, one after the other."""
    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()


def _zip(folder: Path, found: Iterable[Path], target: Path) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for path in found:
            archive.writestr(*_entry(path, folder))


def _tar(folder: Path, found: Iterable[Path], target: Path) -> None:
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for path in found:
            with (folder / path).open("rb") as file:
                archive.addfile(_member(path, folder), file)


def _member(path: Path, folder: Path) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path.as_posix())
    member.size = (folder / path).stat().st_size
    return member


def _entry(path: Path, folder: Path) -> tuple[zipfile.ZipInfo, bytes]:
    entry = zipfile.ZipInfo(path.as_posix(), _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = _UNIX
    entry.external_attr = _MODE
    return entry, (folder / path).read_bytes()
