"""A working directory of its own for each electron, and the process as it was afterwards."""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_ROOT = os.environ.get("COVALENT_WORK_DIR")
"""Where the directories are made, if not among the temporary files: whoever kills workers removes them there."""

_here: ContextVar[Path | None] = ContextVar("covalent_workdir", default=None)

_spare: list[Path] = []
"""Directories that an electron left empty. On overlay file systems it costs milliseconds to remove one."""


@contextmanager
def isolated(dispatch_id: str) -> Iterator[Path]:
    """Run the block in an empty directory that nobody else uses; what it leaves there is removed afterwards.

    Working directory, environment variables, `sys.path` and the recursion limit are restored, whatever the
    block does to them.
    """
    before = _place(), dict(os.environ), sys.path, sys.path[:], sys.getrecursionlimit()
    folder = _empty_folder()
    entered = _here.set(folder)
    try:
        os.chdir(folder)
        os.environ["COVALENT_DISPATCH_ID"] = dispatch_id
        yield folder
    finally:
        _here.reset(entered)
        place, environment, path, entries, limit = before
        os.chdir(place)
        _restore_environment(environment)
        path[:] = entries
        sys.path = path
        sys.setrecursionlimit(limit)
        _clear(folder)


def current() -> Path:
    """The directory that the running electron was given, wherever it has gone since; outside one, the process's."""
    return _here.get() or Path.cwd()


def _empty_folder() -> Path:
    while _spare:
        folder = _spare.pop()
        if _is_empty(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix="electron-", dir=_ROOT))


def _clear(folder: Path) -> None:
    if _is_empty(folder):
        _spare.append(folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _is_empty(folder: Path) -> bool:
    try:
        return not any(folder.iterdir()) and folder.stat().st_mode & 0o777 == 0o700
    except OSError:
        return False


@atexit.register
def _remove_spares() -> None:
    while _spare:
        shutil.rmtree(_spare.pop(), ignore_errors=True)


def _place() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # somebody removed the directory that the process stands in
        return Path(tempfile.gettempdir())


def _restore_environment(saved: dict[str, str]) -> None:
    now = dict(os.environ)
    for name in now.keys() - saved.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in saved.items() if now.get(name) != value})
