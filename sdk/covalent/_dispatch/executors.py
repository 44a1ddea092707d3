"""The executors of a lattice as its manifest names them; those of the user's own travel as objects."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from covalent._dispatch.pickles import pickled
from covalent._workflow.own_modules import by_value
from covalent.executor.base import AbstractExecutor, AsyncBaseExecutor
from covalent.executor.settings import configured, encoded, is_own
from covalent_contracts import pickling
from covalent_contracts.errors import InvalidWorkflow, UnpicklableValue
from covalent_contracts.manifest import OWN, Executor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from covalent._dispatch.pickles import Pickles

_RUN = ("function", "args", "kwargs", "task_metadata")
_SHOWN = ("time_limit", "retries")
"""Settings of an executor of the user's own that the control plane goes by; the others may be secret."""


class Executors:
    """Executors by the names that the nodes use: the short name, numbered where several differ in settings.

    Args:
        cluster: the address of the Dask cluster that stands in for one that a user did not name; "" for none.

    """

    def __init__(self, cluster: str = "") -> None:
        self.named: dict[str, Executor] = {}
        self._cluster = cluster
        self._made: dict[Any, Any] = {}
        self._by_identity: dict[Any, str] = {}
        self._by_settings: dict[str, str] = {}
        self._kept: list[Any] = []

    def name(self, executor: Any, what: str = "an electron") -> str:
        """The name of an executor in the manifest; `what` has it, for messages.

        Raises:
            InvalidWorkflow: it is no executor, or one that cannot run anything.

        """
        key = _key(executor)
        if key not in self._by_identity:
            self._kept.append(executor)  # alive, so that no other object gets its id
            self._by_identity[key] = self._named(self._resolved(executor, what), what)
        return self._by_identity[key]

    def pickled(
        self, executor: Any, hooks: Mapping[str, Any] | None, pickles: Pickles, what: str
    ) -> str | None:
        """The digest of the executor, if the object itself has to travel."""
        made = self._resolved(executor, what)
        if isinstance(made, str) or not self._travels(made):
            return None
        modules: list[ModuleType] = [
            each.module for each in (hooks["deps"].get("module", []) if hooks else [])
        ]
        key = ("executor", id(made), tuple(each.__name__ for each in modules))
        return pickles.executor(key, made, lambda: _pickled(made, modules, what))

    def _resolved(self, executor: Any, what: str) -> Any:
        """The executor as an object, if its class is here."""
        key = _key(executor)
        if key not in self._made:
            if not isinstance(executor, str | AbstractExecutor):
                raise InvalidWorkflow(
                    f"{what} has executor {executor!r}: it must be an executor or the short name of one"
                )
            made = configured(executor)
            if isinstance(made, AbstractExecutor) and self._travels(made):
                _check(made, what)
            self._made[key] = made
        return self._made[key]

    def _travels(self, executor: AbstractExecutor) -> bool:
        """Whether the runner asks the object to run electrons: one of the user's own, or that of a Dask cluster.

        Where that is the runner finds out: it may have moved when the dispatch is repeated.
        """
        has_address = bool(getattr(executor, "scheduler_address", ""))
        return has_address or self._is_at_cluster(executor) or is_own(executor)

    def _is_at_cluster(self, executor: Any) -> bool:
        return bool(self._cluster) and getattr(executor, "scheduler_address", None) == ""

    def _named(self, executor: Any, what: str) -> str:
        wire = _of_own(executor) if _is_own_class(executor) else encoded(executor)
        short = wire["short_name"]
        if self._is_at_cluster(executor):
            wire["attributes"]["scheduler_address"] = self._cluster
        try:
            settings = json.dumps([short, wire["attributes"]], sort_keys=True)
        except TypeError as exc:
            raise InvalidWorkflow(
                f"executor {short} of {what} has a setting that is not JSON: {exc}"
            ) from exc
        if settings not in self._by_settings:
            count = sum(each.name == short for each in self.named.values())
            name = f"{short}-{count + 1}" if count else short
            self.named[name] = Executor(name=short, attributes=wire["attributes"])
            self._by_settings[settings] = name
        return self._by_settings[settings]


def _key(executor: Any) -> Any:
    return executor if isinstance(executor, str) else id(executor)


def _is_own_class(executor: Any) -> bool:
    return isinstance(executor, AbstractExecutor) and is_own(executor)


def _of_own(executor: AbstractExecutor) -> dict[str, Any]:
    settings = {name: getattr(executor, name) for name in _SHOWN if hasattr(executor, name)}
    shown = {"short_name": executor.short_name(), "type": type(executor).__name__}
    return {"short_name": OWN, "attributes": {**shown, **settings}}


def _check(executor: AbstractExecutor, what: str) -> None:
    """Refuse a class whose methods cannot be called as they will be.

    Raises:
        InvalidWorkflow: with the method, and how it must be.

    """
    who = f"executor {type(executor).__name__} of {what}"
    is_async = isinstance(executor, AsyncBaseExecutor)
    base = AsyncBaseExecutor if is_async else "BaseExecutor"
    wanted = {"run": _RUN, "setup": _RUN[-1:], "teardown": _RUN[-1:]}
    for name, parameters in wanted.items():
        method = getattr(executor, name, None)
        if method is None:
            raise InvalidWorkflow(f"{who} has no method {name}({', '.join(parameters)})")
        if not _takes(method, parameters):
            raise InvalidWorkflow(
                f"{who}: {name}{inspect.signature(method)} must take {', '.join(parameters)} by position"
            )
        if inspect.iscoroutinefunction(method) != is_async:
            raise InvalidWorkflow(
                f"{who}: {name} must {'' if is_async else 'not '}be a coroutine (async def): the class derives from "
                f"{base.__name__ if isinstance(base, type) else base}"
            )


def _takes(method: Any, parameters: tuple[str, ...]) -> bool:
    try:
        inspect.signature(method).bind(*parameters)
    except TypeError:
        return False
    return True


def _pickled(executor: AbstractExecutor, modules: list[ModuleType], what: str) -> bytes:
    who = f"executor {executor.short_name()} of {what}"
    with by_value(modules):
        try:
            return pickled(executor, who)
        except UnpicklableValue as exc:
            for name, value, why in _faults(executor):
                raise UnpicklableValue(
                    f"{who} cannot be pickled: its attribute {name!r}, a {type(value).__qualname__}, cannot: {why}; "
                    "make it in setup or run, where the electron runs"
                ) from exc
            raise


def _faults(executor: AbstractExecutor) -> Iterator[tuple[str, Any, Exception]]:
    """The attributes that cannot be pickled."""
    for name, value in vars(executor).items():
        try:
            pickling.dumps(value)
        except Exception as exc:  # noqa: BLE001  # whatever pickling raises
            yield name, value, exc
