"""What is kept of each circuit that ran.

An executor fills a `CircuitRecord` while it runs a circuit; the device of quantum electrons hands it to `keep`. In an
electron of a lattice that leaves it beside the electron's output (`covalent_contracts.attachments`), from where
`result.get_node_result(...)["qelectron_data"]` gets it. It is a dictionary there, which any Python with NumPy can read:

    executor                the class of the quantum executor
    circuit                 a drawing
    parameters              of all gates, in their order
    shots                   None for an exact result
    start_time, end_time    in UTC, without a zone, as those of electrons
    result                  None if the circuit failed
    error                   why it failed; None if it did not

A parameter, or a result, of more than `LARGEST` bytes is summarised: a dictionary of its type, size, and shape. An
electron keeps 16 MiB of circuits (`covalent_contracts.attachments.LIMIT`); what comes after is counted.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from covalent_contracts import attachments, pickling

LARGEST = 64 * 1024
"""Bytes, pickled, of a parameter or result that is kept whole."""
LONGEST = 16 * 1024
"""Characters of a drawing or an error that are kept."""


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
    error: str | None = None
    """Why there is no result."""


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
    """Whether a record would be kept: a drawing need not be made otherwise."""
    return _current.get() is not None or attachments.collector() is not None


def keep(record: CircuitRecord) -> None:
    """Add a record to those that are collected, and to what the electron leaves, if there is one."""
    kept = _current.get()
    if kept is not None:
        kept.append(record)
    collector = attachments.collector()
    if collector is not None:
        collector.add(attachments.QELECTRONS, pickling.pickled(document(record)))


def document(record: CircuitRecord) -> dict[str, Any]:
    """A record as it is stored."""
    return {
        "executor": record.executor,
        "circuit": _cut(record.circuit),
        "parameters": [_bounded(each) for each in record.parameters],
        "shots": record.shots,
        "start_time": _without_zone(record.started),
        "end_time": _without_zone(record.ended),
        "result": _bounded(record.result),
        "error": None if record.error is None else _cut(record.error),
    }


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n[... {len(text) - LONGEST} characters left out ...]"


def _without_zone(time: datetime | None) -> datetime | None:
    return time and time.astimezone(UTC).replace(tzinfo=None)


def _bounded(value: Any) -> Any:
    """The value, or what it is if it is too large, or cannot be kept."""
    if isinstance(value, int | float | complex | None):
        return value
    try:
        size = _size(value)
    except Exception as exc:  # noqa: BLE001  # whatever pickling raises: a record never fails a circuit
        return _summary(value) | {"why": f"it cannot be pickled: {exc}"[:LONGEST]}
    return value if size <= LARGEST else _summary(value) | {"bytes": size}


def _size(value: Any) -> int:
    """Bytes that a value takes, pickled: arrays of numbers tell without it, and circuits have many of them."""
    if getattr(getattr(value, "dtype", None), "kind", "O") in "biufc":
        return int(value.nbytes)
    return len(pickling.pickled(value))


def _summary(value: Any) -> dict[str, Any]:
    summary: dict[str, Any] = {"left_out": type(value).__qualname__}
    if isinstance(value, list | tuple | dict):
        summary["length"] = len(value)
    for name in ("shape", "dtype"):
        found = getattr(value, name, None)
        if found is not None:
            summary[name] = str(found)
    return summary
