"""Files and folders of this machine."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from uuid import uuid4

from covalent_runner.transfers.errors import EndFailed, machine
from covalent_runner.transfers.places import Place

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
_NAMES_AT_MOST = 200


@dataclass(frozen=True)
class Disk:
    """From one path of this machine to another."""

    def copy(self, source: Place, target: Place) -> None:
        """Copy a file with its permissions, or a folder with all that is in it."""
        for file, goal in pairs(source, target):
            with arriving(goal) as part:
                _copy_file(file, part)


def _copy_file(file: Path, part: Path) -> None:
    try:
        shutil.copyfile(file, part)
        shutil.copymode(file, part)
    except OSError as exc:
        if exc.errno in _FULL:
            raise
        raise unreadable(file, exc) from exc


def pairs(source: Place, target: Place) -> list[tuple[Path, Path]]:
    """Each file to copy and where it goes, between places that are both on this machine."""
    goal = Path(target.path)
    if not source.folder:
        return [(readable(source), goal / source.name if target.folder else goal)]
    make_folder(goal)
    return [(file, goal / inside) for file, inside in files_of(source)]


def readable(source: Place) -> Path:
    """The path of a file that is to be read.

    Raises:
        EndFailed: it cannot be.

    """
    path = Path(source.path)
    try:
        with path.open("rb"):
            return path
    except OSError as exc:
        raise unreadable(path, exc) from exc


def unreadable(path: Path, exc: OSError) -> EndFailed:
    """Why a file cannot be read, and what to do."""
    if not isinstance(exc, FileNotFoundError):
        return EndFailed("source", f"cannot be read on {machine()}: {exc.strerror} ({path})")
    cure = "transfers read and write the files of that machine; relative paths are in the electron's working directory"
    nearest = next((each for each in path.parents if each.exists()), path)
    missing = (
        ""
        if nearest == path.parent
        else f", where {nearest} has no {path.relative_to(nearest).parts[0]}"
    )
    return EndFailed("source", f"does not exist on {machine()}{missing}: {cure}")


def files_of(source: Place) -> list[tuple[Path, PurePosixPath]]:
    """The files of a folder, in order, and where they go in the target.

    Raises:
        EndFailed: the folder cannot be read.

    """
    root = Path(source.path)
    start = PurePosixPath(root.name if source.include_folder else "")
    found = []
    for folder, folders, names in os.walk(root, onerror=_raise_unreadable):
        folders.sort()
        inside = start / PurePosixPath(Path(folder).relative_to(root).as_posix())
        found += [(Path(folder, name), inside / name) for name in sorted(names)]
    return found


def _raise_unreadable(exc: OSError) -> None:
    raise unreadable(Path(exc.filename), exc) from exc


def make_folder(path: Path) -> None:
    """Make a folder and those above it.

    Raises:
        EndFailed: it cannot be made.

    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise _unwritable(path, exc) from exc


@contextmanager
def arriving(path: Path) -> Iterator[Path]:
    """A file to write to beside `path`, which takes its place once it is whole; folders above it are made.

    Raises:
        EndFailed: the path cannot be written, or the disk is full.

    """
    make_folder(path.parent)
    part = _part(path)
    try:
        yield part
        if part != path:
            part.replace(path.resolve())
    except OSError as exc:
        if exc.errno in _FULL or exc.filename == str(part):
            raise _unwritable(path, exc) from exc
        raise
    finally:
        if part != path:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Check that a file may be written; folders above it are made.

    Raises:
        EndFailed: it may not.

    """
    make_folder(path.parent)
    part = _part(path)
    if part != path:
        part.unlink()


def _part(path: Path) -> Path:
    """Where to write: the path itself if it is a device, or a file in a folder that takes no new ones."""
    real = path.resolve()
    part = real.with_name(f".{real.name[:_NAMES_AT_MOST]}.{uuid4().hex[:8]}.part")
    try:
        if real.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if real.exists() and not real.is_file():
            return path
        part.touch(mode=0o666, exist_ok=False)
    except OSError as exc:
        if isinstance(exc, PermissionError) and real.is_file() and os.access(real, os.W_OK):
            return path
        raise _unwritable(path, exc) from exc
    return part


def _unwritable(path: Path, exc: OSError) -> EndFailed:
    cure = "choose a path that the electron may write"
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        cure = "make room, or choose a path on another disk"
    return EndFailed(
        "target", f"cannot be written on {machine()}: {exc.strerror or exc} ({path}); {cure}"
    )
