"""A function of a Python module, called by name."""

import importlib
import linecache
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import cloudpickle

from covalent_contracts.ids import digest_of
from covalent_runner.errors import LeptonFailed
from covalent_runner.leptons.library import Library


@dataclass(frozen=True)
class PythonFunction:
    """Calls `function` of a module: a file that came along, or what `module` names where it runs."""

    function: str
    module: str = ""
    library: Library | None = None
    title: str = ""

    @property
    def __name__(self) -> str:
        """The name of the node."""
        return self.title or self.function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Import the module and call the function.

        Raises:
            LeptonFailed: the module has no such function.
            Exception: whatever importing or calling raises.

        """
        module = (
            importlib.import_module(self.module) if self.library is None else _loaded(self.library)
        )
        found: Callable[..., Any] | None = getattr(module, self.function, None)
        if not callable(found):
            name = self.module if self.library is None else self.library.name
            raise LeptonFailed(f"{name} has no function {self.function!r}")
        return found(*args, **kwargs)

    def check(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Nothing is known of the function before it runs."""


def _loaded(library: Library) -> ModuleType:
    """The file as a module, run anew for each call: what an electron changes in it is not there in the next one.

    What it defines travels by value, because nobody else can import it.
    """
    name = f"lepton_{digest_of(library.data)[:16]}_{library.name.removesuffix('.py')}"
    module = ModuleType(name)
    module.__file__ = library.name
    sys.modules[name] = module
    cloudpickle.register_pickle_by_value(module)
    text = library.data.decode()
    linecache.cache[library.name] = (len(text), None, text.splitlines(keepends=True), library.name)
    exec(compile(text, library.name, "exec"), vars(module))  # noqa: S102  # the user's own library
    return module
