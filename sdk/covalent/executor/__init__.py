"""Executors: where electrons run. The classes load when they are first used.

`settings.encoded` gives the form in which an executor travels.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from types import MappingProxyType as _MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from covalent._quantum.cluster import QCluster
    from covalent._quantum.executors.braket import BraketQubitExecutor
    from covalent._quantum.executors.ibmq import IBMQExecutor
    from covalent._quantum.executors.local_braket import LocalBraketQubitExecutor
    from covalent._quantum.executors.qiskit import QiskitExecutor
    from covalent._quantum.executors.simulator import Simulator
    from covalent.executor.base import AsyncBaseExecutor, BaseExecutor
    from covalent.executor.executor_plugins.awsbatch import AWSBatchExecutor
    from covalent.executor.executor_plugins.awslambda import AWSLambdaExecutor
    from covalent.executor.executor_plugins.azurebatch import AzureBatchExecutor
    from covalent.executor.executor_plugins.azurefunctions import AzureFunctionsExecutor
    from covalent.executor.executor_plugins.braket import BraketExecutor
    from covalent.executor.executor_plugins.dask import DaskExecutor
    from covalent.executor.executor_plugins.ec2 import EC2Executor
    from covalent.executor.executor_plugins.ecs import ECSExecutor
    from covalent.executor.executor_plugins.gcpbatch import GCPBatchExecutor
    from covalent.executor.executor_plugins.gcpfunctions import GCPFunctionsExecutor
    from covalent.executor.executor_plugins.local import LocalExecutor
    from covalent.executor.executor_plugins.slurm import SlurmExecutor
    from covalent.executor.executor_plugins.ssh import SSHExecutor

__all__ = [  # noqa: RUF022  # in alphabetical order, as a reader looks for a name
    "AsyncBaseExecutor",
    "AWSBatchExecutor",
    "AWSLambdaExecutor",
    "AzureBatchExecutor",
    "AzureFunctionsExecutor",
    "BaseExecutor",
    "BraketExecutor",
    "BraketQubitExecutor",
    "DaskExecutor",
    "EC2Executor",
    "ECSExecutor",
    "GCPBatchExecutor",
    "GCPFunctionsExecutor",
    "IBMQExecutor",
    "LocalBraketQubitExecutor",
    "LocalExecutor",
    "QCluster",
    "QiskitExecutor",
    "Simulator",
    "SlurmExecutor",
    "SSHExecutor",
]

_HOMES = _MappingProxyType(
    {
        "AsyncBaseExecutor": "covalent.executor.base",
        "AWSBatchExecutor": "covalent.executor.executor_plugins.awsbatch",
        "AWSLambdaExecutor": "covalent.executor.executor_plugins.awslambda",
        "AzureBatchExecutor": "covalent.executor.executor_plugins.azurebatch",
        "AzureFunctionsExecutor": "covalent.executor.executor_plugins.azurefunctions",
        "BaseExecutor": "covalent.executor.base",
        "BraketExecutor": "covalent.executor.executor_plugins.braket",
        "BraketQubitExecutor": "covalent._quantum.executors.braket",
        "DaskExecutor": "covalent.executor.executor_plugins.dask",
        "EC2Executor": "covalent.executor.executor_plugins.ec2",
        "ECSExecutor": "covalent.executor.executor_plugins.ecs",
        "GCPBatchExecutor": "covalent.executor.executor_plugins.gcpbatch",
        "GCPFunctionsExecutor": "covalent.executor.executor_plugins.gcpfunctions",
        "IBMQExecutor": "covalent._quantum.executors.ibmq",
        "LocalBraketQubitExecutor": "covalent._quantum.executors.local_braket",
        "LocalExecutor": "covalent.executor.executor_plugins.local",
        "QCluster": "covalent._quantum.cluster",
        "QiskitExecutor": "covalent._quantum.executors.qiskit",
        "Simulator": "covalent._quantum.executors.simulator",
        "SlurmExecutor": "covalent.executor.executor_plugins.slurm",
        "SSHExecutor": "covalent.executor.executor_plugins.ssh",
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
