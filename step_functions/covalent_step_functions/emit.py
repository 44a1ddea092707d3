"""Write a state machine in Amazon States Language, compact and always the same.

https://states-language.net/spec.html
"""

import json
import math
from dataclasses import replace
from typing import Any, assert_never

from covalent_contracts import ranges
from covalent_contracts.envelope import (
    look_payload,
    lost_payload,
    report_payload,
    wait_payload,
)
from covalent_contracts.quoted import quoted_size
from covalent_executors.spec import MAX_TIME_LIMIT
from covalent_executors.task import (
    EXECUTE,
    INVOKE,
    LAMBDA_ERRORS,
    START_ERRORS,
    TaskTemplate,
)
from covalent_step_functions.arguments import KEPT, Electrons, filled
from covalent_step_functions.machine import (
    JOB,
    ROW,
    ROWS,
    Branch,
    Call,
    Continue,
    Distributed,
    Done,
    Explain,
    Fork,
    Inline,
    Look,
    Lost,
    Report,
    Rows,
    Run,
    State,
    StateMachine,
    Submit,
    Wait,
)
from covalent_step_functions.retrying import ANY_ERROR, retries_of, service_retry

Json = dict[str, Any]

_INPUT = {"dispatch_id.$": "$$.Execution.Input.dispatch_id"}


def emit(machine: StateMachine) -> str:
    """The definition."""
    return json.dumps(_branch(machine.trunk, machine.runner), separators=(",", ":"))


def state_size(state: State, runner: str) -> int:
    """Bytes that a state adds to its branch, as they are sent."""
    written = json.dumps({state.name: _state(state, runner)}, separators=(",", ":"))
    return quoted_size(written) - 1


def _branch(branch: Branch, runner: str) -> Json:
    return {
        "StartAt": branch.states[0].name,
        "States": {state.name: _state(state, runner) for state in branch.states},
    }


def _state(state: State, runner: str) -> Json:  # noqa: C901, PLR0911, PLR0912  # a line for each kind
    match state:
        case Run():
            return _run(state)
        case Submit():
            return _submit(state)
        case Look():
            return _look(state, runner)
        case Explain():
            return _explain(state)
        case Continue():
            return _continue(state)
        case Wait():
            return _wait(state, runner)
        case Report():
            return _report(state, runner)
        case Fork():
            branches = [_branch(branch, runner) for branch in state.branches]
            return {"Type": "Parallel", "Branches": branches, "ResultPath": None} | _next(state)
        case Call():
            return _call(state)
        case Lost():
            return _lost(state, runner)
        case Rows():
            return _rows(state)
        case Inline():
            return _inline(state, ROWS, {"dispatch_id.$": "$.dispatch_id"}, runner)
        case Distributed():
            return _distributed(state, runner)
        case Done():
            return {"Type": "Succeed", "OutputPath": None}
        case _:
            assert_never(state)


def _run(state: Run) -> Json:
    task = state.task
    return {
        "Type": "Task",
        "Resource": task.resource,
        "Parameters": filled(task.parameters, Electrons(state.node, state.tried)),
        "ResultPath": None,
        **_limits(task),
        **retries_of(task),
        "Catch": _catch(state.stopped),
    } | _next(state)


def _submit(state: Submit) -> Json:
    """If jobs in it failed, `look` looks after their electrons; of any other error all of them are told.

    Those of the call come first: `States.TaskFailed` matches every error but a timeout.
    """
    task, array = state.task, state.task.array
    assert array is not None  # noqa: S101  # or the electrons would not be in one
    refused = {"ErrorEquals": [*array.refused], "ResultPath": "$.error", "Next": state.lost}
    failed = {"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": state.look}
    return {
        "Type": "Task",
        "Resource": task.resource,
        "Parameters": filled({**task.parameters, **array.parameters}, Electrons(state.nodes)),
        **_forget(state.then),
        **retries_of(replace(task, retries=0)),
        "Catch": [refused, failed, *_catch(state.lost)],
    } | _next(state)


def _look(state: Look, runner: str) -> Json:
    """If it cannot be found out, all electrons of the array are told of its own error, which stays at `$.error`."""
    payload = look_payload(ranges.written(state.nodes), with_cause=state.explains)
    job = {JOB[2:] + ".$": "$.Payload.job"} if state.explains else {}
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": runner, "Payload": payload},
        "ResultSelector": {**_INPUT, ROWS[2:] + ".$": "$.Payload.rows", **job},
        "Retry": [ANY_ERROR],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": state.lost}],
        "Next": state.then,
    }


def _explain(state: Explain) -> Json:
    """Hand to the report what it would have been told of a job that Step Functions had waited for."""
    array = state.array
    return {
        "Type": "Task",
        "Resource": array.describe,
        "Parameters": filled(array.asked, Electrons(f"{ROW}[0]")),
        "ResultSelector": {
            "Error": "States.TaskFailed",
            "Cause.$": f"States.JsonToString({array.told})",
        },
        "ResultPath": "$.error",
        "Retry": [ANY_ERROR],
        "Catch": _catch(state.stopped),
        "Next": state.stopped,
    }


def _limits(task: TaskTemplate) -> Json:
    seconds = math.ceil(task.timeout)
    if task.heartbeat > 0:
        heartbeat = math.ceil(task.heartbeat)
        # It has to be shorter than the other, and linters refuse the longest there is.
        return {"TimeoutSeconds": seconds or MAX_TIME_LIMIT - 1, "HeartbeatSeconds": heartbeat}
    return {"TimeoutSeconds": seconds} if seconds else {}


def _continue(state: Continue) -> Json:
    """The last one leaves nothing behind of what others kept: a Parallel collects what its branches put out."""
    step = state.step
    kept = {f"{name}.$": path for name, path in step.keeps.items()}
    return {
        "Type": "Task",
        "Resource": step.resource,
        "Parameters": filled(step.parameters, Electrons(state.node)),
        **({"ResultSelector": kept} if kept else {}),
        **({"ResultSelector": _INPUT} if state.is_last else {"ResultPath": KEPT if kept else None}),
        **({"Retry": [service_retry(step.transient)]} if step.transient else {}),
        "Catch": _catch(state.stopped),
    } | _next(state)


def _wait(state: Wait, runner: str) -> Json:
    return {
        "Type": "Task",
        "Resource": f"{INVOKE}.waitForTaskToken",
        "Parameters": {"FunctionName": runner, "Payload": wait_payload(state.node, state.needs)},
        "ResultPath": None,
        "Retry": [service_retry(LAMBDA_ERRORS)],
        "Catch": _catch(state.stopped),
    } | _next(state)


def _report(state: Report, runner: str) -> Json:
    return _told(report_payload(state.nodes), runner, state.then)


def _lost(state: Lost, runner: str) -> Json:
    return _told(lost_payload(state.nodes), runner, state.then)


def _told(payload: Json, runner: str, then: str | None) -> Json:
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": runner, "Payload": payload},
        **_forget(then),
        "Retry": [ANY_ERROR],
    } | _then(then)


def _forget(then: str | None) -> Json:
    """A Parallel collects what its branches put out, up to 256 KiB; some tracebacks or rows would exceed that."""
    return {"OutputPath": None} if then is None else {"ResultSelector": _INPUT}


def _call(state: Call) -> Json:
    return {
        "Type": "Task",
        "Resource": EXECUTE,
        "Parameters": {
            "StateMachineArn": state.machine,
            "Name.$": f"States.Format('{{}}-{state.node}',$.dispatch_id)",
            "Input": {"dispatch_id.$": "$.dispatch_id"},
        },
        "ResultPath": None,
        "Retry": [service_retry(START_ERRORS)],
        "Catch": _catch(state.lost),
    } | _next(state)


def _rows(state: Rows) -> Json:
    rows = [list(row) for row in state.rows]
    return {"Type": "Pass", "Result": rows, "ResultPath": ROWS, "Next": state.then}


def _inline(state: Inline, items: str, passed: Json, runner: str) -> Json:
    """A Map over the rows at a path, whose states find in their input a row and what is passed."""
    return {
        "Type": "Map",
        "ItemsPath": items,
        "ItemSelector": {**passed, ROW[2:] + ".$": "$$.Map.Item.Value"},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **_branch(state.body, runner)},
        **_forget(state.then),
    } | _next(state)


def _distributed(state: Distributed, runner: str) -> Json:
    """A failed child is tolerated, because the others must go on; `lost` finds what it has not run."""
    paths = ("$.dispatch_id", *state.told)
    told = {path[2:] + ".$": path for path in paths}
    passed = {path[2:] + ".$": f"$.BatchInput{path[1:]}" for path in paths}
    batch = _inline(state.batch, "$.Items", passed, runner)
    return {
        "Type": "Map",
        "ItemsPath": ROWS,
        **({"MaxConcurrency": state.width} if state.width else {}),
        "ItemBatcher": {"MaxItemsPerBatch": state.size, "BatchInput": told},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": state.batch.name,
            "States": {state.batch.name: batch},
        },
        "ToleratedFailurePercentage": 100,
        "ResultSelector": {"Error": "ExecutionLost", "Cause": state.cause},
        "ResultPath": "$.error",
        "Catch": _catch(state.lost),
        "Next": state.lost,
    }


def _next(state: Run | Submit | Continue | Wait | Fork | Call | Inline) -> Json:
    return _then(state.then)


def _then(then: str | None) -> Json:
    return {"End": True} if then is None else {"Next": then}


def _catch(stopped: str) -> list[Json]:
    return [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": stopped}]
