"""Tasks that wait for a job of Batch or a task of ECS.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- `.sync` asks again and again whether the job has ended -> is woken
- a job runs on when its state has timed out or its execution was stopped -> is ended
- a task of ECS that failed is taken for one that succeeded -> States.TaskFailed with the task as its cause
- what ECS refuses is told as `States.Runtime` -> as `ECS.` and its name
"""

from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_batch import (
    StateTaskServiceBatch,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_ecs import (
    StateTaskServiceEcs,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from covalent_localstack import batch, ecs, evaluation
from covalent_localstack.environment import ACCOUNT
from covalent_localstack.patching import replace
from covalent_localstack.stopping import ended_with

ABANDONED = "the state that waited for it was stopped, or has timed out"
_stock_pattern = StateTaskServiceCallback._eval_integration_pattern
_stock_error = StateTaskServiceEcs._from_error


def _wait_for_job(self: Any, env: Any, **rest: Any) -> None:
    if self.resource.condition == ResourceCondition.WaitForTaskToken:
        _stock_pattern(self, env=env, **rest)
        return
    limit = evaluation.limit_of(self, env)
    job = batch.find(ACCOUNT, rest["resource_runtime_part"].region, env.stack[-1]["JobId"])
    described = self._build_sync_resolver(env=env, **rest)

    def abandon() -> None:
        batch.terminate(job, ABANDONED)

    with ended_with(env, abandon):
        if not batch.wait(job, limit):
            abandon()
            raise EvalTimeoutError
    env.stack.append(described())


def _wait_for_task(self: Any, env: Any, **rest: Any) -> None:
    if self.resource.condition == ResourceCondition.WaitForTaskToken:
        _stock_pattern(self, env=env, **rest)
        return
    limit = evaluation.limit_of(self, env)
    arn = env.stack[-1]["Tasks"][0]["TaskArn"]
    task = ecs.find(ACCOUNT, rest["resource_runtime_part"].region, arn)
    described = self._build_sync_resolver(env=env, **rest)

    def abandon() -> None:
        ecs.stop(task, ABANDONED)

    with ended_with(env, abandon):
        if not task.ended.wait(limit):
            abandon()
            raise EvalTimeoutError
    document = described()
    if any(each.get("ExitCode") != 0 for each in document["Containers"]):
        raise FailureEventException(_failure(self, env, "States.TaskFailed", to_json_str(document)))
    env.stack.append(document)


def _failure(state: Any, env: Any, error: str, cause: str) -> FailureEvent:
    details = TaskFailedEventDetails(
        resource=state._get_sfn_resource(),
        resourceType=state._get_sfn_resource_type(),
        error=error,
        cause=cause,
    )
    return FailureEvent(
        env=env,
        error_name=evaluation.error_name(error),
        event_type=HistoryEventType.TaskFailed,
        event_details=EventDetails(taskFailedEventDetails=details),
    )


def _from_error(self: Any, env: Any, ex: Exception) -> FailureEvent:
    if not isinstance(ex, ClientError):
        return _stock_error(self, env=env, ex=ex)
    refused = ex.response["Error"]
    return _failure(self, env, f"ECS.{refused['Code']}", refused["Message"])


def install() -> None:
    """Repair moto."""
    replace(StateTaskServiceBatch, "_eval_integration_pattern", _wait_for_job)
    replace(StateTaskServiceEcs, "_eval_integration_pattern", _wait_for_task)
    replace(StateTaskServiceEcs, "_from_error", _from_error)
