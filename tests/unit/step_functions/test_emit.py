import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from covalent_contracts.manifest import Manifest
from covalent_executors.place import Place
from covalent_executors.task import JOB_ERRORS, JobName, RunnerEvent, Script, TaskTemplate, Words
from covalent_step_functions.compiler import compile_dispatch
from covalent_step_functions.emit import emit
from covalent_step_functions.machine import Branch, Done, Report, Run, StateMachine, Wait

Build = Callable[..., Manifest]


@pytest.fixture
def compiled(manifest: Build, place: Place) -> Callable[..., dict[str, Any]]:
    def definition(*args: Any, **kwargs: Any) -> dict[str, Any]:
        found = compile_dispatch(manifest(*args, **kwargs), place, "owner")
        document: dict[str, Any] = json.loads(found.definition)
        return document

    return definition


def _written(run: Run) -> dict[str, Any]:
    """A state as it is written."""
    states = json.loads(emit(StateMachine(Branch((run, Done("stopped"))), "runner")))["States"]
    found: dict[str, Any] = states[run.name]
    return found


def with_settings(**attributes: Any) -> dict[str, Any]:
    return {"executors": {"local": {"name": "local", "attributes": attributes}}}


def test_a_task_runs_its_node_and_reports_what_stops_it(
    compiled: Callable[..., dict[str, Any]],
) -> None:
    states = compiled([(0, 1)])["States"]
    assert list(states) == ["f0 (0)", "f1 (1)", "stopped (0)"]
    task = states["f0 (0)"]
    assert task["Resource"] == "arn:aws:states:::lambda:invoke"
    assert task["Parameters"] == {
        "FunctionName": "runner-311",
        "Payload": {
            "do": "run",
            "dispatch_id.$": "$.dispatch_id",
            "node": 0,
            "attempt.$": "$$.State.RetryCount",
        },
    }
    assert task["ResultPath"] is None
    assert task["Next"] == "f1 (1)"
    assert task["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "stopped (0)"}
    ]
    assert "TimeoutSeconds" not in task
    assert states["stopped (0)"]["Parameters"]["Payload"]["nodes"] == [0, 1]


def test_only_service_errors_are_retried_unless_the_user_asks(
    compiled: Callable[..., dict[str, Any]],
) -> None:
    (retry,) = compiled(n=1)["States"]["f0 (0)"]["Retry"]
    assert all(error.startswith("Lambda.") for error in retry["ErrorEquals"])
    assert retry["MaxAttempts"] < 20
    assert retry["JitterStrategy"] == "FULL"


def test_the_settings_of_the_executor_become_the_state_s(
    compiled: Callable[..., dict[str, Any]],
) -> None:
    state = compiled(n=1, **with_settings(retries=4, time_limit=0.5))["States"]["f0 (0)"]
    assert state["TimeoutSeconds"] == 1
    assert state["Retry"][1] == {
        "ErrorEquals": ["ElectronFailed", "States.Timeout"],
        "MaxAttempts": 4,
        "BackoffRate": 1.0,
    }


def test_nobody_retries_what_failed_upstream(compiled: Callable[..., dict[str, Any]]) -> None:
    definition = compiled([(0, 2), (0, 3), (1, 3)], **with_settings(retries=4))
    (fork,) = definition["States"].values()
    for branch in fork["Branches"]:
        for name, state in branch["States"].items():
            errors = {error for retry in state["Retry"] for error in retry["ErrorEquals"]}
            assert "UpstreamFailed" not in errors
            assert ("States.ALL" in errors) == name.startswith("stopped")


def test_a_gate_waits_without_a_time_limit(compiled: Callable[..., dict[str, Any]]) -> None:
    definition = compiled([(0, 2), (0, 3), (1, 3)], **with_settings(time_limit=5))
    (fork,) = definition["States"].values()
    branch = fork["Branches"][1]
    gate = branch["States"]["gate: f3 (3)"]
    assert gate["Resource"].endswith(".waitForTaskToken")
    assert gate["Parameters"]["Payload"]["needs"] == 1
    assert gate["Next"] == "f3 (3)"
    assert "TimeoutSeconds" not in gate


def test_a_gate_before_a_parallel_reports_and_goes_on(
    compiled: Callable[..., dict[str, Any]],
) -> None:
    both = [(a, b) for a in (0, 1) for b in (3, 4, 5)]
    definition = compiled([*both, (1, 6), (2, 6), (0, 7)])
    (branch,) = (
        each
        for each in next(iter(definition["States"].values()))["Branches"]
        if "gate: f3 (3)" in each["States"]
    )
    gate = branch["States"]["gate: f3 (3)"]
    report = branch["States"]["stopped at gate (3)"]
    assert gate["Catch"][0]["Next"] == "stopped at gate (3)"
    assert report["Next"] == gate["Next"] == "parallel: 3 x f3, f4, f5 (3)"
    assert report["ResultSelector"] == {"dispatch_id.$": "$$.Execution.Input.dispatch_id"}


def test_a_line_that_stops_before_a_parallel_is_checked(
    compiled: Callable[..., dict[str, Any]],
) -> None:
    """Had f1 committed although its state failed, what follows must run."""
    states = compiled([(0, 1), (1, 2), (1, 3)], **with_settings(retries=3))["States"]
    fork = "parallel: 2 x f2, f3 (2)"
    assert (
        states["f0 (0)"]["Catch"][0]["Next"]
        == states["f1 (1)"]["Catch"][0]["Next"]
        == "stopped (0)"
    )
    assert states["stopped (0)"]["Next"] == "checked (1)"
    assert states["checked (1)"]["Next"] == states["f1 (1)"]["Next"] == fork
    assert len(states["checked (1)"]["Retry"]) == 1
    assert states["checked (1)"]["Catch"][0]["Next"] == "ended (1)"
    assert states[fork]["End"]


def test_a_lattice_without_electrons_succeeds(compiled: Callable[..., dict[str, Any]]) -> None:
    definition = compiled(n=1, kinds={0: "parameter"})
    assert definition["States"] == {"nothing to run": {"Type": "Succeed", "OutputPath": None}}


def test_any_service_can_be_called() -> None:
    task = TaskTemplate("arn:x", {"Job": {"Event": RunnerEvent(), "Size": 2}})
    states = (Run("a", 3, task, "b", None), Report("b", (3,), None))
    state = json.loads(emit(StateMachine(Branch(states), "r")))["States"]["a"]
    assert state["Parameters"]["Job"]["Size"] == 2
    assert state["Parameters"]["Job"]["Event"]["node"] == 3
    assert "Retry" not in state


def test_definitions_are_compact() -> None:
    text = emit(StateMachine(Branch((Wait("w", 0, 1, "s", "n"), Done("n"))), "r"))
    assert ", " not in text
    assert ": " not in text


def test_a_job_is_told_its_name_and_its_electron() -> None:
    job = TaskTemplate(
        resource="arn:aws:states:::ecs:runTask.sync",
        parameters={
            "Name": JobName(),
            "Overrides": {"Containers": [{"Environment": [{"Name": "E", "Value": Words()}]}]},
        },
        failures=JOB_ERRORS,
        retries=1,
        heartbeat=9.5,
        is_job=True,
    )
    written = _written(Run("f (3)", 3, job, "stopped", None))
    assert written["Parameters"] == {
        "Name.$": "States.Format('{}-{}-{}',$.dispatch_id,3,$$.State.RetryCount)",
        "Overrides": {
            "Containers": [
                {
                    "Environment": [
                        {
                            "Name": "E",
                            "Value.$": "States.Format('{} {} {}',$.dispatch_id,3,$$.State.RetryCount)",
                        }
                    ]
                }
            ]
        },
    }
    assert written["Retry"][0]["ErrorEquals"][0] == "States.TaskFailed"
    assert written["HeartbeatSeconds"] == 10


def test_a_state_gives_a_machine_time_to_start() -> None:
    job = TaskTemplate("arn", {}, time_limit=7.5, start=60)
    assert _written(Run("f (3)", 3, job, "stopped", None))["TimeoutSeconds"] == 68
    assert "TimeoutSeconds" not in _written(Run("f (3)", 3, replace(job, time_limit=0), "s", None))


def test_a_job_without_limit_that_must_say_it_lives_has_the_longest_there_is() -> None:
    """The default of some interpreters is a minute."""
    written = _written(Run("f (3)", 3, TaskTemplate("arn", {}, heartbeat=300), "stopped", None))
    assert (written["TimeoutSeconds"], written["HeartbeatSeconds"]) == (99_999_998, 300)


def test_what_waits_for_room_is_tried_for_a_day_before_users_retries_count() -> None:
    job = TaskTemplate("arn", {}, transient=("Busy",), full=("Full",), retries=2)
    busy, full, user = _written(Run("f (3)", 3, job, "stopped", None))["Retry"]
    assert (busy["ErrorEquals"], full["ErrorEquals"]) == (["Busy"], ["Full"])
    assert full["MaxAttempts"] > busy["MaxAttempts"]
    assert full["MaxAttempts"] * full["MaxDelaySeconds"] / 2 > 80_000
    assert user["MaxAttempts"] == 2


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit\n", "no newline", "{}'\\\\", "ä"])
def test_the_words_stand_in_the_last_line_of_a_script(text: str) -> None:
    job = TaskTemplate("arn", {"UserData": Script(text)})
    written = _written(Run("f (3)", 3, job, "stopped", None))["Parameters"]["UserData.$"]
    head, words = written.removesuffix("))").split("{}',States.Base64Encode(")
    script = b64decode(head.removeprefix("States.Format('"), validate=True).decode()
    assert script.startswith(text)
    assert script.endswith("\n")
    assert not set(script[len(text) :]) - {" ", "\n"}
    assert words == (
        "States.Format('{} {} {} {}',$.dispatch_id,3,$$.State.RetryCount,$$.Task.Token)"
    )


def test_the_answer_to_a_token_is_asked_for_beside_the_try() -> None:
    waits = TaskTemplate("arn", {"Who": JobName(of_try=False), "Env": Words(with_token=True)})
    assert _written(Run("f (3)", "$.row[0]", waits, "stopped", None))["Parameters"] == {
        "Who.$": "States.Format('{}-{}',$.dispatch_id,$.row[0])",
        "Env.$": "States.Format('{} {} {} {}',$.dispatch_id,$.row[0],$$.State.RetryCount,$$.Task.Token)",
    }
