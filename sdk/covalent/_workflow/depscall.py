"""Python functions to call before or after an electron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from covalent._workflow.deps import Deps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESERVED_RETVAL_KEYS = ("files",)
"""Parameters of an electron that Covalent fills in itself."""


class DepsCall(Deps):
    """A function to call in an electron's environment.

    Args:
        func: the function.
        args: its positional arguments.
        kwargs: its keyword arguments.
        retval_keyword: the parameter of the electron that takes the return value; it must have a default.
        override_reserved_retval_keys: allow a keyword that Covalent fills in itself.

    Raises:
        TypeError: `func` cannot be called.
        RuntimeError: the keyword is reserved.

    """

    def __init__(
        self,
        func: Callable[..., Any] | None = None,
        args: Sequence[Any] = [],  # the documented default; copied
        kwargs: Mapping[str, Any] = {},  # the documented default; copied
        *,
        retval_keyword: str = "",
        override_reserved_retval_keys: bool = False,
    ) -> None:
        if func is not None and not callable(func):
            raise TypeError(f"DepsCall takes a function, not {func!r}")
        if retval_keyword in RESERVED_RETVAL_KEYS and not override_reserved_retval_keys:
            raise RuntimeError(
                f"retval_keyword {retval_keyword!r} is reserved: Covalent fills in that parameter itself"
            )
        super().__init__(func, args, kwargs, retval_keyword=retval_keyword)

    @property
    def func(self) -> Callable[..., Any] | None:
        """The function."""
        return self.apply_fn

    @property
    def args(self) -> list[Any]:
        """Its positional arguments."""
        return self.apply_args

    @property
    def kwargs(self) -> dict[str, Any]:
        """Its keyword arguments."""
        return self.apply_kwargs

    def to_dict(self) -> dict[str, Any]:
        """A JSON-serializable representation."""
        return {**super().to_dict(), "type": "DepsCall", "short_name": "call"}

    def from_dict(self, object_dict: Mapping[str, Any]) -> Self:
        """Take over what `to_dict` gave; every attribute of this object is overwritten."""
        return super().from_dict(object_dict)
