import json
import os
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from covalent_localstack import executions, map_items, map_runs

Run = Callable[..., dict[str, Any]]
Client = Callable[[str], Any]
Task = Callable[..., dict[str, Any]]
ROLE = "arn:aws:iam::123456789012:role/covalent-machine"
CATCH = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "caught"}]
CAUGHT = {"Type": "Pass", "End": True}
EVENT = {"dispatch_id": "d"}
SECOND = {"Type": "Pass", "Parameters": {"x.$": "$[1]"}, "End": True}
"""Fails for a row that has one item."""


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def rows(found: list[Any]) -> dict[str, Any]:
    return {"Type": "Pass", "Result": found, "ResultPath": "$.rows", "Next": "m"}


def distributed(states: dict[str, Any], **fields: Any) -> dict[str, Any]:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return {
        "Type": "Map",
        "ItemsPath": "$.rows",
        "ItemProcessor": {"ProcessorConfig": config, **machine(**states)},
        **fields,
    }


def batches(count: int) -> dict[str, Any]:
    return {"MaxItemsPerBatch": count, "BatchInput": {"dispatch_id.$": "$.dispatch_id"}}


def in_batches(inside: dict[str, Any]) -> dict[str, Any]:
    """One inline Map that does the items of a batch, as the compiler writes it."""
    return {
        "Type": "Map",
        "ItemsPath": "$.Items",
        "ItemSelector": {
            "dispatch_id.$": "$.BatchInput.dispatch_id",
            "row.$": "$$.Map.Item.Value",
        },
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **machine(**inside)},
        "ResultPath": None,
        "OutputPath": None,
        "End": True,
    }


def history(client: Client, execution: str) -> list[dict[str, Any]]:
    pages = client("stepfunctions").get_paginator("get_execution_history")
    events: list[dict[str, Any]] = []
    for page in pages.paginate(executionArn=execution):
        events += page["events"]
    return events


def map_run(client: Client, execution: str) -> dict[str, Any]:
    states = client("stepfunctions")
    (listed,) = states.list_map_runs(executionArn=execution)["mapRuns"]
    found: dict[str, Any] = states.describe_map_run(mapRunArn=listed["mapRunArn"])
    return found


def some(counts: dict[str, int]) -> dict[str, int]:
    return {name: number for name, number in counts.items() if number and name != "resultsWritten"}


def test_a_batch_is_an_execution_of_its_own(run: Run, client: Client) -> None:
    look = {
        "Type": "Pass",
        "Parameters": {"event.$": "$$.Execution.Input", "id.$": "$$.Execution.Id", "in.$": "$"},
        "End": True,
    }
    fan = distributed({"p": look}, ItemBatcher=batches(2), End=True)
    done = run(machine(r=rows([[3], [4], [5]]), m=fan), EVENT)
    outputs = json.loads(done["output"])
    assert [each["event"] for each in outputs] == [
        {"BatchInput": EVENT, "Items": [[3], [4]]},
        {"BatchInput": EVENT, "Items": [[5]]},
    ]
    assert [each["in"] for each in outputs] == [each["event"] for each in outputs]
    nothing = run(machine(r=rows([]), m=fan), EVENT)
    assert nothing["output"] == "[]"
    arns = {each["id"] for each in outputs}
    assert len(arns | {done["executionArn"]}) == 3
    for arn in arns:
        assert [event["type"] for event in history(client, arn)] == [
            "ExecutionStarted",
            "PassStateEntered",
            "PassStateExited",
            "ExecutionSucceeded",
        ]
    run_arn = map_run(client, done["executionArn"])["mapRunArn"]
    listed = client("stepfunctions").list_executions(mapRunArn=run_arn)["executions"]
    assert {each["executionArn"] for each in listed} == arns


def test_what_the_parent_writes_into_its_history(run: Run, client: Client) -> None:
    fan = distributed({"p": CAUGHT}, ItemBatcher=batches(2), ResultPath=None, End=True)
    done = run(machine(r=rows([[3], [4], [5]]), m=fan), EVENT)
    assert [event["type"] for event in history(client, done["executionArn"])] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "MapStateEntered",
        "MapStateStarted",
        "MapRunStarted",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]


def test_items_are_counted(run: Run, client: Client) -> None:
    fan = distributed({"p": CAUGHT}, ItemBatcher=batches(2), ResultPath=None, End=True)
    done = run(machine(r=rows([[3], [4], [5]]), m=fan), EVENT)
    found = map_run(client, done["executionArn"])
    assert found["status"] == "SUCCEEDED"
    assert some(found["itemCounts"]) == {"succeeded": 3, "total": 3}
    assert some(found["executionCounts"]) == {"succeeded": 2, "total": 2}


def test_failures_are_tolerated(run: Run, client: Client) -> None:
    lost = {"Error": "Lost", "Cause": "somewhere"}
    fan = distributed(
        {"p": SECOND},
        ToleratedFailurePercentage=100,
        Catch=CATCH,
        ResultSelector=lost,
        ResultPath="$.error",
        End=True,
    )
    done = run(machine(r=rows([[3], [4, 4], [5]]), m=fan, caught=CAUGHT), EVENT)
    assert json.loads(done["output"])["error"] == lost
    found = map_run(client, done["executionArn"])
    assert some(found["itemCounts"]) == {"succeeded": 1, "failed": 2, "total": 3}


@pytest.mark.parametrize(
    ("tolerated", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailureCount": 1}, "FAILED"),
        ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 49}, "FAILED"),
        ({"ToleratedFailurePercentage": 50}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 50, "ToleratedFailureCount": 1}, "FAILED"),
    ],
)
def test_a_batch_that_fails_counts_as_its_items(
    run: Run, tolerated: dict[str, int], status: str
) -> None:
    two = {"Type": "Pass", "Parameters": {"x.$": "$.Items[0][1]"}, "End": True}
    fan = distributed({"p": two}, ItemBatcher=batches(2), **tolerated, End=True)
    done = run(machine(r=rows([[1], [2], [3, 3], [4, 4]]), m=fan), EVENT)
    assert done["status"] == status
    if status == "FAILED":
        assert done["error"] == "States.ExceedToleratedFailureThreshold"


def test_too_many_failures_stop_the_other_children(run: Run, client: Client) -> None:
    inside = {"p": {**SECOND, "Next": "w"}, "w": {"Type": "Wait", "Seconds": 3600, "End": True}}
    del inside["p"]["End"]
    fan = distributed(inside, Catch=CATCH, End=True)
    done = run(machine(r=rows([[1, 1], [2, 2], [3]]), m=fan, caught=CAUGHT), EVENT)
    error = json.loads(done["output"])["error"]
    assert error["Error"] == "States.ExceedToleratedFailureThreshold"
    counted = Counter(event["type"] for event in history(client, done["executionArn"]))
    assert (counted["MapRunFailed"], counted["MapStateFailed"], counted["MapRunSucceeded"]) == (
        1,
        1,
        0,
    )
    found = map_run(client, done["executionArn"])
    assert (found["status"], found["itemCounts"]["failed"]) == ("FAILED", 1)
    states = client("stepfunctions")
    children = states.list_executions(mapRunArn=found["mapRunArn"])["executions"]
    assert {each["status"] for each in children} <= {"ABORTED", "FAILED"}


def test_no_child_starts_once_the_others_were_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread may have taken its job just before."""
    begun: list[Any] = []
    parent = SimpleNamespace(child=lambda event: event)
    monkeypatch.setattr(map_runs, "Parent", lambda *_: parent)
    monkeypatch.setattr(executions, "begin", begun.append)
    late = map_runs._MapRun(MagicMock(), MagicMock(), MagicMock())
    late.abort()
    late.run((0, ("input", 1)))
    assert (begun, late.known()) == ([], [])


def test_the_whole_of_what_the_compiler_writes(run: Run, client: Client) -> None:
    payload = {"dispatch_id.$": "$.dispatch_id", "node.$": "$.row[0]"}
    report = {"nodes.$": "$.row", "error.$": "$.error", "attempt": 2}
    inside = {
        "a": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "fail", "Payload": payload},
            "ResultPath": None,
            "Retry": [{"ErrorEquals": ["Other"], "MaxAttempts": 1}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "stopped"}],
            "End": True,
        },
        "stopped": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "flaky", "Payload": report},
            "OutputPath": None,
            "End": True,
        },
    }
    fan = distributed(
        {"batch: a": in_batches(inside)},
        ItemBatcher=batches(40),
        ToleratedFailurePercentage=100,
        Catch=[{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "lost (3)"}],
        ResultSelector={"Error": "Lost", "Cause": "why"},
        ResultPath="$.error",
        Next="lost (3)",
    )
    lost = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": "echo",
            "Payload": {"nodes.$": "$.rows", "error.$": "$.error"},
        },
        "ResultSelector": {"event.$": "$.Payload.event"},
        "End": True,
    }
    many = [[number] for number in range(100)]
    done = run(machine(r=rows(many), m=fan, **{"lost (3)": lost}), EVENT)
    expected = {"nodes": many, "error": {"Error": "Lost", "Cause": "why"}}
    assert json.loads(done["output"])["event"] == expected
    assert some(map_run(client, done["executionArn"])["executionCounts"]) == {
        "succeeded": 3,
        "total": 3,
    }


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_stopping_the_parent_stops_the_children(
    client: Client, make_task: Task, tmp_path: Path
) -> None:
    states, pid = client("stepfunctions"), tmp_path / "pid"
    parameters = {"FunctionName": "hang", "Payload": {"started": str(pid)}}
    task = make_task("hang", End=True) | {"Parameters": parameters}
    fan = distributed({"t": in_batches({"t": task})}, ItemBatcher=batches(2), End=True)
    arn = states.create_state_machine(
        name="distributed", definition=json.dumps(machine(r=rows([[1]]), m=fan)), roleArn=ROLE
    )["stateMachineArn"]
    parent = states.start_execution(stateMachineArn=arn, input=json.dumps(EVENT))["executionArn"]
    wait_until(lambda: pid.exists() and bool(pid.read_text()))
    run_arn = map_run(client, parent)["mapRunArn"]
    states.stop_execution(executionArn=parent)
    (child,) = states.list_executions(mapRunArn=run_arn)["executions"]
    assert states.describe_execution(executionArn=child["executionArn"])["status"] == "ABORTED"
    wait_until(lambda: not is_alive(int(pid.read_text())))
    assert history(client, parent)[-1]["type"] == "ExecutionAborted"
    wait_until(lambda: bool(map_run(client, parent)["status"] == "ABORTED"))


def test_a_gate_in_a_child_waits_for_its_token(client: Client, tmp_path: Path) -> None:
    states, token = client("stepfunctions"), tmp_path / "token"
    gate = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {
            "FunctionName": "token",
            "Payload": {"path": str(token), "token.$": "$$.Task.Token"},
        },
        "End": True,
    }
    definition = machine(r=rows([[1]]), m=distributed({"b": in_batches({"g": gate})}, End=True))
    definition["States"]["m"]["ItemBatcher"] = batches(2)
    arn = states.create_state_machine(
        name="gated", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    parent = states.start_execution(stateMachineArn=arn, input=json.dumps(EVENT))["executionArn"]
    wait_until(lambda: token.exists() and bool(token.read_text()))
    states.send_task_heartbeat(taskToken=token.read_text())
    states.send_task_success(taskToken=token.read_text(), output="{}")
    described = states.describe_execution
    wait_until(lambda: described(executionArn=parent)["status"] == "SUCCEEDED")


@pytest.mark.parametrize(("asked", "ours"), [(1, 16), (0, 1), (5, 1)])
def test_no_more_children_run_than_may(
    run: Run, client: Client, monkeypatch: pytest.MonkeyPatch, asked: int, ours: int
) -> None:
    monkeypatch.setattr(map_runs, "CHILDREN", ours)
    fan = distributed({"p": CAUGHT}, MaxConcurrency=asked, ResultPath=None, End=True)
    done = run(machine(r=rows([[number] for number in range(5)]), m=fan), EVENT)
    run_arn = map_run(client, done["executionArn"])["mapRunArn"]
    listed = client("stepfunctions").list_executions(mapRunArn=run_arn)["executions"]
    in_order = sorted(listed, key=lambda each: (each["startDate"], each["stopDate"]))
    assert len(in_order) == 5
    for earlier, later in pairwise(in_order):
        assert earlier["stopDate"] <= later["startDate"]


def test_a_map_run_keeps_the_last_children_only(run: Run, client: Client) -> None:
    fan = distributed({"p": CAUGHT}, ResultPath=None, End=True)
    count = map_runs.KEPT + 5
    done = run(machine(r=rows([[number] for number in range(count)]), m=fan), EVENT)
    found = map_run(client, done["executionArn"])
    assert found["itemCounts"]["succeeded"] == count
    listed = client("stepfunctions").list_executions(mapRunArn=found["mapRunArn"])["executions"]
    assert len(listed) == map_runs.KEPT


def test_batches_keep_to_their_size() -> None:
    items = ["x" * 8, "y" * 8, "z" * 28, "w"]
    assert list(map_items._split(iter(items), None, 20)) == [items[:2], items[2:3], items[3:]]
    assert list(map_items._split(iter(items), 3, None)) == [items[:3], items[3:]]
