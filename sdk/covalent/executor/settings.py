"""Executors and their settings by short name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from covalent._shared_files.config import get_config
from covalent_contracts.errors import UnknownExecutor

if TYPE_CHECKING:
    from covalent.executor.base import AbstractExecutor

_STEPS = ("run", "setup", "teardown", "cancel", "execute")


def configured_settings(short_name: str) -> dict[str, Any]:
    """What the configuration says of an executor."""
    found = get_config("executors").get(short_name, {})
    return dict(found) if isinstance(found, Mapping) else {}


def encoded(executor: str | AbstractExecutor) -> dict[str, Any]:
    """The form in which an executor travels: `short_name` and `attributes`.

    A short name stands for the executor with its configured settings. One that is not known here travels as it is:
    the control plane says which executors it has.
    """
    made = configured(executor)
    if made is None or isinstance(made, str):
        return {
            "type": executor,
            "short_name": executor,
            "attributes": configured_settings(str(executor)),
        }
    return made.to_dict()


def configured(executor: str | AbstractExecutor | None) -> str | AbstractExecutor | None:
    """The executor with its settings, as they are configured here, if its class is here.

    Raises:
        InvalidWorkflow: a class of that name is here, but no executor can be made of it.
        UnknownExecutor: there is none, but a class with nearly that name.

    """
    if not isinstance(executor, str):
        return executor
    known = _by_short_name(executor)
    if known is not None:
        return known()
    from covalent.executor import plugins  # noqa: PLC0415  # loaded when first used

    made = plugins.make(executor)
    if made is None:
        _refuse_misspelt(executor, plugins.names())
    return executor if made is None else made


def is_own(executor: AbstractExecutor) -> bool:
    """Whether nothing but its class knows how the executor runs an electron: then the object itself travels."""
    from covalent.executor.executor_plugins.local import LocalExecutor  # noqa: PLC0415  # as above
    from covalent_executors.registry import names  # noqa: PLC0415  # as above

    known = _by_short_name(executor.short_name())
    if known is None:
        return executor.short_name() not in names() or "run" in vars(type(executor))
    # One that comes with Covalent is no more than settings, unless a subclass does something else. `LocalExecutor` is
    # also what its documented methods do; the others do nothing when they are called by hand.
    steps = _STEPS if known is LocalExecutor else ("run",)
    kind = type(executor)
    return any(getattr(kind, step, None) is not getattr(known, step, None) for step in steps)


def _refuse_misspelt(name: str, own: list[str]) -> None:
    """Offer the nearest name of the user's own; what Covalent itself has the control plane knows best."""
    from covalent_executors.registry import names  # noqa: PLC0415  # loaded when first used

    near = [] if name in names() else get_close_matches(name, [*own, *names()], 1)
    if near and near[0] in own:
        raise UnknownExecutor(f"no executor named {name!r}; did you mean {near[0]!r}?")


def _by_short_name(name: str) -> type[AbstractExecutor] | None:
    """The class of a short name that comes with Covalent. Quantum executors have none, and stay unloaded."""
    import covalent.executor as page  # noqa: PLC0415  # loaded when first used

    homes = page._HOMES.items()
    classes = (getattr(page, each) for each, home in homes if "._quantum." not in home)
    return next((each for each in classes if name == each.SHORT_NAME), None)
