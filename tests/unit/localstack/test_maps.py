import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from covalent_localstack import asl

Run = Callable[..., dict[str, Any]]
Client = Callable[[str], Any]
Task = Callable[..., dict[str, Any]]
CATCH = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "caught"}]
CAUGHT = {"Type": "Pass", "End": True}
KEEP = {"dispatch_id.$": "$$.Execution.Input.dispatch_id"}
EVENT = {"dispatch_id": "d"}


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def rows(count: int, then: str = "m") -> dict[str, Any]:
    found = [[number] for number in range(count)]
    return {"Type": "Pass", "Result": found, "ResultPath": "$.rows", "Next": then}


def inline(*, config: Any = None, **states: Any) -> dict[str, Any]:
    processor = {"ProcessorConfig": config or {"Mode": "INLINE"}, **machine(**states)}
    return {
        "Type": "Map",
        "ItemsPath": "$.rows",
        "ItemSelector": {"dispatch_id.$": "$.dispatch_id", "row.$": "$$.Map.Item.Value"},
        "ItemProcessor": processor,
    }


def call(function: str, **fields: Any) -> dict[str, Any]:
    payload = {"dispatch_id.$": "$.dispatch_id", "node.$": "$.row[0]"}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": payload},
        **fields,
    }


def history(client: Client, execution: str) -> list[dict[str, Any]]:
    pages = client("stepfunctions").get_paginator("get_execution_history")
    events: list[dict[str, Any]] = []
    for page in pages.paginate(executionArn=execution):
        events += page["events"]
    return events


def kinds(client: Client, execution: str) -> list[str]:
    return [event["type"] for event in history(client, execution)]


def test_an_inline_map_runs_every_row(run: Run, client: Client) -> None:
    task = call("echo", ResultSelector={"event.$": "$.Payload.event"}, End=True)
    done = run(machine(r=rows(3), m={**inline(a=task), "End": True}), EVENT)
    answers = [each["event"] for each in json.loads(done["output"])]
    assert answers == [{"dispatch_id": "d", "node": number} for number in range(3)]


def test_what_an_inline_map_writes_into_the_history(run: Run, client: Client) -> None:
    task = call("echo", ResultPath=None, End=True)
    fan = {**inline(a=task), "ResultSelector": KEEP, "End": True}
    done = run(machine(r=rows(3), m=fan), EVENT)
    assert json.loads(done["output"]) == EVENT
    counted = Counter(kinds(client, done["executionArn"]))
    a_task = [
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
    ]
    once = ["MapStateEntered", "MapStateStarted", "MapStateSucceeded", "MapStateExited"]
    around = ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert counted == {
        **dict.fromkeys([*a_task, "MapIterationStarted", "MapIterationSucceeded"], 3),
        **dict.fromkeys([*once, *around], 1),
    }


def test_a_failed_iteration_that_is_caught_inside_fails_nothing(run: Run) -> None:
    inside = {"a": call("fail", Catch=CATCH, End=True), "caught": {**CAUGHT, "OutputPath": None}}
    fan = {**inline(**inside), "ResultSelector": KEEP, "End": True}
    done = run(machine(r=rows(2), m=fan), EVENT)
    assert (done["status"], json.loads(done["output"])) == ("SUCCEEDED", EVENT)


def test_a_failed_iteration_fails_the_map_and_stops_the_others(run: Run, client: Client) -> None:
    rule = {"Variable": "$.row[0]", "NumericEquals": 1, "Next": "f"}
    choice = {"Type": "Choice", "Default": "w", "Choices": [rule]}
    wait = {"Type": "Wait", "Seconds": 3600, "End": True}
    inside = {"c": choice, "w": wait, "f": {"Type": "Fail", "Error": "Mine", "Cause": "why"}}
    fan = {**inline(**inside), "Catch": CATCH, "End": True}
    done = run(machine(r=rows(3), m=fan, caught=CAUGHT), EVENT)
    assert json.loads(done["output"])["error"] == {"Error": "Mine", "Cause": "why"}
    counted = Counter(kinds(client, done["executionArn"]))
    assert counted["MapIterationFailed"] == 1
    assert counted["MapIterationAborted"] == counted["MapIterationStarted"] - 1
    assert (counted["MapStateFailed"], counted["MapStateExited"]) == (1, 1)


def test_an_error_of_aws_in_an_iteration_reaches_the_map(run: Run) -> None:
    bad = {"Type": "Pass", "Parameters": {"x.$": "$.absent"}, "End": True}
    fan = {**inline(a=bad), "Catch": CATCH, "End": True}
    done = run(machine(r=rows(1), m=fan, caught=CAUGHT), EVENT)
    assert json.loads(done["output"])["error"]["Error"] == "States.Runtime"


@pytest.mark.parametrize("width", [0, 3, 100])
def test_an_inline_map_runs_at_most_40_at_once(run: Run, client: Client, width: int) -> None:
    fan = {**inline(a={"Type": "Pass", "End": True}), "MaxConcurrency": width, "End": True}
    done = run(machine(r=rows(100), m=fan), EVENT)
    assert [each["row"] for each in json.loads(done["output"])] == [[n] for n in range(100)]
    running = most = 0
    for kind in kinds(client, done["executionArn"]):
        running += {"MapIterationStarted": 1, "MapIterationSucceeded": -1}.get(kind, 0)
        most = max(most, running)
    assert most <= min(width or 40, 40)


def test_an_empty_map_succeeds(run: Run) -> None:
    done = run(machine(r=rows(0), m={**inline(a=CAUGHT), "End": True}), EVENT)
    assert done["output"] == "[]"


def test_a_map_of_something_else_fails(run: Run) -> None:
    done = run(machine(m={**inline(a=CAUGHT), "End": True}), {"dispatch_id": "d", "rows": 3})
    assert (done["status"], done["error"]) == ("FAILED", "States.QueryEvaluationError")


def test_maps_and_what_goes_with_them_need_no_antlr() -> None:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    batched = {
        **inline(config=config, a=CAUGHT),
        "ItemBatcher": {"MaxItemsPerBatch": 40, "BatchInput": KEEP},
        "ToleratedFailurePercentage": 100,
        "ToleratedFailureCount": 3,
        "MaxConcurrency": 7,
        "Label": "label",
        "Next": "n",
    }
    nested = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"Name.$": "States.Format('{}-12',$.dispatch_id)", "StateMachineArn": "a"},
        "End": True,
    }
    definition = machine(r=rows(2), m=batched, n=nested)
    assert asl._parse(json.dumps(definition))[1] is None


def test_both_parsers_build_the_same_map() -> None:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    fan = {
        **inline(config=config, a=CAUGHT),
        "ItemSelector": {"a.$": "$$.Map.Item.Value", "b": [1, {"c": "x"}], "d": {"e.$": "$.f"}},
        "ToleratedFailurePercentage": 12.5,
        "ToleratedFailureCount": 3,
        "MaxConcurrency": 7,
        "Label": "label",
        "Catch": CATCH,
        "End": True,
    }
    text = json.dumps(machine(r=rows(2), m=fan, caught=CAUGHT))
    assert shape(asl._parse(text)[0]) == shape(asl._stock_parse(text)[0])


def shape(component: Any) -> Any:
    """A component as plain data."""
    if isinstance(component, dict):
        return {str(name): shape(value) for name, value in component.items()}
    if isinstance(component, list | tuple):
        return [shape(each) for each in component]
    if not hasattr(component, "__dict__") or not type(component).__module__.startswith("moto"):
        return component
    if hasattr(component, "val"):
        return component.val
    fields = {name: shape(value) for name, value in vars(component).items() if "heap" not in name}
    return {"": type(component).__name__, **fields}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("States.Format('{}-12',$.dispatch_id)", "d-12"),
        ("States.ArrayLength($.list)", 2),
        ("States.MathAdd($.list[0], 4)", 5),
    ],
)
def test_intrinsic_functions(run: Run, text: str, value: Any) -> None:
    definition = machine(p={"Type": "Pass", "Parameters": {"x.$": text}, "End": True})
    assert asl._parse(json.dumps(definition))[1] is None
    done = run(definition, {"dispatch_id": "d", "list": [1, 2]})
    assert json.loads(done["output"]) == {"x": value}
