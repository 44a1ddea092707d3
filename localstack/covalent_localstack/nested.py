"""Tasks that start an execution of another state machine.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- `states:startExecution` makes HTTP requests, and asks again and again whether the child has ended -> calls the
  backend, and is woken
- a child goes on when its parent was stopped or its task has timed out -> is stopped
- two requests with one name may both start an execution -> one does
"""

import json
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.stepfunctions.parser.api import (
    ExecutionStatus,
    HistoryEventType,
    TaskFailedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from covalent_localstack import evaluation, executions
from covalent_localstack.environment import ACCOUNT
from covalent_localstack.patching import replace
from covalent_localstack.stopping import ended_with

ABANDONED = "the execution that waited for this one was stopped, or its task has timed out"
_stock_pattern = StateTaskServiceCallback._eval_integration_pattern


def _start(
    self: Any,
    env: Any,
    resource_runtime_part: Any,
    normalised_parameters: dict[str, Any],
    state_credentials: Any,
) -> None:
    del self, state_credentials
    asked = normalised_parameters
    backend = stepfunctions_parser_backends[ACCOUNT][resource_runtime_part.region]
    try:
        child = backend.start_execution(
            asked["stateMachineArn"], asked.get("name"), asked.get("input")
        )
    except JsonRESTError as exc:
        raise evaluation.client_error(exc, "StartExecution") from exc
    env.stack.append({"executionArn": child.exec_arn, "startDate": child.start_date})


def _wait(self: Any, env: Any, **rest: Any) -> None:
    if self.resource.condition == ResourceCondition.WaitForTaskToken:
        _stock_pattern(self, env=env, **rest)
        return
    limit = evaluation.limit_of(self, env)
    child = executions.find(env.stack.pop()["ExecutionArn"])

    def abandon() -> None:
        executions.stop(child, cause=ABANDONED)

    with ended_with(env, abandon):
        if not child.ended.wait(limit):
            abandon()
            raise EvalTimeoutError
    document = _document(child, as_json=self.resource.condition == ResourceCondition.Sync2)
    if child.exec_status != ExecutionStatus.SUCCEEDED:
        raise _failure(self, env, document)
    env.stack.append(document)


def _document(child: Any, *, as_json: bool) -> dict[str, Any]:
    """What DescribeExecution tells, spelt as in definitions."""
    output = json.dumps(child.output, separators=(",", ":"))
    found = {
        "ExecutionArn": child.exec_arn,
        "Input": child.input_data if as_json else child.execution_input,
        "InputDetails": {"Included": True},
        "Name": child.name,
        "StartDate": int(child.start_date.timestamp() * 1000),
        "StateMachineArn": child.state_machine.arn,
        "Status": child.status,
        "StopDate": int(child.stop_date.timestamp() * 1000),
    }
    if child.exec_status == ExecutionStatus.SUCCEEDED:
        found |= {
            "Output": child.output if as_json else output,
            "OutputDetails": {"Included": True},
        }
    told = {"Error": child.error, "Cause": child.cause}
    return found | {name: text for name, text in told.items() if text is not None}


def _failure(self: Any, env: Any, document: dict[str, Any]) -> FailureEventException:
    error = "States.TaskFailed"
    details = TaskFailedEventDetails(
        resource=self._get_sfn_resource(),
        resourceType=self._get_sfn_resource_type(),
        error=error,
        cause=to_json_str(document, separators=(",", ":")),
    )
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=evaluation.error_name(error),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )
    )


def install() -> None:
    """Repair moto."""
    replace(StateTaskServiceSfn, "_eval_service_task", _start)
    replace(StateTaskServiceSfn, "_eval_integration_pattern", _wait)
