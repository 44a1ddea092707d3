"""The build of a lattice that is under way in this thread (or task), if there is one."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from covalent._workflow.electron import Electron
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


@dataclass(frozen=True)
class _Replacements:
    electrons: Mapping[str, Electron]
    called: set[str]


_replacements: ContextVar[_Replacements | None] = ContextVar("covalent_replacements", default=None)


def replacement(called: Electron) -> Electron:
    """What is called instead of an electron: itself, if nothing replaces it."""
    active = _replacements.get()
    if active is None or any(called is each for each in active.electrons.values()):
        return called
    active.called.add(called._name)
    return active.electrons.get(called._name, called)


@contextmanager
def replacing(electrons: Mapping[str, Electron]) -> Iterator[set[str]]:
    """Replace electrons, by their names, in what is built within; gives the names of those that are called there."""
    called: set[str] = set()
    token = _replacements.set(_Replacements(electrons, called))
    try:
        yield called
    finally:
        _replacements.reset(token)


@contextmanager
def tracing(trace: Trace) -> Iterator[None]:
    """Make a build the active one; the one before is active again afterwards, whatever happens."""
    token = _active.set(trace)
    try:
        yield
    finally:
        _active.reset(token)
