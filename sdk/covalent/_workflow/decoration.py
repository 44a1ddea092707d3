"""What the decorators leave in a module: functions that look like the user's own."""

from __future__ import annotations

import functools
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from covalent._workflow.electron import Electron

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class ElectronFunction(Protocol, Generic[P, R_co]):
    """A decorated function: called like the function, and `electron_object` is its electron."""

    electron_object: Electron
    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function, or add it to the lattice that is being built."""


def is_lattice(function: Any) -> bool:
    """Whether a function is a lattice, so that an electron of it is a sublattice."""
    from covalent._workflow.lattice import Lattice  # noqa: PLC0415  # loaded when first used

    return isinstance(function, Lattice)


def decorated(made: Electron) -> Any:
    """An `ElectronFunction` for an electron."""
    # Attributes of other callables mean something else.
    plain = isinstance(made.function, FunctionType)

    @functools.wraps(made.function, updated=functools.WRAPPER_UPDATES if plain else ())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return made(*args, **kwargs)

    wrapper.electron_object = made  # type: ignore[attr-defined]  # what ElectronFunction declares
    return wrapper
