"""The keyword arguments of a device's `run` that users give."""

from collections.abc import Collection, Mapping
from typing import Any


def sorted_out(settings: Any, fields: Collection[str]) -> Any:
    """Settings of an executor, in which `run_kwargs` has no more what is a field of its own, as `shots` is.

    Args:
        settings: what the executor is to be made of.
        fields: the names of all its fields.

    Raises:
        ValueError: something is given in both places.

    """
    inner = settings.get("run_kwargs") if isinstance(settings, Mapping) else None
    if not isinstance(inner, Mapping):
        return settings
    moved = {name: value for name, value in inner.items() if name in fields}
    twice = sorted(moved.keys() & settings.keys())
    if twice:
        raise ValueError(f"{', '.join(twice)}: given twice, as a field and in run_kwargs")
    left = {name: value for name, value in inner.items() if name not in moved}
    return {**settings, **moved, "run_kwargs": left}
