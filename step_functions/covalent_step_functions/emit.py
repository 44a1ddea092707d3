"""Write a state machine in Amazon States Language, compact and always the same.

https://states-language.net/spec.html
"""

import json
import math
from collections.abc import Mapping
from typing import Any, assert_never

from covalent_contracts.envelope import report_payload, run_payload, wait_payload
from covalent_executors.task import LAMBDA_ERRORS, Argument, RunnerEvent, TaskTemplate
from covalent_step_functions.states import (
    Branch,
    Done,
    Fork,
    Report,
    Run,
    State,
    StateMachine,
    Wait,
)

Json = dict[str, Any]

_INVOKE = "arn:aws:states:::lambda:invoke"
_USER_ERRORS = ("ElectronFailed", "States.Timeout")
"""What the user's `retries` are for. Never `UpstreamFailed`: it is final."""


def emit(machine: StateMachine) -> str:
    """The definition."""
    return json.dumps(_branch(machine.trunk, machine.runner), separators=(",", ":"))


def _branch(branch: Branch, runner: str) -> Json:
    return {
        "StartAt": branch.states[0].name,
        "States": {state.name: _state(state, runner) for state in branch.states},
    }


def _state(state: State, runner: str) -> Json:
    match state:
        case Run():
            return _run(state)
        case Wait():
            return _wait(state, runner)
        case Report():
            return _report(state, runner)
        case Fork():
            branches = [_branch(branch, runner) for branch in state.branches]
            return {"Type": "Parallel", "Branches": branches, "ResultPath": None} | _next(state)
        case Done():
            return {"Type": "Succeed", "OutputPath": None}
        case _:
            assert_never(state)


def _run(state: Run) -> Json:
    task = state.task
    timeout = {"TimeoutSeconds": math.ceil(task.time_limit)} if task.time_limit > 0 else {}
    return {
        "Type": "Task",
        "Resource": task.resource,
        "Parameters": _filled(task.parameters, run_payload(state.node)),
        "ResultPath": None,
        **timeout,
        **_retry(task),
        "Catch": _catch(state.stopped),
    } | _next(state)


def _wait(state: Wait, runner: str) -> Json:
    return {
        "Type": "Task",
        "Resource": f"{_INVOKE}.waitForTaskToken",
        "Parameters": {"FunctionName": runner, "Payload": wait_payload(state.node, state.needs)},
        "ResultPath": None,
        "Retry": [_service_retry(LAMBDA_ERRORS)],
        "Catch": _catch(state.stopped),
    } | _next(state)


def _report(state: Report, runner: str) -> Json:
    return {
        "Type": "Task",
        "Resource": _INVOKE,
        "Parameters": {"FunctionName": runner, "Payload": report_payload(state.nodes)},
        **_forget_error(state),
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 9, "JitterStrategy": "FULL"}],
    } | _next(state)


def _forget_error(state: Report) -> Json:
    """A Parallel collects what its branches put out, up to 256 KiB; a few tracebacks would exceed that."""
    if state.then is None:
        return {"OutputPath": None}
    return {"ResultSelector": {"dispatch_id.$": "$$.Execution.Input.dispatch_id"}}


def _next(state: Run | Wait | Report | Fork) -> Json:
    return {"End": True} if state.then is None else {"Next": state.then}


def _retry(task: TaskTemplate) -> Json:
    service = [_service_retry(task.transient)] if task.transient else []
    user = {"ErrorEquals": list(_USER_ERRORS), "MaxAttempts": task.retries, "BackoffRate": 1.0}
    retries = service + ([user] if task.retries else [])
    return {"Retry": retries} if retries else {}


def _service_retry(errors: tuple[str, ...]) -> Json:
    """Over some seven minutes: 1 s, then twice as long each time (the defaults) up to a minute, jittered.

    Throttling passes only when other electrons end; but each try takes three of the history's 25,000 events.
    """
    return {
        "ErrorEquals": list(errors),
        "MaxAttempts": 12,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    }


def _catch(stopped: str) -> list[Json]:
    return [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": stopped}]


def _filled(argument: Argument | Mapping[str, Argument], event: Json) -> Any:
    match argument:
        case RunnerEvent():
            return event
        case Mapping():
            return {name: _filled(value, event) for name, value in argument.items()}
        case _:
            return argument
