"""The `argtypes` of a lepton: what C takes, and what is made of the text of a shell variable."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, cast

from covalent_runner.leptons.c_function import Argument, Role
from covalent_runner.leptons.c_types import describe
from covalent_runner.leptons.shell import Output, to_bool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FLOATS = (ctypes.c_float, ctypes.c_double, ctypes.c_longdouble)
_TEXTS = (ctypes.c_char_p, ctypes.c_wchar_p, ctypes.c_char)


def pairs(argtypes: Sequence[Any]) -> list[tuple[Any, Role]]:
    """The types with their roles.

    Raises:
        ValueError: an element is no pair of a type and a role.

    """
    found = []
    for each in argtypes:
        try:
            kind, role = each
            found.append((kind, Role(role)))
        except (TypeError, ValueError) as exc:
            raise ValueError(
                f"{each!r} in argtypes is no pair of a type and Lepton.INPUT, OUTPUT or INPUT_OUTPUT"
            ) from exc
    return found


def c_arguments(types: Sequence[tuple[Any, Role]]) -> list[Argument]:
    """The arguments of a C function.

    Raises:
        TypeError: a type is none that it can take, or an output is not in memory.

    """
    found = []
    for index, (given, role) in enumerate(types):
        kind = describe(given)
        if role is not Role.INPUT and not kind.is_writable:
            raise TypeError(
                f"argument {index + 1} is an output, so C must get its address: POINTER({kind}), or an array"
            )
        found.append(Argument(str(kind), role))
    return found


def outputs(names: Sequence[str], types: Sequence[tuple[Any, Role]]) -> list[Output]:
    """The shell variables to return; text, where no types are given.

    Raises:
        ValueError: there are more types than names, or fewer.
        TypeError: a type cannot be made of a text.

    """
    given = [kind for kind, role in types if role is not Role.INPUT]
    if given and len(given) != len(names):
        raise ValueError(
            f"named_outputs has {len(names)} names, argtypes has {len(given)} outputs (OUTPUT or INPUT_OUTPUT)"
        )
    casts = [_cast(kind) for kind in given] or [str] * len(names)
    return [Output(name, cast) for name, cast in zip(names, casts, strict=True)]


def _cast(kind: Any) -> Callable[[str], Any]:
    """What makes a value of a text; a type of ctypes stands for Python's own."""
    if kind in (bool, ctypes.c_bool):
        return to_bool
    if kind in _FLOATS:
        return float
    if kind in _TEXTS:
        return str
    if isinstance(kind, type) and kind.__module__ in ("ctypes", "_ctypes"):
        return int
    if not callable(kind):
        raise TypeError(f"{kind!r} in argtypes is no type that a text can become")
    return cast("Callable[[str], Any]", kind)
