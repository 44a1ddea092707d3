"""C types in a form that travels: ctypes' own classes of pointers and arrays cannot be pickled.

c_int          a number, or c_char_p, or c_void_p
*c_int         POINTER(c_int)
[3]c_int       c_int * 3
*[2][3]c_int   POINTER(c_int * 3 * 2)
"""

import ctypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

TEXT, ADDRESS = "c_char_p", "c_void_p"
_NUMBERS = (
    *("c_bool", "c_char", "c_byte", "c_ubyte", "c_short", "c_ushort", "c_int", "c_uint"),
    *("c_long", "c_ulong", "c_longlong", "c_ulonglong", "c_float", "c_double", "c_longdouble"),
)
_SIMPLE: Mapping[Any, str] = MappingProxyType(
    {getattr(ctypes, name): name for name in reversed((*_NUMBERS, TEXT, ADDRESS))}
)
_CODE = re.compile(r"(?P<pointer>\*?)(?P<dimensions>(\[\d+\])*)(?P<name>c_\w+)")


@dataclass(frozen=True)
class CType:
    """A number, or a pointer to numbers, or an array of them. `shape` is the array's, () for a single one."""

    name: str
    is_pointer: bool = False
    shape: tuple[int, ...] = ()

    @property
    def is_memory(self) -> bool:
        """Whether C gets an address."""
        return self.is_pointer or bool(self.shape) or self.name in (TEXT, ADDRESS)

    @property
    def is_writable(self) -> bool:
        """Whether C can give a value back in it."""
        return self.is_pointer or bool(self.shape)

    @property
    def element(self) -> Any:
        """The ctypes class of one number."""
        return getattr(ctypes, self.name)

    def __str__(self) -> str:
        dimensions = "".join(f"[{size}]" for size in self.shape)
        return f"{'*' if self.is_pointer else ''}{dimensions}{self.name}"


def parse(code: str) -> CType:
    """Read what `str` gave.

    Raises:
        ValueError: it is no such text.

    """
    found = _CODE.fullmatch(code)
    if found is None or found["name"] not in _SIMPLE.values():
        raise ValueError(f"not a C type: {code!r}")
    shape = tuple(int(size) for size in re.findall(r"\d+", found["dimensions"]))
    return CType(found["name"], bool(found["pointer"]), shape)


def describe(given: Any) -> CType:
    """The C type of a ctypes class.

    Raises:
        TypeError: it is none that a lepton can take.

    """
    kind = given
    is_pointer = isinstance(kind, type) and issubclass(kind, ctypes._Pointer)
    kind = kind._type_ if is_pointer else kind
    shape: list[int] = []
    while _is_array(kind):
        shape.append(kind._length_)
        kind = kind._type_
    name = _SIMPLE.get(kind)
    if name is None or (name in (TEXT, ADDRESS) and (is_pointer or shape)):
        raise TypeError(
            f"{getattr(given, '__name__', given)} is no argument type of a C lepton: it takes ctypes' numbers, "
            "pointers to numbers and arrays of them, c_char_p and c_void_p"
        )
    return CType(name, is_pointer, tuple(shape))


def _is_array(given: Any) -> bool:
    return isinstance(given, type) and issubclass(given, ctypes.Array)
