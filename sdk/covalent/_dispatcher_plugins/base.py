"""What every dispatcher can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from covalent._workflow.lattice import Lattice


class BaseDispatcher(ABC):
    """Turns a lattice into a callable that dispatches it; the callable takes the workflow's arguments."""

    @staticmethod
    @abstractmethod
    def dispatch(
        orig_lattice: Lattice, dispatcher_addr: str | None = None, disable_run: bool = False
    ) -> Callable[..., str]:
        """Return a callable that dispatches the lattice and returns the id of the dispatch."""

    @staticmethod
    @abstractmethod
    def dispatch_sync(lattice: Lattice, dispatcher_addr: str | None = None) -> Callable[..., Any]:
        """Return a callable that dispatches the lattice and waits for its `Result`."""
