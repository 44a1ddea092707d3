"""The executors there are, by short name. An executor's code is loaded when it is first used."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, Protocol, cast

from pydantic import ValidationError

from covalent_contracts.errors import InvalidWorkflow, UnknownExecutor
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
        "dask": Entry("covalent_executors.dask"),
        "ecs": Entry("covalent_executors.ecs"),
        "local": Entry("covalent_executors.local"),
        "own": Entry("covalent_executors.own"),
    }
)


class _Template(Protocol):
    def __call__(self, spec: Spec, place: Place, python: str) -> TaskTemplate: ...


def names() -> tuple[str, ...]:
    """The short names of all executors."""
    return tuple(sorted({*_BUILTIN, *entry_points(group=GROUP).names}))


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
    model = cast("type[Spec]", import_module(f"{entry.module}.spec").SPEC)
    template = cast("_Template", import_module(f"{entry.module}.template").task)
    try:
        spec = model.model_validate(attributes)
    except ValidationError as exc:
        raise InvalidWorkflow(f"executor {name!r}: {_faults(exc)}") from exc
    return template(spec, place, python)


def _find(name: str) -> Entry:
    if name in _BUILTIN:
        return _BUILTIN[name]
    for point in entry_points(group=GROUP, name=name):
        return Entry(point.value)
    near = get_close_matches(name, names(), 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UnknownExecutor(f"no executor named {name!r}; there are {', '.join(names())}{hint}")


def _faults(exc: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg'].removeprefix('Value error, ')} "
        f"(got {fault['input']!r})"
        for fault in exc.errors()
    )
