"""Modules that travel with an electron."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from covalent._workflow.deps import Deps

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType


class DepsModule(Deps):
    """A module of the user's own that the electron's environment does not have.

    Functions and classes of the module are pickled by value with the electron's function.

    Args:
        module: the module, or its name.

    Raises:
        ImportError: no module has this name.

    """

    def __init__(self, module: str | ModuleType) -> None:
        found = import_module(module) if isinstance(module, str) else module
        self.module_name = found.__name__
        super().__init__(import_module, [self.module_name])

    @property
    def module(self) -> ModuleType:
        """The module itself."""
        return import_module(self.module_name)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-serializable representation."""
        attributes = {"module_name": self.module_name}
        return {"type": "DepsModule", "short_name": "module", "attributes": attributes}

    def from_dict(self, object_dict: Mapping[str, Any]) -> Self:
        """Take over what `to_dict` gave; every attribute of this object is overwritten."""
        DepsModule.__init__(self, object_dict["attributes"]["module_name"])
        return self
