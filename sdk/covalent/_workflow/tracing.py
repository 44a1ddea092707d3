"""The build of a lattice that is under way in this thread (or task), if there is one."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from covalent._workflow.decoration import is_lattice
from covalent._workflow.metadata import resolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from covalent._workflow.electron import Electron
    from covalent._workflow.lattice import Lattice
    from covalent._workflow.sublattice import Sublattice
    from covalent._workflow.transport import TransportGraph


@dataclass(frozen=True)
class Trace:
    """A build: the graph that grows, and the metadata of the lattice it is for."""

    graph: TransportGraph
    metadata: Mapping[str, Any]
    _sublattices: dict[Any, Any] = field(default_factory=dict)

    def node_of(
        self, name: str, function: Any, own: Mapping[str, Any]
    ) -> tuple[str, Any, dict[str, Any], str]:
        """Name, function, metadata and kind of the node that a call of an electron adds.

        Args:
            name: of the electron.
            function: the electron's; a lattice makes the node a sublattice.
            own: the metadata of the electron.

        """
        if not is_lattice(function):
            return name, function, resolved(own, self.metadata), "function"
        made, metadata = self._sublattice(function, own)
        return f":sublattice:{name}", made, metadata, "sublattice"

    def _sublattice(
        self, lattice: Lattice, own: Mapping[str, Any]
    ) -> tuple[Sublattice, dict[str, Any]]:
        """The same one for every call, so that it is pickled once."""
        from covalent._workflow.sublattice import as_sublattice  # noqa: PLC0415  # loaded when first used

        key = id(lattice), id(own.get("executor")), id(own.get("hooks"))
        if key not in self._sublattices:
            made = as_sublattice(lattice, own, self.metadata)
            # Alive, so that nothing else gets their ids.
            self._sublattices[key] = made, lattice, dict(own)
        found: tuple[Sublattice, dict[str, Any]] = self._sublattices[key][0]
        return found


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
