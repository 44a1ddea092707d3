"""What code in an electron leaves beside its output: bytes by name, which are kept with the electron.

Whoever runs an electron opens a collector around it; code in the electron, on whatever thread, adds to it. What came
together travels as one object, which only who added to it, and who reads it on the user's machine, has to understand.
"""

import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from uuid import uuid4

from covalent_contracts.errors import CorruptedObject, NewerWire

WIRE = 1
LIMIT = 16 * 1024 * 1024
"""Bytes that an electron may leave; what would be beyond is counted and left out."""
QELECTRONS = "qelectrons"
"""The name of the circuits that an electron has run: a pickled dictionary each."""
_LENGTH = struct.Struct(">I")
_HERE = uuid4().hex


@dataclass(frozen=True)
class Attachments:
    """What an electron has left, by name and in order, and how many of each name found no place."""

    found: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def dump(self) -> bytes:
        """As one object; nothing as no bytes."""
        if not self.found and not self.left_out:
            return b""
        parts = [(name, data) for name, each in self.found.items() for data in each]
        sizes = [(name, len(data)) for name, data in parts]
        document = {"wire": WIRE, "parts": sizes, "left_out": dict(self.left_out)}
        head = json.dumps(document, separators=(",", ":")).encode()
        return b"".join((_LENGTH.pack(len(head)), head, *(data for _, data in parts)))

    @classmethod
    def load(cls, data: bytes) -> "Attachments":
        """Read what `dump` has written.

        Raises:
            CorruptedObject: it is cut short or altered.
            NewerWire: a newer version has written it.

        """
        if not data:
            return cls()
        try:
            start = _LENGTH.size + _LENGTH.unpack_from(data)[0]
            document = json.loads(data[_LENGTH.size : start])
            if document["wire"] > WIRE:
                raise NewerWire(f"attachments have wire version {document['wire']}: upgrade this")
            return cls(_cut(data, start, document["parts"]), document["left_out"])
        except (struct.error, ValueError, KeyError, TypeError) as exc:
            raise CorruptedObject("what an electron left beside its output is damaged") from exc


def _cut(
    data: bytes, start: int, parts: Sequence[tuple[str, int]]
) -> Mapping[str, Sequence[bytes]]:
    found: dict[str, list[bytes]] = {}
    for name, size in parts:
        found.setdefault(name, []).append(data[start : start + size])
        start += size
    if start != len(data):
        raise ValueError(f"{len(data)} bytes instead of {start}")
    return found


class Collector:
    """Takes what an electron leaves, until there is `LIMIT` of it; thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._size = 0
        self._found: dict[str, list[bytes]] = {}
        self._left_out: dict[str, int] = {}
        self._process = os.getpid()
        self._at_end: list[Callable[[], object]] = []

    @property
    def is_ours(self) -> bool:
        """Whether it was opened in this process: what is added to a fork's copy reaches nobody."""
        return self._process == os.getpid()

    def add(self, name: str, data: bytes) -> bool:
        """Leave something; False if there is no place for it."""
        with self._lock:
            fits = self._size + len(data) <= LIMIT
            if fits:
                self._size += len(data)
                self._found.setdefault(name, []).append(data)
            else:
                self._left_out[name] = self._left_out.get(name, 0) + 1
        return fits

    def take(self, data: bytes) -> None:
        """Add what came together elsewhere (`dump`)."""
        other = Attachments.load(data)
        for name, each in other.found.items():
            for part in each:
                self.add(name, part)
        with self._lock:
            for name, count in other.left_out.items():
                self._left_out[name] = self._left_out.get(name, 0) + count

    def at_end(self, call: Callable[[], object]) -> None:
        """Have something called when the electron has ended: its process may stay. An error there is nobody's."""
        with self._lock:
            self._at_end.append(call)

    def end(self) -> None:
        """Call it, the last first."""
        with self._lock:
            calls, self._at_end = self._at_end, []
        for each in reversed(calls):
            with suppress(Exception):
                each()

    def dump(self) -> bytes:
        """Everything so far as one object (`Attachments.load` reads it); no bytes if there is nothing."""
        with self._lock:
            return Attachments(self._found, self._left_out).dump()


_current: ContextVar[Collector | None] = ContextVar("covalent_attachments", default=None)
_open: list[Collector] = []


@contextmanager
def collected() -> Iterator[Collector]:
    """Collect what is left inside the block."""
    collector = Collector()
    token = _current.set(collector)
    _open.append(collector)
    try:
        yield collector
    finally:
        _open.remove(collector)
        _current.reset(token)
        if collector.is_ours:
            collector.end()


def collector() -> Collector | None:
    """The collector of the electron that this code is part of; None outside one.

    A thread that an electron has started has no context of its own: it belongs to the only electron of the process.
    """
    found = _current.get()
    if found is not None:
        return found
    ours = [each for each in _open[:] if each.is_ours]
    return ours[0] if len(ours) == 1 else None


@dataclass(frozen=True)
class Carried:
    """An electron's value, and what was left beside it, on the way back from another process."""

    value: Any
    data: bytes


def process() -> str:
    """A name of this process, which no other has."""
    return f"{_HERE}-{os.getpid()}"


_ON_ERROR = "covalent_attachments"


@contextmanager
def carried_by_errors(collector: Collector) -> Iterator[None]:
    """Have an exception out of the block carry what was left until then, also when it is pickled."""
    try:
        yield
    except BaseException as exc:
        if data := collector.dump():
            vars(exc)[_ON_ERROR] = data
        raise


def unloaded(value: Any) -> Any:
    """What another process has given back, a value or an exception; what it carries goes to the collector here."""
    here = collector()
    if isinstance(value, Carried):
        value, data = value.value, value.data
    else:
        data = vars(value).pop(_ON_ERROR, b"") if isinstance(value, BaseException) else b""
    if here is not None and data:
        here.take(data)
    return value
