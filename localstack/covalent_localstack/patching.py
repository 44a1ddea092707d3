"""Replacing names in modules of moto that were imported from one another."""

import sys
from functools import cache
from typing import Any


def rebind(package: str, name: str, new: object) -> None:
    """Give `name` a new value in every loaded module of `package` that has it."""
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith(package) and name in vars(module):
            setattr(module, name, new)


def _new(cls: Any, *_: Any, **__: Any) -> Any:
    return object.__new__(cls)


@cache
def install() -> None:
    """Repair moto.

    Defect: it keeps every item, key and execution it ever made in a list, for its dashboard; memory grows without end.
    """
    from moto.core.common_models import BaseModel  # noqa: PLC0415  # moto takes a second to import

    BaseModel.__new__ = _new
