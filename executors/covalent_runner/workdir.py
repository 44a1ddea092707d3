"""A working directory of its own for each electron, and the process as it was afterwards."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def isolated(dispatch_id: str) -> Iterator[Path]:
    """Run the block in an empty directory that is removed afterwards.

    Working directory, environment variables, `sys.path` and the recursion limit are restored, whatever the
    block does to them.
    """
    before = _place(), dict(os.environ), sys.path, sys.path[:], sys.getrecursionlimit()
    folder = Path(tempfile.mkdtemp(prefix="electron-"))
    try:
        os.chdir(folder)
        os.environ["COVALENT_DISPATCH_ID"] = dispatch_id
        yield folder
    finally:
        place, environment, path, entries, limit = before
        os.chdir(place)
        _restore_environment(environment)
        path[:] = entries
        sys.path = path
        sys.setrecursionlimit(limit)
        shutil.rmtree(folder, ignore_errors=True)


def _place() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # somebody removed the directory that the process stands in
        return Path(tempfile.gettempdir())


def _restore_environment(saved: dict[str, str]) -> None:
    for name in set(os.environ) - set(saved):
        del os.environ[name]
    for name, value in saved.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
