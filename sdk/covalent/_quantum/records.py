"""What is kept of each circuit that ran.

An executor fills a `CircuitRecord` while it runs a circuit; the device of quantum electrons hands it to `keep`, which
collects it where somebody has asked for records with `collecting`.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class CircuitRecord:
    """A circuit that ran."""

    executor: str
    """The class of the quantum executor."""
    circuit: str = ""
    """A drawing."""
    parameters: list[Any] = field(default_factory=list)
    shots: Any = None
    """None for an exact result."""
    started: datetime | None = None
    ended: datetime | None = None
    result: Any = None


_current: ContextVar[list[CircuitRecord] | None] = ContextVar("quantum_records", default=None)


@contextlib.contextmanager
def collecting() -> Iterator[list[CircuitRecord]]:
    """Collect the records of all circuits that run inside."""
    kept: list[CircuitRecord] = []
    token = _current.set(kept)
    try:
        yield kept
    finally:
        _current.reset(token)


def is_collecting() -> bool:
    """Whether a record would be collected: a drawing need not be made otherwise."""
    return _current.get() is not None


def keep(record: CircuitRecord) -> None:
    """Add a record to those that are collected, if any are."""
    kept = _current.get()
    if kept is not None:
        kept.append(record)
