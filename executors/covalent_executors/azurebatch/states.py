"""What the states of Azure Batch mean.

Tasks: https://learn.microsoft.com/rest/api/batchservice/tasks/get-task
Codes: https://learn.microsoft.com/rest/api/batchservice/batch-status-and-error-codes
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from covalent_executors import exits
from covalent_executors.adapter import Refused, Sighting, State

STATES: Mapping[str, State] = MappingProxyType(
    {
        "active": State.PENDING,
        "preparing": State.PENDING,
        "running": State.RUNNING,
        "completed": State.ENDED,
    }
)
_EXITED = "FailureExitCode"
_FAILURES: Mapping[str, str] = MappingProxyType(
    {
        "TaskEnded": "the task was ended by somebody else, in the portal or by the API",
        "CommandProgramNotFound": "there is no python3 where the task runs: set container_image_uri to an image "
        "that has Python, or use a pool whose nodes have it",
        "CommandLaunchFailed": "python3 could not be started where the task runs",
        "DiskFull": "the node's disk is full: use a pool with a larger one",
        "MaxInternalRetryCountReached": "nodes were lost again and again while they ran the task",
        "TaskSchedulingConstraintFailed": "no node of the pool can ever run the task",
        "JobBeingTerminated": "the Batch job of all electrons of this pool was ended by somebody else",
    }
)
_POOL_ERRORS: Mapping[str, str] = MappingProxyType(
    {
        "AccountCoreQuotaReached": "the account's quota of dedicated cores is used up: ask Azure for more",
        "AccountSpotCoreQuotaReached": "the account's quota of spot cores is used up: ask Azure for more",
        "AccountLowPriorityCoreQuotaReached": "the account's quota of spot cores is used up: ask Azure for more",
        "AccountVMSeriesCoreQuotaReached": "the account's quota for this VM size is used up: ask Azure for more",
        "AllocationTimedout": "Azure has not found capacity for the pool's VM size in time",
        "AllocationFailed": "Azure has no capacity for the pool's VM size at the moment",
        "OverconstrainedAllocationRequestError": "Azure has no capacity for the pool's VM size at the moment",
    }
)
"""https://learn.microsoft.com/azure/batch/batch-pool-node-error-checking"""
MORE_MEMORY = "use a pool with a larger VM size, or fewer task slots per node"


def sighting(task: Any) -> Sighting:
    """How a task stands.

    Args:
        task: an `azure.batch.models.BatchTask`.

    Raises:
        Refused: its state is unknown.

    """
    name = str(getattr(task.state, "value", task.state)).lower()
    state = STATES.get(name)
    if state is None:
        raise Refused(f"Azure Batch has a state {name!r} that this version does not know")
    return Sighting(state, _cause(task) if state is State.ENDED else "")


def waits_for(task: Any, pool: Any) -> str:
    """What a task waits for that is active.

    Args:
        task: an `azure.batch.models.BatchTask`.
        pool: the `azure.batch.models.BatchPool`.

    """
    told = _lost_node(task) + f"waits for a node of pool {pool.id!r}"
    for error in pool.resize_errors or ():
        return f"{told}: {_POOL_ERRORS.get(error.code, f'{error.code}: {error.message}')}"
    wanted = (pool.target_dedicated_nodes or 0) + (pool.target_low_priority_nodes or 0)
    if not wanted and not pool.enable_auto_scale:
        return f"{told}: it has none and is to have none, scale it up"
    return told


def _lost_node(task: Any) -> str:
    before = str(getattr(task.previous_state, "value", task.previous_state)).lower()
    return "its node was preempted or lost; " if before == "running" else ""


def _cause(task: Any) -> str:
    info = task.execution_info
    if info is None:
        return ""
    failure = info.failure_info
    if not failure and not info.exit_code:
        return ""
    if _is_over_time(task):
        limit = task.constraints.max_wall_clock_time.total_seconds()
        return f"the task was stopped at its time limit of {limit:g} s"
    container = info.container_info
    if container is not None and container.error:
        return f"the container could not be run: {container.error}"
    if info.exit_code and (failure is None or failure.code == _EXITED):
        return exits.explained(info.exit_code, MORE_MEMORY)
    return _FAILURES.get(failure.code, f"{failure.code}: {failure.message}")


def _is_over_time(task: Any) -> bool:
    """Batch ends such a task as if it had ended itself; only its times tell."""
    info, limits = task.execution_info, task.constraints
    limit = limits.max_wall_clock_time if limits else None
    if not (limit and info.start_time and info.end_time):
        return False
    return bool(info.end_time - info.start_time >= limit)
