"""Replacing names in modules of moto that were imported from one another, and repairs of its core.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- keeps every item, key and execution that was ever made, for its dashboard -> keeps none
- inspects the handler's class for every request -> once
- a request id costs 52 calls of `random.choice` -> a UUID
"""

import sys
import uuid
from functools import cache
from typing import Any


def rebind(package: str, name: str, new: object) -> None:
    """Give `name` a new value in every loaded module of `package` that has it."""
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith(package) and name in vars(module):
            setattr(module, name, new)


def _new(cls: Any, *_: Any, **__: Any) -> Any:
    return object.__new__(cls)


def _request_id(headers: Any = None) -> str:
    made = uuid.uuid4().hex.upper()
    if headers is not None and "x-amzn-requestid" not in headers:
        headers["x-amzn-requestid"] = made
    return made


@cache
def install() -> None:
    """Repair moto's core."""
    from moto.core import responses  # noqa: PLC0415  # moto takes a second to import
    from moto.core.common_models import BaseModel  # noqa: PLC0415  # as above

    BaseModel.__new__ = _new
    responses.method_names_from_class = cache(responses.method_names_from_class)
    responses.gen_amzn_requestid_long = _request_id
