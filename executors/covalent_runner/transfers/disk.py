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
        """Copy a file with its permissions, or a folder with all that is in it, empty folders too."""
        goal = Path(target.path)
        if not source.folder:
            _copy_file(readable(source), goal / source.name if target.folder else goal)
            return
        for inside, files in list(walked(source)):  # the target may be in the source
            make_folder(goal / inside)
            for file in files:
                _copy_file(file, goal / inside / file.name)


def _copy_file(file: Path, goal: Path) -> None:
    with arriving(goal) as part:
        try:
            shutil.copyfile(file, part)
            shutil.copymode(file, part)
        except OSError as exc:
            if exc.errno in _FULL:
                raise
            raise unreadable(file, exc) from exc


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
        return EndFailed("source", f"cannot be read on {machine()}: {exc.strerror}", str(path))
    cure = "transfers read and write the files of that machine; relative paths are in the electron's working directory"
    nearest = next((each for each in path.parents if each.exists()), path)
    missing = (
        ""
        if nearest == path.parent
        else f", where {nearest} has no {path.relative_to(nearest).parts[0]}"
    )
    return EndFailed("source", f"does not exist on {machine()}{missing}: {cure}", str(path))


def files_of(source: Place) -> list[tuple[Path, PurePosixPath]]:
    """The files of a folder, in order, and where they go in the target.

    Raises:
        EndFailed: the folder cannot be read.

    """
    return [(file, inside / file.name) for inside, files in walked(source) for file in files]


def walked(source: Place) -> Iterator[tuple[PurePosixPath, list[Path]]]:
    """Each folder in a folder, as it is called in the target, and its files. Links are followed, but never in circles.

    Raises:
        EndFailed: a folder cannot be read.

    """
    root = Path(source.path)
    start = PurePosixPath(root.name if source.include_folder else "")
    for name, folders, files in os.walk(root, onerror=_raise_unreadable, followlinks=True):
        folder = Path(name)
        folders[:] = [each for each in sorted(folders) if not _is_circle(folder / each, root)]
        inside = start / PurePosixPath(folder.relative_to(root).as_posix())
        yield inside, [folder / each for each in sorted(files)]


def _is_circle(folder: Path, root: Path) -> bool:
    """Whether a link leads to a folder that it is in."""
    if not folder.is_symlink():
        return False
    above = [each for each in folder.parents if each.is_relative_to(root)]
    return any(each.samefile(folder) for each in above)


def _raise_unreadable(exc: OSError) -> None:
    raise unreadable(Path(exc.filename), exc) from exc


def make_folder(path: Path, goal: Path | None = None) -> None:
    """Make a folder and those above it; it is the goal, or that is in it.

    Raises:
        EndFailed: it cannot be made.

    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise _unwritable(goal or path, exc) from exc


@contextmanager
def arriving(path: Path) -> Iterator[Path]:
    """A file to write to beside `path`, which takes its place once it is whole; folders above it are made.

    Raises:
        EndFailed: the path cannot be written, or the disk is full.

    """
    make_folder(path.parent, path)
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
    make_folder(path.parent, path)
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
    where = f" ({exc.filename})" if exc.filename else ""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        cure = "make room, or choose a path on another disk"
    return EndFailed(
        "target",
        f"cannot be written on {machine()}: {exc.strerror or exc}{where}; {cure}",
        str(path),
    )
