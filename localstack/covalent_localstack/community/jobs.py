"""States that wait for a job of Batch or a task of ECS.

Defects of LocalStack that are repaired here:

- a task of ECS that failed is taken for one that succeeded -> States.TaskFailed with the task as its cause
- what ECS refuses is told as `States.Runtime` -> as `ECS.` and its name
- a job runs on when its state has timed out or its execution was stopped -> is ended
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from localstack.runtime import hooks

ABANDONED = "the state that waited for it was stopped, or has timed out"


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
    ecs._from_error = _naming(ecs._from_error)
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
            if found is not None and any(each.get("ExitCode") for each in found["Containers"]):
                raise _raised(_failure(self, env, "States.TaskFailed", _json(found)))
            return found

        def end() -> None:
            _client("ecs", rest).stop_task(
                cluster=task["ClusterArn"], task=task["TaskArn"], reason=ABANDONED
            )

        return Waiting(ask, end)

    return resolver


def _naming(stock: Callable[..., Any]) -> Callable[..., Any]:
    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if not isinstance(ex, ClientError):
            return stock(self, env=env, ex=ex)
        refused = ex.response["Error"]
        return _failure(self, env, f"ECS.{refused['Code']}", refused["Message"])

    return from_error


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


def _failure(state: Any, env: Any, error: str, cause: str) -> Any:
    from localstack.aws.api.stepfunctions import (  # noqa: PLC0415  # as above
        HistoryEventType,
        TaskFailedEventDetails,
    )
    from localstack.services.stepfunctions.asl.component.common.error_name.failure_event import (  # noqa: PLC0415  # as above
        FailureEvent,
    )
    from localstack.services.stepfunctions.asl.eval.event.event_detail import (  # noqa: PLC0415  # as above
        EventDetails,
    )

    details = TaskFailedEventDetails(
        resource=state._get_sfn_resource(),
        resourceType=state._get_sfn_resource_type(),
        error=error,
        cause=cause,
    )
    return FailureEvent(
        env=env,
        error_name=_error_name(error),
        event_type=HistoryEventType.TaskFailed,
        event_details=EventDetails(taskFailedEventDetails=details),
    )


def _error_name(error: str) -> Any:
    from localstack.services.stepfunctions.asl.component.common.error_name import (  # noqa: PLC0415  # as above
        custom_error_name,
        states_error_name,
        states_error_name_type,
    )

    if not error.startswith("States."):
        return custom_error_name.CustomErrorName(error)
    kind = states_error_name_type.StatesErrorNameType.from_name(error)
    return states_error_name.StatesErrorName(typ=kind)


def _raised(event: Any) -> Exception:
    from localstack.services.stepfunctions.asl.component.common.error_name.failure_event import (  # noqa: PLC0415  # as above
        FailureEventException,
    )

    made: Exception = FailureEventException(event)
    return made


def _json(value: Any) -> str:
    from localstack.services.stepfunctions.asl.utils.encoding import (  # noqa: PLC0415  # as above
        to_json_str,
    )

    return str(to_json_str(value))
