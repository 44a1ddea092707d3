"""Files and folders between a disk and whatever keeps objects by key."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar

from covalent_runner.transfers.disk import arriving, files_of, make_folder, readable
from covalent_runner.transfers.errors import EndFailed
from covalent_runner.transfers.places import Place

CHUNK = 1024 * 1024
"""Bytes that are read at once."""
_FILES = 8
"""Files of a folder at a time."""
_GROUP = 1000
_Pair = TypeVar("_Pair")


class Objects(Protocol):
    """A bucket, a container, a web server."""

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin with the prefix."""

    def fetch(self, key: str, file: Path) -> None:
        """Write an object to a file."""

    def send(self, file: Path, key: str) -> None:
        """Make an object of a file."""


def copy(objects: Objects, key: str, source: Place, target: Place) -> None:
    """Copy between a store and a disk.

    Args:
        objects: the store.
        key: of the end that is remote.
        source: where from.
        target: where to.

    Raises:
        EndFailed: one end failed.

    """
    if not source.remote:
        _upload(objects, key, source, target)
    elif source.folder:
        _download_folder(objects, key, source, Path(target.path))
    else:
        goal = Path(target.path)
        _fetch(objects, key, goal / source.name if target.folder else goal)


def _fetch(objects: Objects, key: str, goal: Path) -> None:
    with arriving(goal) as part:
        objects.fetch(key, part)


def _download_folder(objects: Objects, key: str, source: Place, goal: Path) -> None:
    prefix = _folder_key(key)
    goal = goal / source.name if source.include_folder else goal
    found = False
    for group in _grouped(objects.keys(prefix)):
        found = True
        goals = [(each, each[len(prefix) :]) for each in group]
        for _, inside in goals:
            if not inside or inside.endswith("/"):
                make_folder(_within(goal, inside))
        files = [(each, name) for each, name in goals if name and name[-1] != "/"]

        def fetch(pair: tuple[str, str]) -> None:
            with _named(source, pair[1]):
                _fetch(objects, pair[0], _within(goal, pair[1]))

        _together(fetch, files)
    if not found:
        raise EndFailed("source", "is empty or does not exist: no object has a key that begins so")


@contextmanager
def _named(folder: Place, inside: str) -> Iterator[None]:
    """Tell which object of a folder it was."""
    try:
        yield
    except EndFailed as exc:
        if exc.end != "remote" or exc.name:
            raise
        name = f"{folder.path.rstrip('/')}/{inside}"
        raise EndFailed("remote", exc.reason, name) from exc.__cause__


def _grouped(keys: Iterator[str]) -> Iterator[list[str]]:
    """Keys in groups, so that a folder of millions is never in memory as a whole either."""
    while group := list(islice(keys, _GROUP)):
        yield group


def _together(call: Callable[[_Pair], None], pairs: Iterable[_Pair]) -> None:
    """Several files at a time: small ones take no longer than the way there and back. The first failure is raised."""
    with ThreadPoolExecutor(_FILES) as pool:
        waiting = [pool.submit(call, pair) for pair in pairs]
        try:
            for each in waiting:
                each.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _within(goal: Path, inside: str) -> Path:
    """Refuse keys that lead out of the folder: whoever wrote to the store could write anywhere."""
    parts = PurePosixPath(inside).parts
    if ".." in parts or inside.startswith("/"):
        raise EndFailed("source", f"has an object whose key leads out of the folder: {inside!r}")
    return goal.joinpath(*parts)


def _upload(objects: Objects, key: str, source: Place, target: Place) -> None:
    def send(pair: tuple[Path, PurePosixPath]) -> None:
        with _named(target, str(pair[1])):
            objects.send(readable(Place(str(pair[0]))), f"{_folder_key(key)}{pair[1]}")

    if source.folder:
        _together(send, files_of(source))
        return
    file = readable(source)
    objects.send(file, _folder_key(key) + source.name if target.folder else key)


def _folder_key(key: str) -> str:
    return key if not key or key.endswith("/") else f"{key}/"
