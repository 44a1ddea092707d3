"""What runs beside an electron, in its environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from covalent._workflow.transportable_object import TransportableObject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Deps:
    """A function to call beside an electron.

    Args:
        apply_fn: the function.
        apply_args: its positional arguments.
        apply_kwargs: its keyword arguments.
        retval_keyword: the electron's parameter that takes the return value.

    """

    def __init__(
        self,
        apply_fn: Callable[..., Any] | None = None,
        apply_args: Sequence[Any] = [],  # the documented default; copied, never changed
        apply_kwargs: Mapping[str, Any] = {},  # the documented default; copied
        *,
        retval_keyword: str = "",
    ) -> None:
        self.apply_fn = apply_fn
        self.apply_args = list(apply_args)
        self.apply_kwargs = dict(apply_kwargs)
        self.retval_keyword = retval_keyword

    def apply(
        self,
    ) -> tuple[TransportableObject, TransportableObject, TransportableObject, str]:
        """Pickle what is to be called.

        Returns:
            The function, its positional and its keyword arguments, and the keyword for the return value.

        """
        return (
            TransportableObject(self.apply_fn),
            TransportableObject(self.apply_args),
            TransportableObject(self.apply_kwargs),
            self.retval_keyword,
        )

    def to_dict(self) -> dict[str, Any]:
        """A JSON-serializable representation."""
        function, args, kwargs, keyword = self.apply()
        return {
            "type": type(self).__name__,
            "short_name": type(self).__name__.lower(),
            "attributes": {
                "apply_fn": function.to_dict(),
                "apply_args": args.to_dict(),
                "apply_kwargs": kwargs.to_dict(),
                "retval_keyword": keyword,
            },
        }

    def from_dict(self, object_dict: Mapping[str, Any]) -> Self:
        """Take over what `to_dict` gave; every attribute of this object is overwritten."""
        attributes = object_dict["attributes"]
        for name in ("apply_fn", "apply_args", "apply_kwargs"):
            value = TransportableObject.from_dict(attributes[name]).get_deserialized()
            setattr(self, name, value)
        self.retval_keyword = attributes["retval_keyword"]
        return self

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(self) == vars(other)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        shown = ", ".join(f"{key}={value!r}" for key, value in vars(self).items() if key[0] != "_")
        return f"{type(self).__name__}({shown})"


def texts(given: object, what: str) -> list[str]:
    """One text or several, as a list.

    Raises:
        TypeError: it is something else; `what` tells what is accepted.

    """
    several = [given] if isinstance(given, str) else given
    if not isinstance(several, list | tuple) or not all(isinstance(each, str) for each in several):
        raise TypeError(f"{what} as text, one or a list of them, not {given!r}")
    return list(several)


def run_shell(commands: Sequence[str]) -> None:
    """Run commands one after the other in a shell.

    Raises:
        subprocess.CalledProcessError: one of them failed; later ones are not run.

    """
    import subprocess  # noqa: PLC0415  # loaded when first used

    for command in commands:
        subprocess.run(command, shell=True, check=True)  # noqa: S602  # commands are the user's own


def pip_install(packages: Sequence[str]) -> None:
    """Install packages into the running environment.

    Raises:
        subprocess.CalledProcessError: pip failed.

    """
    import subprocess  # noqa: PLC0415  # loaded when first used
    import sys  # noqa: PLC0415  # loaded when first used

    if packages:
        command = [sys.executable, "-m", "pip", "install", "--no-input", *packages]
        subprocess.run(command, check=True)  # noqa: S603  # packages are the user's own
