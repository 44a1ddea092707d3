"""A trigger that fires when files change: in a folder of this machine, or below a prefix of an S3 bucket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from covalent.triggers.base import BaseTrigger, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers.api import BaseObserver

    from covalent_contracts.triggers import Settings

EVENT_NAMES = ("created", "deleted", "modified", "moved", "closed")
_OF_S3 = {"created": "created", "modified": "created", "deleted": "deleted"}
"""S3 tells of objects that are created, newly or anew, and deleted."""
_SCHEME = "s3://"


class DirTrigger(BaseTrigger):
    """Runs a workflow when files change.

    A path is watched on this machine, by the local server or `covalent start --triggers-only`. Below
    `s3://bucket/prefix` S3 itself tells, through EventBridge, of objects that are "created" (or "modified", which is
    the same there) and "deleted".

    Args:
        dir_path: a file, a folder, or `s3://bucket/prefix`.
        event_names: which changes count: some of "created", "deleted", "modified", "moved", "closed"; or one of them.
        batch_size: changes that it takes to fire once.
        lattice_dispatch_id: as for `BaseTrigger`.
        dispatcher_addr: as for `BaseTrigger`.
        triggers_server_addr: as for `BaseTrigger`.
        recursive: whether folders in the folder count too.
        overlap: as for `BaseTrigger`.

    Raises:
        ValueError: an event name is unknown, or S3 has none of that name; or `batch_size` is less than 1.
        FileNotFoundError: there is nothing at the path.

    Attributes:
        n_changes: changes since it has fired last.

    """

    def __init__(
        self,
        dir_path: str | Path,
        event_names: str | Sequence[str],
        batch_size: int = 1,
        lattice_dispatch_id: str | None = None,
        dispatcher_addr: str | None = None,
        triggers_server_addr: str | None = None,
        recursive: bool = False,
        *,
        overlap: str = "allow",
    ) -> None:
        super().__init__(
            lattice_dispatch_id, dispatcher_addr, triggers_server_addr, overlap=overlap
        )
        self.dir_path = _path(dir_path)
        self.event_names = _names(event_names, is_s3=self._is_s3)
        self.batch_size = whole_number(batch_size, "batch_size")
        self.recursive = recursive
        self.n_changes = 0
        self.observe_blocks = False
        self.event_handler: FileSystemEventHandler | None = None
        self._observer: BaseObserver | None = None

    @property
    def _is_s3(self) -> bool:
        return self.dir_path.startswith(_SCHEME)

    def attach_methods_to_handler(self) -> None:
        """Give `event_handler` an `on_...` method for each of `event_names`."""
        for name in self.event_names:
            setattr(self.event_handler, f"on_{name}", self._changed)

    def observe(self) -> None:
        """Watch the path, in a thread, until `stop` is called.

        Raises:
            RuntimeError: it is a bucket, which tells EventBridge.
            FileNotFoundError: the path is gone.

        """
        if self._is_s3:
            raise RuntimeError("S3 tells EventBridge what changes in a bucket: call register()")
        from watchdog.events import FileSystemEventHandler  # noqa: PLC0415  # only those who watch need it
        from watchdog.observers import Observer  # noqa: PLC0415  # as above

        self.event_handler = FileSystemEventHandler()
        self.attach_methods_to_handler()
        path = Path(self.dir_path)
        if not path.exists():
            raise FileNotFoundError(f"there is no {path} to watch")
        self._observer = Observer()
        folder = path if path.is_dir() else path.parent
        self._observer.schedule(self.event_handler, str(folder), recursive=self.recursive)
        self._observer.start()

    def stop(self) -> None:
        """Watch no longer."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def _changed(self, event: FileSystemEvent) -> None:
        path = Path(self.dir_path)
        touched = {str(event.src_path), str(event.dest_path)}
        if path.is_file() and str(path) not in touched:
            return  # a neighbour of the file
        if str(path) in touched and path.is_dir():
            return  # the folder itself: its files are what counts
        self.n_changes += 1
        if self.n_changes >= self.batch_size:
            self.n_changes = 0
            self.trigger(_told(event))

    def _settings(self) -> Settings:
        if not self._is_s3:
            return super()._settings()
        from covalent_contracts.triggers import BucketSettings  # noqa: PLC0415  # loads pydantic

        bucket, _, prefix = self.dir_path.removeprefix(_SCHEME).partition("/")
        if prefix and not prefix.endswith("/"):
            prefix += "/"  # the objects in the folder `data`, not those that begin with `data`
        wanted = {_OF_S3[name]: None for name in self.event_names}
        return BucketSettings(
            bucket=bucket,
            prefix=prefix,
            events=list(wanted),  # type: ignore[arg-type]  # the values of _OF_S3
            batch_size=self.batch_size,
            recursive=self.recursive,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Without the threads that watch."""
        return {**super().__getstate__(), "event_handler": None, "_observer": None}


def _path(given: str | Path) -> str:
    text = str(given)
    if text.startswith(_SCHEME):
        if not text.removeprefix(_SCHEME).partition("/")[0]:
            raise ValueError(f"{text!r} names no bucket: write s3://bucket/prefix")
        return text
    path = Path(text).expanduser().absolute()
    if not path.exists():
        raise FileNotFoundError(f"there is nothing to watch at {path}")
    return str(path)


def _names(given: str | Sequence[str], *, is_s3: bool) -> list[str]:
    names = [given] if isinstance(given, str) else list(given)
    unknown = [name for name in names if name not in EVENT_NAMES]
    if unknown or not names:
        what = (
            f"unknown event names: {', '.join(map(repr, unknown))}" if names else "no event names"
        )
        raise ValueError(f"{what}; there are {', '.join(EVENT_NAMES)}")
    foreign = [name for name in names if is_s3 and name not in _OF_S3]
    if foreign:
        raise ValueError(f"S3 tells of no {foreign[0]!r} events: take some of {', '.join(_OF_S3)}")
    return names


def _told(event: FileSystemEvent) -> dict[str, Any]:
    return {
        "kind": "dir",
        "event": event.event_type,
        "path": str(event.src_path),
        "moved_to": str(event.dest_path) or None,
        "is_directory": event.is_directory,
    }
