"""Executors that somebody else has written, by short name.

A short name is that of a file in `sdk.executor_dir`, or of an entry point of the group
`covalent.executor.executor_plugins`, whose value is a module. In the module `EXECUTOR_PLUGIN_NAME` names the class;
`_EXECUTOR_PLUGIN_DEFAULTS`, in the module or in the class, are merged into the configuration.
With COVALENT_PLUGIN_LOAD=false nothing is looked for.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
from collections.abc import Mapping
from functools import cache, partial
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import cloudpickle

from covalent._shared_files.config import get_config, set_config
from covalent.executor.base import AbstractExecutor
from covalent.executor.settings import configured_settings
from covalent_contracts.errors import InvalidWorkflow

if TYPE_CHECKING:
    from types import CodeType, ModuleType

GROUP = "covalent.executor.executor_plugins"
_PREFIX = "covalent_executor_dir."
"""Modules from the folder are called this and their file's name: an installed module of that name is another one."""
_loaded: dict[Path, tuple[int, ModuleType]] = {}


def names() -> list[str]:
    """The short names there are."""
    if not _are_wanted():
        return []
    return sorted({*(file.stem for file in _files()), *map(_short_name, _points())})


def find(short_name: str) -> type[AbstractExecutor] | None:
    """The class of a short name; None if there is none.

    Raises:
        InvalidWorkflow: what is there cannot be loaded, or holds no executor.

    """
    module = _module(short_name) if _are_wanted() else None
    if module is None:
        return None
    found = _class_of(module, short_name)
    _merge_defaults(short_name, module, found)
    return found


def make(short_name: str) -> AbstractExecutor | None:
    """The executor of a short name with its configured settings; None if there is none.

    Raises:
        InvalidWorkflow: it cannot be made.

    """
    kind = find(short_name)
    if kind is None:
        return None
    settings = configured_settings(short_name)
    try:
        taken = _taken(kind)
        return kind(**{name: value for name, value in settings.items() if name in taken})
    except Exception as exc:
        raise InvalidWorkflow(
            f"executor {short_name!r} cannot be made from its settings in [executors.{short_name}]: "
            f"{type(exc).__name__}: {exc}"
        ) from exc


def _are_wanted() -> bool:
    return os.environ.get("COVALENT_PLUGIN_LOAD", "").lower() != "false"


def _files() -> list[Path]:
    folder = Path(str(get_config("sdk.executor_dir"))).expanduser()
    return [file for file in sorted(folder.glob("*.py")) if file.stem.isidentifier()]


@cache
def _points() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))


def _short_name(point: EntryPoint) -> str:
    return point.module.rpartition(".")[2]


def _module(short_name: str) -> ModuleType | None:
    for file in _files():
        if file.stem == short_name:
            return _from_file(file)
    for point in _points():
        if short_name in (point.name, _short_name(point)):
            return _guarded(partial(importlib.import_module, point.module), point.value)
    return None


def _from_file(file: Path) -> ModuleType:
    """The module in a file, loaded anew when the file has changed."""
    stamp = file.stat().st_mtime_ns
    known = _loaded.get(file)
    if known is None or known[0] != stamp:
        known = _loaded[file] = stamp, _guarded(lambda: _executed(file), str(file))
    return known[1]


class _Fresh(SourceFileLoader):
    """Reads the text itself: compiled code is as good as the text of the same second."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002  # the signature of loaders
        return self.source_to_code(self.get_data(self.path), self.path)


def _executed(file: Path) -> ModuleType:
    name = _PREFIX + file.stem
    spec = importlib.util.spec_from_file_location(name, file, loader=_Fresh(name, str(file)))
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # data classes look their own module up
    spec.loader.exec_module(module)
    cloudpickle.register_pickle_by_value(module)  # the folder is not there where electrons run
    return module


def _guarded(load: Any, what: str) -> ModuleType:
    try:
        module: ModuleType = load()
    except Exception as exc:
        raise InvalidWorkflow(
            f"the executor in {what} cannot be loaded: {type(exc).__name__}: {exc}"
        ) from exc
    return module


def _class_of(module: ModuleType, short_name: str) -> type[AbstractExecutor]:
    where = f"module {module.__name__.removeprefix(_PREFIX)} ({getattr(module, '__file__', '')})"
    name = getattr(module, "EXECUTOR_PLUGIN_NAME", None)
    if name is None:
        found = [each for each in vars(module).values() if _is_executor_of(each, module)]
        if len(found) != 1:
            raise InvalidWorkflow(
                f"{where} has {len(found)} executors: name the one for {short_name!r} in EXECUTOR_PLUGIN_NAME"
            )
        return cast("type[AbstractExecutor]", found[0])
    kind: Any = getattr(module, name, None)
    if not (inspect.isclass(kind) and issubclass(kind, AbstractExecutor)):
        raise InvalidWorkflow(
            f"EXECUTOR_PLUGIN_NAME of {where} is {name!r}, which is no executor there: it must name a subclass of "
            "BaseExecutor or AsyncBaseExecutor"
        )
    return kind


def _is_executor_of(value: Any, module: ModuleType) -> bool:
    return (
        inspect.isclass(value)
        and issubclass(value, AbstractExecutor)
        and value.__module__ == module.__name__
    )


def _merge_defaults(short_name: str, module: ModuleType, kind: type[AbstractExecutor]) -> None:
    """Write into the configuration what it does not have yet."""
    defaults = {
        **kind._EXECUTOR_PLUGIN_DEFAULTS,
        **_mapping(getattr(module, "_EXECUTOR_PLUGIN_DEFAULTS", None)),
    }
    known = configured_settings(short_name)
    missing = {
        f"executors.{short_name}.{name}": value
        for name, value in defaults.items()
        if name not in known and value is not None
    }
    if missing:
        try:
            set_config(missing)
        except (OSError, TypeError):  # nobody may write there, or TOML cannot say it
            return


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _taken(kind: type[AbstractExecutor]) -> set[str]:
    """The settings that the constructor of a class takes by name."""
    parameters = inspect.signature(kind.__init__).parameters.values()
    named = {
        each.name for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    }
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        named |= kind.settings_known()
    return named - {"self"}
