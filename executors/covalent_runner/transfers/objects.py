"""Files and folders between a disk and whatever keeps objects by key."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from covalent_runner.transfers.disk import arriving, files_of, make_folder, readable
from covalent_runner.transfers.errors import EndFailed
from covalent_runner.transfers.places import Place

CHUNK = 1024 * 1024
"""Bytes that are read at once."""


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
    for each in objects.keys(prefix):
        found = True
        inside = each[len(prefix) :]
        if inside.endswith("/") or not inside:
            make_folder(_within(goal, inside))
        else:
            _fetch(objects, each, _within(goal, inside))
    if not found:
        raise EndFailed("source", "is empty or does not exist: no object has a key that begins so")


def _within(goal: Path, inside: str) -> Path:
    """Refuse keys that lead out of the folder: whoever wrote to the store could write anywhere."""
    parts = PurePosixPath(inside).parts
    if ".." in parts or inside.startswith("/"):
        raise EndFailed("source", f"has an object whose key leads out of the folder: {inside!r}")
    return goal.joinpath(*parts)


def _upload(objects: Objects, key: str, source: Place, target: Place) -> None:
    if source.folder:
        for file, inside in files_of(source):
            objects.send(file, _folder_key(key) + str(inside))
        return
    file = readable(source)
    objects.send(file, _folder_key(key) + source.name if target.folder else key)


def _folder_key(key: str) -> str:
    return key if not key or key.endswith("/") else f"{key}/"
