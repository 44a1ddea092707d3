"""What happens to an expression with an electron in it, while a lattice is built.

Arithmetic is deferred: it becomes a node. What Python must have an answer to at once (a truth value, a length, an
`int`) cannot be, and is refused with the cure, because any made-up answer would silently be a wrong one.
"""

from __future__ import annotations

import operator
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

BINARY: MappingProxyType[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
        "//": operator.floordiv,
        "%": operator.mod,
        "**": operator.pow,
        "@": operator.matmul,
        "&": operator.and_,
        "|": operator.or_,
        "^": operator.xor,
        "<<": operator.lshift,
        ">>": operator.rshift,
    }
)
"""Functions of the `operator` module by symbol; their names travel in the manifest."""

UNARY: MappingProxyType[str, Callable[[Any], Any]] = MappingProxyType(
    {"-": operator.neg, "+": operator.pos, "~": operator.invert, "abs": operator.abs}
)


def cannot(what: str, electron: object) -> TypeError:
    """The error for what cannot be deferred."""
    return TypeError(
        f"{what} is not possible with {electron!r}: its value is not known while the lattice is built; "
        "do this inside an electron"
    )


def _forward(symbol: str) -> Callable[[Any, Any], Any]:
    def method(self: Operators, other: Any) -> Any:
        return self.get_op_function(self, other, symbol)

    return method


def _reflected(symbol: str) -> Callable[[Any, Any], Any]:
    def method(self: Operators, other: Any) -> Any:
        return self.get_op_function(other, self, symbol)

    return method


def _unary(symbol: str) -> Callable[[Any], Any]:
    def method(self: Operators) -> Any:
        return self.get_unary_function(symbol)

    return method


def _refused(what: str) -> Callable[..., Any]:
    def method(self: Operators, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise cannot(what, self)

    return method


def _comparison(symbol: str) -> Callable[[Any, Any], Any]:
    def method(self: Operators, _other: object) -> Any:
        if not self._is_bound:  # a decorated function's electron is an ordinary object
            return NotImplemented
        raise cannot(f"the comparison `{symbol}`", self)

    return method


class Operators:
    """Python's operators, for whoever can defer a binary and a unary one."""

    __slots__ = ()
    __array_ufunc__ = None
    """Tells numpy to leave `array + electron` to us."""

    @property
    def _is_bound(self) -> bool:
        """Whether this stands for a value that a lattice will compute.

        Private, like everything that is not promised: `electron.x` means the attribute of the electron's value.
        """
        raise NotImplementedError

    def get_op_function(self, operand_1: Any, operand_2: Any, op: str) -> Any:
        """Defer a binary operation, given by its symbol."""
        raise NotImplementedError

    def get_unary_function(self, op: str) -> Any:
        """Defer a unary operation, given by its symbol."""
        raise NotImplementedError

    __add__, __radd__ = _forward("+"), _reflected("+")
    __sub__, __rsub__ = _forward("-"), _reflected("-")
    __mul__, __rmul__ = _forward("*"), _reflected("*")
    __truediv__, __rtruediv__ = _forward("/"), _reflected("/")
    __floordiv__, __rfloordiv__ = _forward("//"), _reflected("//")
    __mod__, __rmod__ = _forward("%"), _reflected("%")
    __pow__, __rpow__ = _forward("**"), _reflected("**")
    __matmul__, __rmatmul__ = _forward("@"), _reflected("@")
    __and__, __rand__ = _forward("&"), _reflected("&")
    __or__, __ror__ = _forward("|"), _reflected("|")
    __xor__, __rxor__ = _forward("^"), _reflected("^")
    __lshift__, __rlshift__ = _forward("<<"), _reflected("<<")
    __rshift__, __rrshift__ = _forward(">>"), _reflected(">>")
    __neg__, __pos__, __invert__ = _unary("-"), _unary("+"), _unary("~")
    __abs__ = _unary("abs")

    __eq__, __ne__ = _comparison("=="), _comparison("!=")
    __lt__, __le__, __gt__, __ge__ = (_comparison(each) for each in ("<", "<=", ">", ">="))
    __hash__ = object.__hash__

    __bool__ = _refused("a condition (`if`, `and`, `or`, `not`, bool())")
    __int__, __float__, __complex__ = _refused("int()"), _refused("float()"), _refused("complex()")
    __index__ = _refused("use as an index, a slice or a range")
    __round__, __trunc__ = _refused("round()"), _refused("trunc()")
    __floor__, __ceil__ = _refused("floor()"), _refused("ceil()")
    __divmod__ = __rdivmod__ = _refused("divmod()")
    __len__, __contains__ = _refused("len()"), _refused("`in`")
    __reversed__, __bytes__ = _refused("reversed()"), _refused("bytes()")
    __str__, __format__ = (_refused("a text of it (str(), print(), an f-string)") for _ in "12")
    __array__ = _refused("a numpy array of it")
    __fspath__ = _refused("use as a path")
    __setitem__, __delitem__ = (_refused("a change of an item of it") for _ in "12")
