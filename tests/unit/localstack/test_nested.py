import json
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from covalent_localstack import events

Run = Callable[..., dict[str, Any]]
Client = Callable[[str], Any]
Task = Callable[..., dict[str, Any]]
ROLE = "arn:aws:iam::123456789012:role/covalent-machine"
CATCH = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "caught"}]
CAUGHT = {"Type": "Pass", "End": True}
FAIL = {"Type": "Pass", "Parameters": {"x.$": "$.absent"}, "End": True}


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def create(client: Client, definition: dict[str, Any]) -> str:
    made = client("stepfunctions").create_state_machine(
        name=f"c{uuid.uuid4().hex[:12]}", definition=json.dumps(definition), roleArn=ROLE
    )
    return str(made["stateMachineArn"])


def nested(arn: str, **fields: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {
            "StateMachineArn": arn,
            "Name.$": "States.Format('{}-12',$.dispatch_id)",
            "Input": {"dispatch_id.$": "$.dispatch_id"},
        },
        "ResultPath": None,
        **fields,
    }


def dispatch() -> dict[str, Any]:
    return {"dispatch_id": uuid.uuid4().hex}


def child_of(arn: str, event: dict[str, Any]) -> str:
    return f"{arn.replace(':stateMachine:', ':execution:')}:{event['dispatch_id']}-12"


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


def hang(make_task: Task, started: Path) -> dict[str, Any]:
    parameters = {"FunctionName": "hang", "Payload": {"started": str(started)}}
    return machine(t=make_task("hang", End=True) | {"Parameters": parameters})


def pid_in(path: Path) -> int:
    wait_until(lambda: path.exists() and bool(path.read_text()))
    return int(path.read_text())


def described(client: Client, execution: str) -> dict[str, Any]:
    found: dict[str, Any] = client("stepfunctions").describe_execution(executionArn=execution)
    return found


def test_the_parent_waits_for_the_child_and_goes_on(run: Run, client: Client) -> None:
    arn, event = create(client, machine(p=CAUGHT)), dispatch()
    done = run(machine(c=nested(arn, ResultPath="$.child", End=True)), event)
    document = json.loads(done["output"])["child"]
    assert (document["Name"], document["Status"]) == (f"{event['dispatch_id']}-12", "SUCCEEDED")
    assert document["Input"] == document["Output"] == event
    events = client("stepfunctions").get_execution_history(executionArn=done["executionArn"])
    assert [each["type"] for each in events["events"]] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]


def test_one_name_and_one_input_are_one_execution(client: Client, tmp_path: Path) -> None:
    gate = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {
            "FunctionName": "token",
            "Payload": {"path": str(tmp_path / "token"), "token.$": "$$.Task.Token"},
        },
        "End": True,
    }
    states, event = client("stepfunctions"), dispatch()
    arn = create(client, machine(g=gate))
    branches = [machine(**{f"c{n}": nested(arn, End=True)}) for n in range(3)]
    fan = {"Type": "Parallel", "Branches": branches, "ResultPath": None, "End": True}
    parent = states.start_execution(
        stateMachineArn=create(client, machine(fan=fan)), input=json.dumps(event)
    )["executionArn"]

    def submitted() -> int:
        history = states.get_execution_history(executionArn=parent)["events"]
        return len([each for each in history if each["type"] == "TaskSubmitted"])

    wait_until(lambda: submitted() == 3 and (tmp_path / "token").exists())
    assert len(states.list_executions(stateMachineArn=arn)["executions"]) == 1
    states.send_task_success(taskToken=(tmp_path / "token").read_text(), output="{}")
    wait_until(lambda: described(client, parent)["status"] == "SUCCEEDED")


def test_a_name_that_was_used_is_taken(run: Run, client: Client) -> None:
    arn, event = create(client, machine(p=CAUGHT)), dispatch()
    twice = machine(a=nested(arn, Next="b"), b=nested(arn, Catch=CATCH, End=True), caught=CAUGHT)
    error = json.loads(run(twice, event)["output"])["error"]
    assert error["Error"] == "StepFunctions.ExecutionAlreadyExistsException"


def test_a_machine_that_does_not_exist(run: Run) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:absent"
    done = run(machine(c=nested(arn, Catch=CATCH, End=True), caught=CAUGHT), dispatch())
    error = json.loads(done["output"])["error"]
    assert error["Error"] == "StepFunctions.StateMachineDoesNotExistException"


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT"])
def test_a_child_that_fails_fails_the_task(run: Run, client: Client, status: str) -> None:
    slow = machine(w={"Type": "Wait", "Seconds": 60, "End": True}) | {"TimeoutSeconds": 1}
    arn = create(client, slow if status == "TIMED_OUT" else machine(f=FAIL))
    done = run(machine(c=nested(arn, Catch=CATCH, End=True), caught=CAUGHT), dispatch())
    error = json.loads(done["output"])["error"]
    assert error["Error"] == "States.TaskFailed"
    document = json.loads(error["Cause"])
    assert document["Status"] == status
    if status == "FAILED":
        assert document["Error"] == "States.Runtime"


def test_stopping_the_parent_stops_the_child(
    client: Client, make_task: Task, tmp_path: Path
) -> None:
    states, event = client("stepfunctions"), dispatch()
    arn = create(client, hang(make_task, tmp_path / "pid"))
    branch = machine(c=nested(arn, End=True))
    fan = {"Type": "Parallel", "Branches": [branch], "End": True}
    parent = states.start_execution(
        stateMachineArn=create(client, machine(fan=fan)), input=json.dumps(event)
    )["executionArn"]
    pid = pid_in(tmp_path / "pid")
    states.stop_execution(executionArn=parent)
    assert described(client, child_of(arn, event))["status"] == "ABORTED"
    wait_until(lambda: not is_alive(pid))


def test_a_branch_that_fails_stops_the_child_of_another(
    run: Run, client: Client, make_task: Task, tmp_path: Path
) -> None:
    arn, event = create(client, hang(make_task, tmp_path / "pid")), dispatch()
    both = [machine(c=nested(arn, End=True)), hang(make_task, tmp_path / "other")]
    both[1]["States"]["t"]["TimeoutSeconds"] = 1
    fan = {"Type": "Parallel", "Branches": both, "Catch": CATCH, "End": True}
    done = run(machine(fan=fan, caught=CAUGHT), event)
    assert json.loads(done["output"])["error"]["Error"] == "States.Timeout"
    assert described(client, child_of(arn, event))["status"] == "ABORTED"


def test_a_task_that_times_out_stops_the_child(
    run: Run, client: Client, make_task: Task, tmp_path: Path
) -> None:
    arn, event = create(client, hang(make_task, tmp_path / "pid")), dispatch()
    task = nested(arn, TimeoutSeconds=1, Catch=CATCH, End=True)
    done = run(machine(c=task, caught=CAUGHT), event)
    assert json.loads(done["output"])["error"]["Error"] == "States.Timeout"
    assert described(client, child_of(arn, event))["status"] == "ABORTED"


def test_children_are_announced(run: Run, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str]] = []
    put = events.announce

    def announce(execution: Any) -> None:
        told.append((execution.exec_arn, execution.status))
        put(execution)

    monkeypatch.setattr(events, "announce", announce)
    arn, event = create(client, machine(p=CAUGHT)), dispatch()
    run(machine(c=nested(arn, End=True)), event)
    child = child_of(arn, event)
    assert [status for execution, status in told if execution == child] == ["RUNNING", "SUCCEEDED"]


def test_a_parent_that_is_not_told_to_wait_goes_on(run: Run, client: Client) -> None:
    arn, event = create(client, machine(p=CAUGHT)), dispatch()
    task = {**nested(arn, End=True), "Resource": "arn:aws:states:::states:startExecution"}
    done = run(machine(c={**task, "ResultPath": "$"}), event)
    assert json.loads(done["output"])["ExecutionArn"] == child_of(arn, event)
