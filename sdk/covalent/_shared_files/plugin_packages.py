"""The packages that existing scripts import executors from: `from covalent_braket_plugin.braket import BraketExecutor`.

Covalent's own server has a package for each executor. Here all executors come with Covalent, so a script needs no such
package; it is given a module of that name with the executor in it. A package of that name that is installed is left
alone: this finder is asked last.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from types import ModuleType

_HOMES = MappingProxyType(
    {
        f"covalent_{name}_plugin": f"covalent.executor.executor_plugins.{name}"
        for name in (
            *("awsbatch", "awslambda", "azurebatch", "braket", "ec2", "ecs"),
            *("gcpbatch", "slurm", "ssh"),
        )
    }
)


class _Finder:
    """Finds the package, and the module in it that is called like the executor."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  # the import system's
        target: ModuleType | None = None,  # noqa: ARG002  # the import system's
    ) -> ModuleSpec | None:
        package, _, module = fullname.partition(".")
        home = _HOMES.get(package)
        if home is None or module not in ("", home.rpartition(".")[2]):
            return None
        return ModuleSpec(fullname, cast("Loader", self), is_package=not module)

    def create_module(self, spec: ModuleSpec) -> None:
        """Have the import system make it."""

    def exec_module(self, module: ModuleType) -> None:
        """Put into it what its home has."""
        home = import_module(_HOMES[module.__name__.partition(".")[0]])
        vars(module).update({k: v for k, v in vars(home).items() if not k.startswith("__")})


def install() -> None:
    """Have imports find the packages."""
    if not any(isinstance(each, _Finder) for each in sys.meta_path):
        sys.meta_path.append(_Finder())
