import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.eval.states import States

from covalent_localstack import asl, evaluation, executions

Run = Callable[..., dict[str, Any]]
Client = Callable[[str], Any]
Task = Callable[..., dict[str, Any]]
FULL = {"IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1, "JitterStrategy": "FULL"}
CATCH = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "caught"}]
CAUGHT = {"Type": "Pass", "End": True}
ROLE = "arn:aws:iam::123456789012:role/covalent-machine"


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def error_of(execution: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(execution["output"])["error"]
    return found


def test_a_task_runs_and_its_result_is_dropped(run: Run, make_task: Task) -> None:
    done = run(machine(t=make_task("echo", End=True)), {"dispatch_id": "d"})
    assert (done["status"], json.loads(done["output"])) == ("SUCCEEDED", {"dispatch_id": "d"})
    assert done["stopDate"]


def test_retries_count_up_and_jitter_is_understood(run: Run, make_task: Task) -> None:
    retry = [{"ErrorEquals": ["RuntimeError"], **FULL, "IntervalSeconds": 1}]
    flaky = make_task("flaky", Retry=retry, ResultPath="$.result", End=True)
    done = run(machine(t=flaky))
    assert json.loads(done["output"])["result"]["Payload"] == 2


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("fail", "ValueError"),
        ("leave", "Runtime.ExitError"),
        ("absent", "Lambda.ResourceNotFoundException"),
    ],
)
def test_errors_reach_catch(run: Run, make_task: Task, function: str, error: str) -> None:
    done = run(machine(t=make_task(function, Catch=CATCH, End=True), caught=CAUGHT), {"a": 1})
    assert done["status"] == "SUCCEEDED"
    assert error_of(done)["Error"] == error
    assert json.loads(done["output"])["a"] == 1


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def hang(make_task: Task, started: Path, **fields: Any) -> dict[str, Any]:
    payload = {"started": str(started)}
    parameters = {"FunctionName": "hang", "Payload": payload}
    return make_task("hang", **fields) | {"Parameters": parameters}


def test_a_timed_out_task_is_caught_and_its_worker_killed(
    run: Run, make_task: Task, tmp_path: Path
) -> None:
    slow = hang(make_task, tmp_path / "pid", TimeoutSeconds=1, Catch=CATCH, End=True)
    done = run(machine(t=slow, caught=CAUGHT))
    assert error_of(done)["Error"] == "States.Timeout"
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_an_aws_error_in_a_branch_reaches_the_parallel(
    run: Run, make_task: Task, tmp_path: Path
) -> None:
    branch = machine(t=hang(make_task, tmp_path / "pid", TimeoutSeconds=1, End=True))
    both = {"Type": "Parallel", "Branches": [branch], "Catch": CATCH, "End": True}
    done = run(machine(both=both, caught=CAUGHT))
    assert error_of(done)["Error"] == "States.Timeout"


def test_stopping_kills_the_worker_at_once(client: Client, make_task: Task, tmp_path: Path) -> None:
    states = client("stepfunctions")
    definition = machine(t=hang(make_task, tmp_path / "pid", End=True))
    arn = states.create_state_machine(
        name="stopped", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    wait_until(lambda: (tmp_path / "pid").exists() and bool((tmp_path / "pid").read_text()))
    states.stop_execution(executionArn=execution, error="Cancelled", cause="by the user")
    found = states.describe_execution(executionArn=execution)
    assert (found["status"], found["error"], found["cause"]) == (
        "ABORTED",
        "Cancelled",
        "by the user",
    )
    wait_until(lambda: not is_alive(int((tmp_path / "pid").read_text())))
    history = states.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=1)
    assert history["events"][0]["type"] == "ExecutionAborted"
    assert history["nextToken"]


def gate(path: Path) -> dict[str, Any]:
    payload = {"path": str(path), "token.$": "$$.Task.Token"}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "token", "Payload": payload},
        "ResultPath": None,
        "Catch": CATCH,
        "End": True,
    }


@pytest.mark.parametrize("fails", [False, True])
def test_a_gate_waits_for_its_token(client: Client, tmp_path: Path, fails: bool) -> None:
    states, token = client("stepfunctions"), tmp_path / "token"
    definition = json.dumps(machine(g=gate(token), caught=CAUGHT))
    arn = states.create_state_machine(name=f"gate{fails}", definition=definition, roleArn=ROLE)
    execution = states.start_execution(stateMachineArn=arn["stateMachineArn"], input='{"a": 1}')
    wait_until(lambda: token.exists() and bool(token.read_text()))
    if fails:
        states.send_task_failure(taskToken=token.read_text(), error="UpstreamFailed", cause="why")
    else:
        states.send_task_heartbeat(taskToken=token.read_text())
        states.send_task_success(taskToken=token.read_text(), output="{}")
    described: dict[str, Any] = {}

    def ended() -> bool:
        described.update(states.describe_execution(executionArn=execution["executionArn"]))
        return str(described["status"]) != "RUNNING"

    wait_until(ended)
    expected: dict[str, Any] = {"a": 1}
    if fails:
        expected["error"] = {"Error": "UpstreamFailed", "Cause": "why"}
    assert json.loads(described["output"]) == expected


def test_a_retried_gate_waits_for_a_token_of_its_own(client: Client, tmp_path: Path) -> None:
    states, path = client("stepfunctions"), tmp_path / "token"
    retry = [{"ErrorEquals": ["Boom"], "MaxAttempts": 1, "IntervalSeconds": 1}]
    definition = json.dumps(machine(g={**gate(path), "Retry": retry}, caught=CAUGHT))
    arn = states.create_state_machine(name="again", definition=definition, roleArn=ROLE)
    execution = states.start_execution(stateMachineArn=arn["stateMachineArn"])["executionArn"]
    wait_until(lambda: path.exists() and bool(path.read_text()))
    first = path.read_text()
    states.send_task_failure(taskToken=first, error="Boom")
    wait_until(lambda: path.read_text() not in ("", first))
    states.send_task_success(taskToken=path.read_text(), output="{}")
    wait_until(lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
    assert states.describe_execution(executionArn=execution)["output"] == "{}"


def test_an_execution_that_timed_out_has_an_end(run: Run) -> None:
    wait = {"Type": "Wait", "Seconds": 60, "End": True}
    done = run({**machine(w=wait), "TimeoutSeconds": 1})
    assert done["status"] == "TIMED_OUT"
    assert done["startDate"] <= done["stopDate"]


def test_who_looks_as_an_execution_ends_sees_all_of_the_end_or_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    states, stock = client("stepfunctions"), executions._stock_reflect
    looked: list[Future[dict[str, Any]]] = []
    ended = threading.Event()

    def reflect(self: Any) -> None:
        get = States.get_input

        def after_a_look(of: Any) -> Any:
            describe = partial(states.describe_execution, executionArn=self.execution.exec_arn)
            looked.append(threads.submit(describe))
            wait(
                looked, timeout=0.5
            )  # an answer now must not tell of the end: there is no output yet
            return get(of)

        with monkeypatch.context() as patch:
            patch.setattr(States, "get_input", after_a_look)
            stock(self)
        ended.set()

    monkeypatch.setattr(executions, "_stock_reflect", reflect)
    made = states.create_state_machine(
        name="ends", definition=json.dumps(machine(p=CAUGHT)), roleArn=ROLE
    )
    with ThreadPoolExecutor(1) as threads:
        states.start_execution(stateMachineArn=made["stateMachineArn"], input='{"a":1}')
        assert ended.wait(30)
    seen = looked[0].result()
    assert (seen["status"], seen.get("output")) in [("RUNNING", None), ("SUCCEEDED", '{"a":1}')]


def test_many_branches_run(run: Run, make_task: Task) -> None:
    branches = [machine(**{f"t{n}": make_task("echo", End=True)}) for n in range(100)]
    fan = {"Type": "Parallel", "Branches": branches, "ResultPath": None, "End": True}
    assert run(machine(fan=fan), {"a": 1})["output"] == '{"a":1}'


def test_what_the_compiler_writes_needs_no_antlr(make_task: Task) -> None:
    branch = machine(
        t=make_task("f", TimeoutSeconds=3, Retry=[{"ErrorEquals": ["E"], **FULL}], End=True)
    )
    fan = {"Type": "Parallel", "Branches": [branch], "ResultPath": None, "Next": "end"}
    definition = machine(fan=fan, end={"Type": "Succeed"})
    assert asl._parse(json.dumps(definition))[1] is None


def test_both_parsers_build_the_same(make_task: Task) -> None:
    retry = [{"ErrorEquals": ["E", "States.Timeout"], **FULL}]
    branch = machine(t=make_task("f", TimeoutSeconds=3, Retry=retry, Catch=CATCH, End=True))
    branch["States"]["caught"] = CAUGHT
    fan: dict[str, Any] = {
        "Type": "Parallel",
        "Branches": [branch],
        "ResultPath": None,
        "Next": "end",
    }
    selector = {"dispatch_id.$": "$$.Execution.Input.dispatch_id"}
    fan = {**fan, "ResultSelector": selector, "InputPath": "$"}
    end = {"Type": "Succeed", "OutputPath": None}
    text = json.dumps(machine(fan=fan, end=end))
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


def test_more_of_the_language_goes_to_moto(run: Run) -> None:
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "yes"}],
        "Default": "no",
    }
    done = run(
        machine(c=choice, yes={"Type": "Pass", "Result": "y", "End": True}, no={"Type": "Fail"}),
        {"n": 1},
    )
    assert json.loads(done["output"]) == "y"


@pytest.mark.parametrize(
    ("path", "data", "value"),
    [("$.a[0].b", {"a": [{"b": "x"}]}, "x"), ("$['a b']", {"a b": 1}, 1), ("$", [1], [1])],
)
def test_plain_paths(path: str, data: Any, value: Any) -> None:
    assert evaluation._extract_json(path, data) == value


def test_a_nested_execution_runs(run: Run, client: Client) -> None:
    child = machine(p={"Type": "Pass", "End": True})
    arn = client("stepfunctions").create_state_machine(
        name="child", definition=json.dumps(child), roleArn=ROLE
    )["stateMachineArn"]
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": arn, "Input": {"n": 1}},
        "End": True,
    }
    assert json.loads(run(machine(c=call))["output"])["Output"] == {"n": 1}
