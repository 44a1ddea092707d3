"""Replacing what moto has with what AWS does, while a stack runs.

Every repair is made with `replace`, `replace_item` or `rebind`, and `undo` takes all of them back, so that a
process which has run a stack still has moto as it comes from the shelf.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- keeps every item, key and execution that was ever made, for its dashboard -> keeps none
- inspects the handler's class for every request -> once
- a request id costs 52 calls of `random.choice` -> a UUID
"""

import sys
import uuid
from collections.abc import Callable
from functools import cache
from typing import Any

_NOTHING = object()
_undoing: list[Callable[[], None]] = []


def replace(owner: Any, name: str, new: object) -> None:
    """Give an attribute of a class or module another value until `undo`."""
    old = vars(owner).get(name, _NOTHING)
    setattr(owner, name, new)
    if old is _NOTHING:  # it was inherited
        _undoing.append(lambda: delattr(owner, name))
    else:
        _undoing.append(lambda: setattr(owner, name, old))


def replace_item(owner: dict[str, Any], key: str, new: object) -> None:
    """Give an entry that a dictionary has another value until `undo`."""
    old = owner[key]
    owner[key] = new
    _undoing.append(lambda: owner.__setitem__(key, old))


def rebind(package: str, name: str, new: object) -> None:
    """Replace `name` in every loaded module of `package` that has it, defined there or imported."""
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith(package) and name in vars(module):
            replace(module, name, new)


def undo() -> None:
    """Take every replacement back, the last one first."""
    while _undoing:
        _undoing.pop()()


def _new(cls: Any, *_: Any, **__: Any) -> Any:
    return object.__new__(cls)


def _request_id(headers: Any = None) -> str:
    made = uuid.uuid4().hex.upper()
    if headers is not None and "x-amzn-requestid" not in headers:
        headers["x-amzn-requestid"] = made
    return made


def install() -> None:
    """Repair moto's core."""
    from moto.core import responses  # noqa: PLC0415  # moto takes a second to import
    from moto.core.common_models import BaseModel  # noqa: PLC0415  # as above

    replace(BaseModel, "__new__", staticmethod(_new))
    replace(responses, "method_names_from_class", cache(responses.method_names_from_class))
    replace(responses, "gen_amzn_requestid_long", _request_id)
