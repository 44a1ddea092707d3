"""Tasks that wait for a job of Batch or a task of ECS.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- `.sync` asks again and again whether the job has ended -> is woken
- a job runs on when its state has timed out or its execution was stopped -> is ended
- a task of ECS that failed is taken for one that succeeded -> States.TaskFailed with the task as its cause
- what ECS refuses is told as `States.Runtime` -> as `ECS.` and its name
"""

from typing import Any

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

from covalent_localstack import batch, ecs, evaluation
from covalent_localstack.environment import ACCOUNT
from covalent_localstack.interpreter import ABANDONED, MOTO
from covalent_localstack.patching import replace
from covalent_localstack.stopping import ended_with

_stock_pattern = StateTaskServiceCallback._eval_integration_pattern
_naming = MOTO.naming(StateTaskServiceEcs._from_error)


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
    env.stack.append(MOTO.ended(self, env, described()))


def install() -> None:
    """Repair moto."""
    replace(StateTaskServiceBatch, "_eval_integration_pattern", _wait_for_job)
    replace(StateTaskServiceEcs, "_eval_integration_pattern", _wait_for_task)
    replace(StateTaskServiceEcs, "_from_error", _naming)
