"""States that wait for a job of Batch or a task of ECS.

Defects of LocalStack that are repaired here:

- a task of ECS that failed is taken for one that succeeded -> States.TaskFailed with the task as its cause
- what ECS refuses is told as `States.Runtime` -> as `ECS.` and its name
- a job runs on when its state has timed out or its execution was stopped -> is ended
"""

from collections.abc import Callable
from typing import Any

from localstack.runtime import hooks

from covalent_localstack.interpreter import ABANDONED, LOCALSTACK


class Waiting:
    """What LocalStack asks until the job has ended, and how to end the job.

    Args:
        ask: a description of the job once it has ended, None before.
        end: end it.

    """

    def __init__(self, ask: Callable[[], Any], end: Callable[[], object]) -> None:
        self._ask = ask
        self.end = end

    def __call__(self) -> Any:
        """Ask."""
        return self._ask()


@hooks.on_infra_start()
def repair_jobs() -> None:
    """Put ours round what asks."""
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (  # noqa: PLC0415  # takes a second
        state_task_service_batch,
        state_task_service_callback,
        state_task_service_ecs,
    )

    batch = state_task_service_batch.StateTaskServiceBatch
    ecs = state_task_service_ecs.StateTaskServiceEcs
    callback = state_task_service_callback.StateTaskServiceCallback
    batch._build_sync_resolver = _of_batch(batch._build_sync_resolver)
    ecs._build_sync_resolver = _of_ecs(ecs._build_sync_resolver)
    ecs._from_error = LOCALSTACK.naming(ecs._from_error)
    callback._eval_sync = _ending(callback._eval_sync)


def _of_batch(stock: Callable[..., Any]) -> Callable[..., Waiting]:
    def resolver(self: Any, env: Any, **rest: Any) -> Waiting:
        job = env.stack[-1]["JobId"]

        def end() -> None:
            _client("batch", rest).terminate_job(jobId=job, reason=ABANDONED)

        return Waiting(stock(self, env=env, **rest), end)

    return resolver


def _of_ecs(stock: Callable[..., Any]) -> Callable[..., Waiting]:
    def resolver(self: Any, env: Any, **rest: Any) -> Waiting:
        task = env.stack[-1]["Tasks"][0]
        described = stock(self, env=env, **rest)

        def ask() -> Any:
            found = described()
            return found if found is None else LOCALSTACK.ended(self, env, found)

        def end() -> None:
            _client("ecs", rest).stop_task(
                cluster=task["ClusterArn"], task=task["TaskArn"], reason=ABANDONED
            )

        return Waiting(ask, end)

    return resolver


def _ending(stock: Callable[..., Any]) -> Callable[..., Any]:
    def eval_sync(self: Any, *, sync_resolver: Any, **rest: Any) -> Any:
        outcome = stock(self, sync_resolver=sync_resolver, **rest)
        if outcome is None and isinstance(sync_resolver, Waiting):
            sync_resolver.end()
        return outcome

    return eval_sync


def _client(service: str, told: Any) -> Any:
    """A client as the state has it."""
    from localstack.services.stepfunctions.asl.utils.boto_client import (  # noqa: PLC0415  # as above
        boto_client_for,
    )

    region, who = told["resource_runtime_part"].region, told["state_credentials"]
    return boto_client_for(service, region, who)
