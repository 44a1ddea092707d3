"""The build of a lattice that is under way in this thread (or task), if there is one."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from covalent._workflow.transport import TransportGraph


@dataclass(frozen=True)
class Trace:
    """A build: the graph that grows, and the metadata of the lattice it is for."""

    graph: TransportGraph
    metadata: Mapping[str, Any]


_active: ContextVar[Trace | None] = ContextVar("covalent_trace", default=None)


def active() -> Trace | None:
    """The build that electrons called from here become part of."""
    return _active.get()


@contextmanager
def tracing(trace: Trace) -> Iterator[None]:
    """Make a build the active one; the one before is active again afterwards, whatever happens."""
    token = _active.set(trace)
    try:
        yield
    finally:
        _active.reset(token)
