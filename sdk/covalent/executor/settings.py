"""Executors and their settings by short name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from covalent._shared_files.config import get_config

if TYPE_CHECKING:
    from covalent.executor.base import AbstractExecutor


def configured_settings(short_name: str) -> dict[str, Any]:
    """What the configuration says of an executor."""
    found = get_config("executors").get(short_name, {})
    return dict(found) if isinstance(found, Mapping) else {}


def encoded(executor: str | AbstractExecutor) -> dict[str, Any]:
    """The form in which an executor travels: `short_name` and `attributes`.

    A short name stands for the executor with its configured settings. One that is not known here travels as it is:
    the control plane says which executors it has.
    """
    if not isinstance(executor, str):
        return executor.to_dict()
    known = _by_short_name(executor)
    if known is not None:
        return known().to_dict()
    return {
        "type": executor,
        "short_name": executor,
        "attributes": configured_settings(executor),
    }


def configured(executor: str | AbstractExecutor | None) -> str | AbstractExecutor | None:
    """The executor with its settings, as they are configured here, if it comes with Covalent."""
    known = _by_short_name(executor) if isinstance(executor, str) else None
    return executor if known is None else known()


def is_own(executor: AbstractExecutor) -> bool:
    """Whether nothing but its class, which does not travel, knows how the executor runs an electron."""
    from covalent_executors.registry import names  # noqa: PLC0415  # loaded when first used

    known = _by_short_name(executor.short_name())
    if known is None:
        return executor.short_name() not in names()
    return getattr(type(executor), "run", None) is not getattr(known, "run", None)


def _by_short_name(name: str) -> type[AbstractExecutor] | None:
    """The class of a short name that comes with Covalent."""
    import covalent.executor as page  # noqa: PLC0415  # loaded when first used

    classes = (getattr(page, each) for each in page.__all__)
    return next((each for each in classes if name == each.SHORT_NAME), None)
