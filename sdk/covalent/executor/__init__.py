"""Executors: where electrons run. The classes load when they are first used.

`settings.encoded` gives the form in which an executor travels.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from types import MappingProxyType as _MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from covalent.executor.base import AsyncBaseExecutor, BaseExecutor
    from covalent.executor.executor_plugins.awsbatch import AWSBatchExecutor
    from covalent.executor.executor_plugins.awslambda import AWSLambdaExecutor
    from covalent.executor.executor_plugins.braket import BraketExecutor
    from covalent.executor.executor_plugins.ec2 import EC2Executor
    from covalent.executor.executor_plugins.ecs import ECSExecutor
    from covalent.executor.executor_plugins.local import LocalExecutor

__all__ = [  # noqa: RUF022  # in alphabetical order, as a reader looks for a name
    "AsyncBaseExecutor",
    "AWSBatchExecutor",
    "AWSLambdaExecutor",
    "BaseExecutor",
    "BraketExecutor",
    "EC2Executor",
    "ECSExecutor",
    "LocalExecutor",
]

_HOMES = _MappingProxyType(
    {
        "AsyncBaseExecutor": "covalent.executor.base",
        "AWSBatchExecutor": "covalent.executor.executor_plugins.awsbatch",
        "AWSLambdaExecutor": "covalent.executor.executor_plugins.awslambda",
        "BaseExecutor": "covalent.executor.base",
        "BraketExecutor": "covalent.executor.executor_plugins.braket",
        "EC2Executor": "covalent.executor.executor_plugins.ec2",
        "ECSExecutor": "covalent.executor.executor_plugins.ecs",
        "LocalExecutor": "covalent.executor.executor_plugins.local",
    }
)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        there = ", ".join(each for each in __all__ if "Base" not in each)
        hint = f": this version has {there}" if name.endswith("Executor") else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")
    value = globals()[name] = getattr(_import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
