"""Write a state machine in Amazon States Language, compact and always the same.

https://states-language.net/spec.html
"""

import json
import math
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, assert_never

from covalent_contracts.envelope import (
    adopt_payload,
    collect_payload,
    lost_payload,
    report_payload,
    run_payload,
    wait_payload,
)
from covalent_contracts.quoted import quoted_size
from covalent_executors.spec import MAX_TIME_LIMIT
from covalent_executors.task import (
    EXECUTE,
    INVOKE,
    LAMBDA_ERRORS,
    START_ERRORS,
    Argument,
    JobName,
    Kept,
    RunnerEvent,
    Script,
    TaskTemplate,
    Words,
)
from covalent_step_functions.machine import (
    ROW,
    ROWS,
    Branch,
    Call,
    Continue,
    Distributed,
    Done,
    Fork,
    Inline,
    Lost,
    Report,
    Rows,
    Run,
    State,
    StateMachine,
    Wait,
)

Json = dict[str, Any]

_KEPT = "$.kept"
"""Where a step puts what later ones pass on, and the next one that keeps something."""
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


def _state(state: State, runner: str) -> Json:  # noqa: C901, PLR0911  # a line for each kind
    match state:
        case Run():
            return _run(state)
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
            return _inline(state, ROWS, "$.dispatch_id", runner)
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
        "Parameters": _filled(task.parameters, state.node),
        "ResultPath": None,
        **_limits(task),
        **_retry(task),
        "Catch": _catch(state.stopped),
    } | _next(state)


def _limits(task: TaskTemplate) -> Json:
    is_held = task.ends_itself or task.is_managed
    seconds = 0 if is_held or task.time_limit <= 0 else math.ceil(task.time_limit + task.start)
    if (
        task.heartbeat > 0
    ):  # it has to be shorter than the other, and linters refuse the longest there is
        heartbeat = math.ceil(task.heartbeat)
        return {"TimeoutSeconds": seconds or MAX_TIME_LIMIT - 1, "HeartbeatSeconds": heartbeat}
    return {"TimeoutSeconds": seconds} if seconds else {}


def _continue(state: Continue) -> Json:
    """The last one leaves nothing behind of what others kept: a Parallel collects what its branches put out."""
    step = state.step
    kept = {f"{name}.$": path for name, path in step.keeps.items()}
    return {
        "Type": "Task",
        "Resource": step.resource,
        "Parameters": _filled(step.parameters, state.node),
        **({"ResultSelector": kept} if kept else {}),
        **(
            {"ResultSelector": _INPUT} if state.is_last else {"ResultPath": _KEPT if kept else None}
        ),
        **({"Retry": [_service_retry(step.transient)]} if step.transient else {}),
        "Catch": _catch(state.stopped),
    } | _next(state)


def _wait(state: Wait, runner: str) -> Json:
    return {
        "Type": "Task",
        "Resource": f"{INVOKE}.waitForTaskToken",
        "Parameters": {"FunctionName": runner, "Payload": wait_payload(state.node, state.needs)},
        "ResultPath": None,
        "Retry": [_service_retry(LAMBDA_ERRORS)],
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
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 9, "JitterStrategy": "FULL"}],
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
        "Retry": [_service_retry(START_ERRORS)],
        "Catch": _catch(state.lost),
    } | _next(state)


def _rows(state: Rows) -> Json:
    rows = [list(row) for row in state.rows]
    return {"Type": "Pass", "Result": rows, "ResultPath": ROWS, "Next": state.then}


def _inline(state: Inline, items: str, dispatch_id: str, runner: str) -> Json:
    return {
        "Type": "Map",
        "ItemsPath": items,
        "ItemSelector": {"dispatch_id.$": dispatch_id, ROW[2:] + ".$": "$$.Map.Item.Value"},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **_branch(state.body, runner)},
        **_forget(state.then),
    } | _next(state)


def _distributed(state: Distributed, runner: str) -> Json:
    """A failed child is tolerated, because the others must go on; `lost` finds what it has not run."""
    batch = _inline(state.batch, "$.Items", "$.BatchInput.dispatch_id", runner)
    return {
        "Type": "Map",
        "ItemsPath": ROWS,
        "ItemBatcher": {
            "MaxItemsPerBatch": state.size,
            "BatchInput": {"dispatch_id.$": "$.dispatch_id"},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": state.batch.name,
            "States": {state.batch.name: batch},
        },
        "ToleratedFailurePercentage": 100,
        "ResultSelector": {"Error": "ExecutionLost", "Cause": "its execution ended before it did"},
        "ResultPath": "$.error",
        "Catch": _catch(state.lost),
        "Next": state.lost,
    }


def _next(state: Run | Continue | Wait | Fork | Call | Inline) -> Json:
    return _then(state.then)


def _then(then: str | None) -> Json:
    return {"End": True} if then is None else {"Next": then}


def _retry(task: TaskTemplate) -> Json:
    service = [_service_retry(task.transient)] if task.transient else []
    user = {"ErrorEquals": list(task.failures), "MaxAttempts": task.retries, "BackoffRate": 1.0}
    full = [_retry_when_full(task.full)] if task.full else []
    retries = service + full + ([user] if task.retries and not task.is_managed else [])
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


def _retry_when_full(errors: tuple[str, ...]) -> Json:
    """Over about a day: after 5 s, then twice as long each time up to ten minutes, half of that on average."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": 5,
        "MaxAttempts": 300,
        "MaxDelaySeconds": 600,
        "JitterStrategy": "FULL",
    }


def _catch(stopped: str) -> list[Json]:
    return [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": stopped}]


def _filled(argument: Mapping[str, Argument], node: int | str) -> Json:
    return dict(_field(name, value, node) for name, value in argument.items())


def _field(name: str, value: Argument, node: int | str) -> tuple[str, Any]:
    """A field and its value; one whose value is taken from somewhere has its name end in `.$`."""
    match value:
        case Kept():
            return f"{name}.$", f"{_KEPT}.{value.name}"
        case JobName() | Words():
            return f"{name}.$", _joined(value, node)
        case Script():
            return f"{name}.$", _script(value, node)
        case Sequence() if not isinstance(value, str):
            return name, [_element(each, node) for each in value]
        case _:
            return name, _element(value, node)


def _element(value: Argument, node: int | str) -> Any:
    """What stands as it is, also in a list."""
    match value:
        case RunnerEvent():
            return _EVENTS[value.do](node)
        case Mapping():
            return _filled(value, node)
        case str() | int():
            return value
        case _:
            raise TypeError(f"{value!r} can only be the value of a field")


def _joined(value: JobName | Words, node: int | str) -> str:
    """The intrinsic that makes one string of numbers and of what is at paths."""
    parts = ["$.dispatch_id", str(node)]
    match value:
        case JobName():
            return _format("-", [*parts, "$$.State.RetryCount"] if value.of_try else parts)
        case Words():
            parts.append("$$.State.RetryCount")
            return _format(" ", [*parts, "$$.Task.Token"] if value.with_token else parts)


def _script(script: Script, node: int | str) -> str:
    """The intrinsic that puts the words behind a script, both in base64.

    Base64 of two texts is that of both together if the first has a multiple of three bytes. So no character of the
    script has a meaning in the intrinsic, and only the words count against its limit of 10,000.
    """
    text = script.text.encode()
    padded = text + b" " * (-(len(text) + 1) % 3) + b"\n"
    words = _joined(Words(with_token=True), node)
    return f"States.Format('{b64encode(padded).decode()}{{}}',States.Base64Encode({words}))"


def _format(separator: str, parts: Sequence[str]) -> str:
    return f"States.Format('{separator.join('{}' for _ in parts)}',{','.join(parts)})"


_EVENTS: Mapping[str, Callable[[int | str], Json]] = {
    "run": run_payload,
    "collect": collect_payload,
    "adopt": adopt_payload,
    "bridge": adopt_payload,
}
