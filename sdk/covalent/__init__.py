"""Covalent's Python workflow API: electrons, lattices, and what dispatches them.

This is the contents page. A name is loaded from its home when it is first used, so that `import covalent` costs
next to nothing.
"""

from importlib import import_module as _import_module
from types import MappingProxyType as _MappingProxyType
from typing import TYPE_CHECKING
from typing import Any as _Any

from covalent._shared_files import plugin_packages as _plugin_packages
from covalent._version import __version__

if TYPE_CHECKING:
    from covalent import executor, fs, fs_strategies, leptons, sharing, status, triggers
    from covalent._dispatcher_plugins import dispatch, dispatch_sync, redispatch, stop_triggers
    from covalent._programmatic.commands import (
        covalent_start,
        covalent_stop,
        is_covalent_running,
    )
    from covalent._quantum.decorator import qelectron
    from covalent._results_manager.results_manager import cancel, get_result
    from covalent._shared_files.config import get_config, reload_config, set_config
    from covalent._shared_files.context import get_context
    from covalent._workflow.depsbash import DepsBash
    from covalent._workflow.depscall import DepsCall
    from covalent._workflow.depsmodule import DepsModule
    from covalent._workflow.depspip import DepsPip
    from covalent._workflow.electron import electron, wait
    from covalent._workflow.lattice import lattice
    from covalent._workflow.lepton import Lepton
    from covalent._workflow.transportable_object import TransportableObject

__all__ = [  # noqa: RUF022  # in alphabetical order, as a reader looks for a name
    "__version__",
    "cancel",
    "covalent_start",
    "covalent_stop",
    "DepsBash",
    "DepsCall",
    "DepsModule",
    "DepsPip",
    "dispatch",
    "dispatch_sync",
    "electron",
    "executor",
    "fs",
    "fs_strategies",
    "get_config",
    "get_context",
    "get_result",
    "is_covalent_running",
    "lattice",
    "Lepton",
    "leptons",
    "qelectron",
    "redispatch",
    "reload_config",
    "set_config",
    "sharing",
    "status",
    "stop_triggers",
    "TransportableObject",
    "triggers",
    "wait",
]

_HOMES = _MappingProxyType(
    {
        "cancel": "_results_manager.results_manager",
        "covalent_start": "_programmatic.commands",
        "covalent_stop": "_programmatic.commands",
        "DepsBash": "_workflow.depsbash",
        "DepsCall": "_workflow.depscall",
        "DepsModule": "_workflow.depsmodule",
        "DepsPip": "_workflow.depspip",
        "dispatch": "_dispatcher_plugins",
        "dispatch_sync": "_dispatcher_plugins",
        "electron": "_workflow.electron",
        "get_config": "_shared_files.config",
        "get_context": "_shared_files.context",
        "get_result": "_results_manager.results_manager",
        "is_covalent_running": "_programmatic.commands",
        "lattice": "_workflow.lattice",
        "Lepton": "_workflow.lepton",
        "qelectron": "_quantum.decorator",
        "redispatch": "_dispatcher_plugins",
        "reload_config": "_shared_files.config",
        "set_config": "_shared_files.config",
        "stop_triggers": "_dispatcher_plugins",
        "TransportableObject": "_workflow.transportable_object",
        "wait": "_workflow.electron",
    }
)
_SUBMODULES = frozenset(
    {"executor", "fs", "fs_strategies", "leptons", "sharing", "status", "triggers"}
)


_plugin_packages.install()


def __getattr__(name: str) -> _Any:
    if name in _SUBMODULES:
        return _import_module(f"covalent.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(_import_module(f"covalent.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
