"""What the decorators leave in a module: functions that look like the user's own."""

from __future__ import annotations

import functools
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar

from covalent_contracts.errors import InvalidWorkflow

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


def decorated(made: Electron) -> Any:
    """An `ElectronFunction` for an electron."""
    # Attributes of other callables mean something else.
    plain = isinstance(made.function, FunctionType)

    @functools.wraps(made.function, updated=functools.WRAPPER_UPDATES if plain else ())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return made(*args, **kwargs)

    wrapper.electron_object = made  # type: ignore[attr-defined]  # what ElectronFunction declares
    return wrapper


def refuse_sublattice(name: str, function: Any) -> None:
    """Refuse an electron of a lattice.

    Raises:
        InvalidWorkflow: the function is a lattice.

    """
    from covalent._workflow.lattice import Lattice  # noqa: PLC0415  # loaded when first used

    if isinstance(function, Lattice):
        raise InvalidWorkflow(
            f"{name} is an electron of a lattice (a sublattice), which this version cannot dispatch yet: "
            "call the lattice itself to make its electrons part of this one"
        )
