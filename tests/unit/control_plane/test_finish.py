import json
from typing import Any

import pytest
from tests.unit.control_plane.conftest import EVENTS, Api, Dispatched, asset, manifest, table

from covalent_contracts import records
from covalent_contracts.status import Status
from covalent_contracts.wording import in_one_line
from covalent_control_plane import application, dispatches, finish, store
from covalent_control_plane.aws import Aws

DISPATCHES = "/api/v1/dispatches"


def _event(identifier: str, status: str = "SUCCEEDED", **detail: Any) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / "eventbridge" / "finish.json").read_text())
    item = store.find(identifier)
    machine = item.machine if item else "covalent-unknown"
    arn = event["detail"]["stateMachineArn"].rpartition(":")[0]
    event["detail"] |= {"name": identifier, "status": status, "stateMachineArn": f"{arn}:{machine}"}
    event["detail"] |= detail
    return event


def _finish(identifier: str, status: str = "SUCCEEDED", **detail: Any) -> None:
    application.finish(_event(identifier, status, **detail), None)


def _record(identifier: str, node: int, status: str, **attributes: Any) -> None:
    key = {"pk": records.dispatch_pk(identifier), "sk": records.node_sk(node)}
    table().put_item(Item=key | {"status": status, "started": 5} | attributes)


def _has_failed(identifier: str) -> None:
    """What the runner tells the dispatch when an electron failed for good."""
    table().update_item(
        Key={"pk": records.dispatch_pk(identifier), "sk": records.DISPATCH},
        UpdateExpression="SET has_failed = :yes",
        ExpressionAttributeValues={":yes": True},
    )


def _shown(api: Api, identifier: str) -> dict[str, Any]:
    shown: dict[str, Any] = api.get(f"{DISPATCHES}/{identifier}").body
    return shown


def test_success_completes_the_dispatch(api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched()
    _finish(identifier)
    shown = _shown(api, identifier)
    assert (shown["status"], shown["error"]) == ("COMPLETED", None)
    assert shown["started"] <= shown["ended"]


def test_a_lattice_without_electrons_completes(api: Api, dispatched: Dispatched) -> None:
    value = {"id": 0, "name": ":parameter:1", "kind": "parameter", "value": asset()}
    last = {"id": 1, "name": ":postprocess:", "kind": "postprocess"}
    identifier = dispatched(nodes=[value, last], edges=[])
    _finish(identifier)
    assert _shown(api, identifier)["status"] == "COMPLETED"


def test_failed_tasks_are_named_one_per_line(api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched()
    _record(identifier, 1, "FAILED", error="Traceback (most recent call last):\nValueError: no\n")
    _record(identifier, 4, "FAILED", error="KeyError: 'x'")
    _has_failed(identifier)
    _finish(identifier)
    shown = _shown(api, identifier)
    assert shown["status"] == "FAILED"
    assert shown["error"].splitlines() == [
        "The following tasks failed:",
        "1: first: ValueError: no",
        "4: third: KeyError: 'x'",
    ]


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_an_execution_that_broke_names_its_cause(
    api: Api, dispatched: Dispatched, status: str
) -> None:
    identifier = dispatched()
    _record(identifier, 2, "RUNNING")
    _record(identifier, 1, "COMPLETED")
    _finish(identifier, status, error="States.Runtime", cause="no such path")
    shown = _shown(api, identifier)
    reason = f"The execution ended {status}: States.Runtime: no such path"
    assert shown["status"] == "FAILED"
    assert shown["error"].splitlines() == [
        "The following tasks failed:",
        f"2: second: {reason}",
        reason,
    ]
    answer = api.post(f"{DISPATCHES}/{identifier}/nodes", {"ids": [1, 2]}).body["nodes"]
    assert [node["status"] for node in answer] == ["COMPLETED", "FAILED"]
    assert (answer[1]["error"], answer[1]["ended"] is not None) == (reason, True)


def test_many_failures_are_counted_not_all_listed(
    api: Api, dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "MAX_LISTED", 2)
    identifier = dispatched()
    for node in (1, 2, 4):
        _record(identifier, node, "FAILED", error="x" * 5000)
    _has_failed(identifier)
    _finish(identifier)
    lines = _shown(api, identifier)["error"].splitlines()
    assert (len(lines), lines[-1]) == (4, "and 1 more")
    assert max(map(len, lines)) < 600


@pytest.mark.parametrize("second", ["SUCCEEDED", "FAILED"])
@pytest.mark.parametrize("first", ["SUCCEEDED", "ABORTED"])
def test_the_first_end_stays(api: Api, dispatched: Dispatched, first: str, second: str) -> None:
    identifier = dispatched()
    _finish(identifier, first)
    ended = _shown(api, identifier)
    _finish(identifier, second)
    assert _shown(api, identifier) == ended


def test_an_end_before_the_start_was_answered_keeps_the_times(
    aws: Aws, api: Api, dispatched: Dispatched
) -> None:
    identifier = dispatched(run="false")
    store.advance(identifier, Status.STARTING)
    _finish(identifier)
    shown = _shown(api, identifier)
    assert (shown["status"], shown["started"]) == ("COMPLETED", 1795339840000 * 1000)
    assert shown["execution"] is not None


def test_a_dispatch_that_moved_on_in_between_is_left_alone(
    aws: Aws, dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = dispatched()
    _record(identifier, 1, "RUNNING")
    stale = store.find(identifier)
    store.advance(identifier, Status.CANCELLED)
    monkeypatch.setattr(store, "find", lambda _: stale)
    assert finish.finish(aws, _event(identifier)["detail"]) is None
    monkeypatch.undo()
    item = store.find(identifier)
    assert item is not None
    assert item.state is Status.CANCELLED


@pytest.mark.parametrize(
    "detail",
    [
        {"stateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:payroll"},
        {"status": "RUNNING"},
        {"name": "00000000-0000-4000-8000-000000000000"},
        {"name": "payroll-2026-11"},
    ],
)
def test_executions_that_are_not_ours_are_ignored(
    api: Api, dispatched: Dispatched, detail: dict[str, Any]
) -> None:
    identifier = dispatched()
    assert application.finish(_event(identifier, **detail), None) == {}
    assert _shown(api, identifier)["status"] == "RUNNING"


def test_a_crash_fails_what_was_running_and_nothing_else(api: Api, dispatched: Dispatched) -> None:
    done, running, starting, waiting = (
        dispatched(),
        dispatched(),
        dispatched(run="false"),
        dispatched(run="false"),
    )
    _finish(done)
    store.advance(starting, Status.STARTING)
    _record(running, 1, "COMPLETED")
    _record(running, 2, "RUNNING")
    assert set(dispatches.fail_interrupted("the server stopped")) == {running, starting}
    assert dispatches.fail_interrupted("again") == []
    states = [_shown(api, each)["status"] for each in (done, running, starting, waiting)]
    assert states == ["COMPLETED", "FAILED", "FAILED", "NEW_OBJECT"]
    assert _shown(api, running)["error"] == "the server stopped"
    nodes = api.post(f"{DISPATCHES}/{running}/nodes", {"ids": [1, 2, 4]}).body["nodes"]
    assert [node["status"] for node in nodes] == ["COMPLETED", "FAILED", "NEW_OBJECT"]
    assert manifest()["nodes"][2]["name"] == nodes[1]["name"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("Traceback (most recent call last):\n  File\n    code\nValueError: no", "ValueError: no"),
        (
            "Traceback (most recent call last):\n  File\n    code\nValueError: one\n  two",
            "ValueError: one two",
        ),
        (
            "Traceback (most recent call last):\n  File\nKeyError: 1\n\nDuring it:\n\n"
            "Traceback (most recent call last):\n  File\nPipFailed: see\nlog\nlog\nERROR: none",
            "PipFailed: see ... ERROR: none",
        ),
        (
            "Traceback (most recent call last):\n  File\nKeyError: 1\n\n"
            "The above exception was the direct cause of the following exception:\n\nOurs: no frames",
            "Ours: no frames",
        ),
        ("States.Timeout: over", "States.Timeout: over"),
        ("", ""),
    ],
)
def test_an_error_in_one_line_has_the_exceptions_name(error: str, line: str) -> None:
    assert in_one_line(error) == line
