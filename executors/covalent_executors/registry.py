"""The executors there are, by short name. An executor's code is loaded when it is first used."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, Protocol, cast

from pydantic import ValidationError

from covalent_contracts.errors import InvalidWorkflow, UnknownExecutor
from covalent_executors.adapter import Adapter, Secrets
from covalent_executors.place import Place
from covalent_executors.spec import Spec
from covalent_executors.task import TaskTemplate

GROUP = "covalent.executors"
"""Entry points that add executors; the value is the package with `spec` and `template`."""


@dataclass(frozen=True)
class Entry:
    """Where an executor lives."""

    module: str


_BUILTIN: Mapping[str, Entry] = MappingProxyType(
    {
        "awsbatch": Entry("covalent_executors.awsbatch"),
        "awslambda": Entry("covalent_executors.awslambda"),
        # Existing scripts name Dask, the default of Covalent's own server. There is no cluster here; what it
        # promises them, parallel runs on the machine of the server, is what `local` does.
        "dask": Entry("covalent_executors.local"),
        "braket": Entry("covalent_executors.braket"),
        "ec2": Entry("covalent_executors.ec2"),
        "ecs": Entry("covalent_executors.ecs"),
        "local": Entry("covalent_executors.local"),
    }
)


class _Template(Protocol):
    def __call__(self, spec: Spec, place: Place, python: str) -> TaskTemplate: ...


class _Make(Protocol):
    def __call__(self, spec: Spec, secrets: Secrets) -> Adapter: ...


def names() -> tuple[str, ...]:
    """The short names of all executors."""
    return tuple(sorted({*_BUILTIN, *entry_points(group=GROUP).names}))


def adapter(name: str, attributes: Mapping[str, Any], secrets: Secrets) -> Adapter:
    """What the bridge reaches the place of an executor with.

    Args:
        name: short name of an executor that needs the bridge.
        attributes: what the user set, as JSON.
        secrets: reads keys and passwords from where they are kept.

    Raises:
        Refused: something that is needed is missing or cannot be; the message says what to change.

    """
    entry = _find(name)
    make = cast("_Make", import_module(f"{entry.module}.adapter").adapter)
    return make(_spec(name, entry, attributes), secrets)


def task(name: str, attributes: Mapping[str, Any], place: Place, python: str) -> TaskTemplate:
    """What Step Functions calls for an executor.

    Args:
        name: short name, as in `executor="local"`.
        attributes: what the user set, as JSON.
        place: the deployment.
        python: the version that pickled the electron.

    Raises:
        UnknownExecutor: there is none of that name; the message lists those there are.
        InvalidWorkflow: an attribute has a value that it cannot have.
        UnsupportedPython: the deployment has no runner for that version.

    """
    entry = _find(name)
    template = cast("_Template", import_module(f"{entry.module}.template").task)
    return template(_spec(name, entry, attributes), place, python)


def _spec(name: str, entry: Entry, attributes: Mapping[str, Any]) -> Spec:
    model = cast("type[Spec]", import_module(f"{entry.module}.spec").SPEC)
    try:
        return model.model_validate(attributes)
    except ValidationError as exc:
        raise InvalidWorkflow(f"executor {name!r}: {_faults(exc)}") from exc


def _find(name: str) -> Entry:
    if name in _BUILTIN:
        return _BUILTIN[name]
    for point in entry_points(group=GROUP, name=name):
        return Entry(point.value)
    raise UnknownExecutor(f"no executor named {name!r}; there are {', '.join(names())}")


def _faults(exc: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg'].removeprefix('Value error, ')} "
        f"(got {fault['input']!r})"
        for fault in exc.errors()
    )
