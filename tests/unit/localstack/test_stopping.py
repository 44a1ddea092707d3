import json
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from covalent_localstack import asl, executions, threads

Client = Callable[[str], Any]
ROLE = "arn:aws:iam::123456789012:role/covalent-machine"


def start(client: Client, definition: dict[str, Any]) -> str:
    states = client("stepfunctions")
    arn = states.create_state_machine(
        name=f"s{uuid.uuid4().hex[:12]}", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    return str(states.start_execution(stateMachineArn=arn)["executionArn"])


def test_what_was_stopped_as_it_started_does_not_run(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

    go, began = threading.Event(), threading.Event()
    parse = ExecutionWorker._get_evaluation_entrypoint

    def slowly(self: Any) -> Any:
        began.set()
        go.wait(20)
        return parse(self)

    monkeypatch.setattr(ExecutionWorker, "_get_evaluation_entrypoint", slowly)
    execution = start(client, {"StartAt": "p", "States": {"p": {"Type": "Pass", "End": True}}})
    assert began.wait(20)
    states = client("stepfunctions")
    states.stop_execution(executionArn=execution)
    (worker,) = [each for each in threading.enumerate() if "_execution_logic" in each.name]
    go.set()
    worker.join(20)
    assert states.describe_execution(executionArn=execution)["status"] == "ABORTED"
    history = states.get_execution_history(executionArn=execution)["events"]
    assert "PassStateEntered" not in {event["type"] for event in history}


def gate(path: Path) -> dict[str, Any]:
    """A branch that waits for a token."""
    payload = {"path": str(path), "token.$": "$$.Task.Token"}
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "token", "Payload": payload},
        "End": True,
    }
    return {"StartAt": "g", "States": {"g": state}}


def assert_none_is_left(before: set[threading.Thread]) -> None:
    for thread in set(threading.enumerate()) - before:
        if thread.name in ("branch", "crew") or "_execution_logic" in thread.name:
            thread.join(20)
            assert not thread.is_alive(), thread.name


def test_an_execution_for_which_there_are_not_enough_threads_fails_and_leaves_none(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, begun, start_one = set(threading.enumerate()), 0, threads.start

    def start_few(work: Callable[[], None], name: str) -> threading.Thread:
        nonlocal begun
        begun += 1
        if begun > 2:
            raise RuntimeError("can't start new thread")
        return start_one(work, name)

    monkeypatch.setattr(threads, "start", start_few)
    fan = {"Type": "Parallel", "Branches": [gate(tmp_path / "token")] * 3, "End": True}
    execution = executions.find(start(client, {"StartAt": "fan", "States": {"fan": fan}}))
    assert execution.ended.wait(20)
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert "can't start new thread" in execution.cause
    assert_none_is_left(before)


def test_a_stopped_execution_leaves_no_thread_behind(client: Client, tmp_path: Path) -> None:
    """Two branches wait for tokens, one of them in a Map."""
    before = set(threading.enumerate())
    branch = gate(tmp_path / "token")
    rows = {"Type": "Pass", "Result": {"rows": [1]}, "Next": "m"}
    each = {"Type": "Map", "ItemsPath": "$.rows", "ItemProcessor": branch, "End": True}
    mapped = {"StartAt": "r", "States": {"r": rows, "m": each}}
    fan = {"Type": "Parallel", "Branches": [branch, mapped], "End": True}
    definition = {"StartAt": "fan", "States": {"fan": fan}}
    assert asl._parse(json.dumps(definition))[1] is None
    execution = executions.find(start(client, definition))

    def waiting() -> int:
        events = execution.exec_worker.env.event_manager._history_event_list
        return len([event for event in events if event["type"] == "TaskSubmitted"])

    pause = threading.Event()
    while waiting() < 2:
        pause.wait(0.01)
    executions.stop(execution)
    assert_none_is_left(before)
