"""Shell commands to run before an electron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from covalent._workflow.deps import Deps, run_shell, texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class DepsBash(Deps):
    """Shell commands to run, in order, before an electron, in its environment; a failing one fails the electron.

    Args:
        commands: one command or several.

    Raises:
        TypeError: a command is not text.

    """

    def __init__(
        self,
        commands: str | Sequence[str] = [],  # the documented default; copied
    ) -> None:
        self.commands = texts(commands, "DepsBash takes shell commands")
        super().__init__(run_shell, [self.commands])

    def to_dict(self) -> dict[str, Any]:
        """A JSON-serializable representation."""
        attributes = {"commands": list(self.commands)}
        return {"type": "DepsBash", "short_name": "bash", "attributes": attributes}

    def from_dict(self, object_dict: Mapping[str, Any]) -> Self:
        """Take over what `to_dict` gave; every attribute of this object is overwritten."""
        DepsBash.__init__(self, object_dict["attributes"]["commands"])
        return self
