"""What survives: items of the table and objects of the bucket, on disk before a request is answered.

Items live in an SQLite database, one row per item, objects as files beside a row that names them. The promise
is for a crash of the
process (`kill -9`), not of the machine: nothing is fsynced.
"""

import fcntl
import json
import os
import sqlite3
import tempfile
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

from covalent_contracts.errors import NewerWire
from covalent_contracts.layout import JOURNAL, LAYOUT
from covalent_contracts.records import DISPATCH

_SCHEMA = """
create table if not exists items (tbl text, pk text, sk text, image text, primary key (tbl, pk, sk)) without rowid;
create table if not exists objects (
    key text primary key, file text, size integer, etag text, modified real, headers text) without rowid;
"""
Image = dict[str, Any]
"""An item in DynamoDB JSON, binary values as bytes."""


class DataDirInUse(RuntimeError):
    """Another server owns the data folder."""

    def __init__(self, folder: Path, pid: str) -> None:
        super().__init__(f"{folder} is in use by the server with pid {pid}")
        self.pid = pid


@dataclass(frozen=True)
class Stored:
    """An object on disk."""

    key: str
    path: Path
    size: int
    etag: str
    modified: float
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Written:
    """A body that was received whole, in a file of its own that belongs to no object yet."""

    path: Path
    size: int
    md5: str
    sha256: bytes


@dataclass(frozen=True)
class Change:
    """An item's new image; None when it is gone."""

    table: str
    pk: str
    sk: str
    image: Image | None


class Journal:
    """The data folder. One process at a time."""

    def __init__(self, folder: Path) -> None:
        """Open or create it.

        Raises:
            DataDirInUse: another process has it open.
            NewerWire: a newer version has written it.

        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)  # an older one too: it holds pickles that its owner will load
        self._lock_file = _lock(folder)
        self._objects = folder / "objects"
        self._objects.mkdir(exist_ok=True)
        self._guard = threading.Lock()
        self._database = sqlite3.connect(
            folder / JOURNAL, check_same_thread=False, isolation_level=None
        )
        self._database.executescript("pragma journal_mode=wal; pragma synchronous=off;" + _SCHEMA)
        self._check_layout()
        self._sweep()

    def _check_layout(self) -> None:
        (found,) = self._database.execute("pragma user_version").fetchone()
        if found > LAYOUT:
            self.close()
            raise NewerWire(
                f"the stored dispatches have layout {found}, this Covalent knows {LAYOUT}: upgrade it"
            )
        self._database.execute(f"pragma user_version = {LAYOUT}")

    def close(self) -> None:
        """Release the folder."""
        with self._guard:
            self._database.close()
        os.close(self._lock_file)

    def partitions(self, table: str) -> set[str]:
        """The partition keys of a table."""
        query = "select distinct pk from items where tbl = ?"
        return {pk for (pk,) in self._database.execute(query, (table,))}

    def items(self, table: str, pk: str) -> list[Image]:
        """The items of one partition."""
        query = "select image from items where tbl = ? and pk = ?"
        with self._guard:
            rows = self._database.execute(query, (table, pk)).fetchall()
        return [with_bytes(json.loads(text)) for (text,) in rows]

    def items_with(self, table: str, attribute: str) -> list[Image]:
        """The items that have an attribute."""
        query = "select image from items where tbl = ? and json_extract(image, ?) is not null"
        rows = self._database.execute(query, (table, f'$."{attribute}"')).fetchall()
        return [with_bytes(json.loads(text)) for (text,) in rows]

    def has_items(self, table: str, sk: str) -> bool:
        """Whether there is an item with a sort key."""
        query = "select 1 from items where tbl = ? and sk = ? limit 1"
        return self._database.execute(query, (table, sk)).fetchone() is not None

    def has_unfinished(self, table: str, final: Iterable[str]) -> bool:
        """Whether a dispatch has not ended."""
        names = list(final)
        query = (
            "select 1 from items where tbl = ? and sk = ? "  # noqa: S608  # question marks only
            f"and json_extract(image, '$.status.S') not in ({','.join('?' * len(names))}) limit 1"
        )
        return self._database.execute(query, (table, DISPATCH, *names)).fetchone() is not None

    def record(self, changes: Iterable[Change]) -> None:
        """Write the new images of items, all or none."""
        rows = list(changes)
        with self._guard:
            if len(rows) == 1:
                self._write(rows[0])
                return
            self._database.execute("begin")
            for each in rows:
                self._write(each)
            self._database.execute("commit")

    def _write(self, change: Change) -> None:
        key = (change.table, change.pk, change.sk)
        if change.image is None:
            self._database.execute("delete from items where tbl = ? and pk = ? and sk = ?", key)
        else:
            text = json.dumps(change.image, default=base64_text, separators=(",", ":"))
            self._database.execute("replace into items values (?, ?, ?, ?)", (*key, text))

    def receive(self, pieces: Iterable[bytes]) -> Written:
        """Write a body to a file of its own."""
        whole_md5, whole_sha256, size = md5(usedforsecurity=False), sha256(), 0
        handle, name = tempfile.mkstemp(dir=self._objects, prefix="new-")
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in pieces:
                    file.write(piece)
                    whole_md5.update(piece)
                    whole_sha256.update(piece)
                    size += len(piece)
        except BaseException:
            Path(name).unlink()
            raise
        return Written(Path(name), size, whole_md5.hexdigest(), whole_sha256.digest())

    def discard(self, written: Written) -> None:
        """Forget a body that will not become an object."""
        written.path.unlink(missing_ok=True)

    def store(
        self, key: str, written: Written, modified: float, headers: Mapping[str, str]
    ) -> Stored:
        """Make a received body the object `key`."""
        path = written.path.with_name(written.path.name.removeprefix("new-"))
        written.path.rename(path)
        row = (key, path.name, written.size, written.md5, modified, json.dumps(dict(headers)))
        with self._guard:
            old = self._file_of(key)
            self._database.execute("replace into objects values (?, ?, ?, ?, ?, ?)", row)
        if old:
            (self._objects / old).unlink(missing_ok=True)
        return Stored(key, path, written.size, written.md5, modified, headers)

    def remove(self, key: str) -> None:
        """Delete an object, if it is there."""
        with self._guard:
            old = self._file_of(key)
            self._database.execute("delete from objects where key = ?", (key,))
        if old:
            (self._objects / old).unlink(missing_ok=True)

    def objects(self) -> Iterator[Stored]:
        """Every object, without its content."""
        for key, file, size, etag, modified, headers in self._database.execute(
            "select * from objects"
        ):
            path = self._objects / file
            yield Stored(key, path, size, etag, modified, json.loads(headers))

    def _file_of(self, key: str) -> str | None:
        row = self._database.execute("select file from objects where key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _sweep(self) -> None:
        """Remove files that a crash left without a row."""
        known = {file for (file,) in self._database.execute("select file from objects")}
        for entry in os.scandir(self._objects):
            if entry.name not in known:
                Path(entry.path).unlink()


def _lock(folder: Path) -> int:
    path = folder / "lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(handle)
        raise DataDirInUse(folder, path.read_text() or "unknown") from exc
    os.ftruncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())
    return handle


def base64_text(value: Any) -> str:
    """Bytes as JSON has them; `default` of `json.dumps`."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"not an attribute value: {value!r}")


def with_bytes(value: Any) -> Any:
    """An image as it was before it was written: base64 under B and BS becomes bytes again."""
    if isinstance(value, list):
        return [with_bytes(each) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"B"} and isinstance(value["B"], str):
        return {"B": b64decode(value["B"])}
    if set(value) == {"BS"} and isinstance(value["BS"], list):
        return {"BS": [b64decode(each) for each in value["BS"]]}
    return {name: with_bytes(each) for name, each in value.items()}
