"""Cancelling: what the record says, what is stopped, and who wins when something else happens at the same time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.unit.control_plane.conftest import Api, Dispatched, manifest, table
from tests.unit.control_plane.test_finish import _finish, _has_failed, _record

from covalent_contracts import records
from covalent_contracts.api import MAX_TASKS_PER_REQUEST
from covalent_contracts.status import Status
from covalent_control_plane import machines, outcomes, store
from covalent_control_plane.aws import Aws

DISPATCHES = "/api/v1/dispatches"


def _cancel(api: Api, identifier: str, *tasks: int) -> dict[str, Any]:
    asked = {"task_ids": list(tasks)} if tasks else {}
    answer = api.post(f"{DISPATCHES}/{identifier}/cancel", asked)
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.body
    return body


def _status(identifier: str) -> Status:
    item = store.find(identifier)
    assert item is not None
    return item.state


def _nodes(identifier: str) -> dict[int, str]:
    return {node: item.status for node, item in store.nodes(identifier, range(6)).items()}


def _execution(aws: Aws, identifier: str) -> str:
    item = store.find(identifier)
    assert item is not None
    arn = aws.execution_arn(item.machine, identifier)
    return aws.states.describe_execution(executionArn=arn)["status"]


def _raw(identifier: str) -> dict[str, Any]:
    key = {"pk": records.dispatch_pk(identifier), "sk": records.DISPATCH}
    found: dict[str, Any] = table().get_item(Key=key)["Item"]
    return found


def test_a_whole_dispatch(aws: Aws, api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched()
    _record(identifier, 1, "COMPLETED")
    _record(identifier, 2, "RUNNING", claim="c")
    _record(identifier, 4, "RUNNING", error="the first try failed", failures=1)
    assert _cancel(api, identifier) == {
        "message": f"Dispatch {identifier} cancelled.",
        "status": "CANCELLED",
        "task_ids": [],
    }
    shown = api.get(f"{DISPATCHES}/{identifier}").body
    assert (shown["status"], shown["error"]) == ("CANCELLED", None)
    assert shown["started"] <= shown["ended"]
    assert _execution(aws, identifier) == "ABORTED"
    assert _nodes(identifier) == {1: "COMPLETED", 2: "CANCELLED", 4: "CANCELLED"}


def test_what_is_cancelled_is_cancelled_again_without_a_change(
    api: Api, dispatched: Dispatched
) -> None:
    identifier = dispatched()
    first, before = _cancel(api, identifier), _raw(identifier)
    assert _cancel(api, identifier) == first
    assert _raw(identifier) == before


def test_a_second_call_completes_what_the_first_has_begun(
    aws: Aws, api: Api, dispatched: Dispatched
) -> None:
    """The first one died after its first write."""
    identifier = dispatched()
    _record(identifier, 1, "RUNNING")
    store.advance(identifier, Status.CANCELLED, ended=1)
    _cancel(api, identifier)
    assert _execution(aws, identifier) == "ABORTED"
    assert _nodes(identifier) == {1: "CANCELLED"}
    assert _raw(identifier)["ended"] == 1


@pytest.mark.parametrize("end", [Status.COMPLETED, Status.FAILED])
@pytest.mark.parametrize("tasks", [(), (1,)])
def test_what_has_ended_stays_as_it_is(
    api: Api, dispatched: Dispatched, end: Status, tasks: tuple[int, ...]
) -> None:
    identifier = dispatched()
    store.advance(identifier, end, ended=7)
    before = _raw(identifier)
    told = _cancel(api, identifier, *tasks)
    assert told["message"] == f"Dispatch {identifier} is {end} already: nothing was cancelled."
    assert told["status"] == end
    assert (_raw(identifier), _nodes(identifier)) == (before, {})


def test_a_dispatch_that_was_not_started_never_is(
    aws: Aws, api: Api, dispatched: Dispatched
) -> None:
    identifier = dispatched(run="false")
    assert _cancel(api, identifier)["status"] == "CANCELLED"
    answer = api.post(f"{DISPATCHES}/{identifier}/start")
    assert (answer.status, answer.body["status"]) == (202, "CANCELLED")
    with pytest.raises(aws.states.exceptions.ExecutionDoesNotExist):
        _execution(aws, identifier)


def test_a_draft_cannot_be_cancelled(api: Api) -> None:
    document = manifest()
    assert api.post(DISPATCHES, document).status == 201
    assert api.post(f"{DISPATCHES}/{document['dispatch_id']}/cancel", {}).status == 404


def test_cancelled_while_it_starts(
    aws: Aws, api: Api, dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever cancels finds no execution yet; whoever starts it sees that, and stops it."""
    identifier = dispatched(run="false")
    started = machines.start

    def start(*args: Any) -> None:
        assert _cancel(api, identifier)["status"] == "CANCELLED"
        started(*args)

    monkeypatch.setattr(machines, "start", start)
    answer = api.post(f"{DISPATCHES}/{identifier}/start")
    assert answer.body["status"] == "CANCELLED"
    assert _execution(aws, identifier) == "ABORTED"


@pytest.mark.usefixtures("atomic")
def test_of_two_at_once_one_moves(
    aws: Aws, api: Api, dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = dispatched()
    ended: list[Any] = []
    monkeypatch.setattr(outcomes, "measure_dispatch", ended.append)
    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda _: _cancel(Api(), identifier), range(4)))
    assert {each["status"] for each in told} == {"CANCELLED"}
    assert len(ended) == 1
    assert _execution(aws, identifier) == "ABORTED"


def test_the_end_that_comes_first_stays(api: Api, dispatched: Dispatched) -> None:
    first, second = dispatched(), dispatched()
    _finish(first)
    assert _cancel(api, first)["status"] == "COMPLETED"
    _cancel(api, second)
    _finish(second)
    assert (_status(first), _status(second)) == (Status.COMPLETED, Status.CANCELLED)


def test_what_began_while_it_was_cancelled_ends_with_the_execution(
    api: Api, dispatched: Dispatched
) -> None:
    identifier = dispatched()
    _cancel(api, identifier)
    _record(identifier, 2, "RUNNING")  # a call that was on its way
    _finish(identifier, "ABORTED")
    assert _nodes(identifier) == {2: "CANCELLED"}
    assert _status(identifier) is Status.CANCELLED


def test_sublattices_are_cancelled_with_their_dispatch(
    aws: Aws, api: Api, dispatched: Dispatched
) -> None:
    parent, child, grandchild, done = (dispatched() for _ in range(4))
    _record(parent, 1, "DISPATCHING", sub_dispatch_id=child)
    _record(parent, 2, "DISPATCHING", sub_dispatch_id=done)
    _record(child, 1, "DISPATCHING", sub_dispatch_id=grandchild)
    _record(grandchild, 1, "RUNNING")
    store.advance(done, Status.COMPLETED)
    _cancel(api, parent)
    assert [_status(each) for each in (parent, child, grandchild, done)] == [
        Status.CANCELLED,
        Status.CANCELLED,
        Status.CANCELLED,
        Status.COMPLETED,
    ]
    assert _execution(aws, grandchild) == "ABORTED"
    assert _nodes(grandchild) == {1: "CANCELLED"}


def test_a_sublattice_that_is_cancelled_as_a_task(api: Api, dispatched: Dispatched) -> None:
    parent, child = dispatched(), dispatched()
    _record(parent, 1, "DISPATCHING", sub_dispatch_id=child)
    assert _cancel(api, parent, 1)["task_ids"] == [1]
    assert (_status(parent), _status(child)) == (Status.RUNNING, Status.CANCELLED)


def test_tasks(aws: Aws, api: Api, dispatched: Dispatched) -> None:
    """One that runs, one that did not start, one that has ended; the dispatch goes on."""
    identifier = dispatched()
    _record(identifier, 1, "COMPLETED")
    _record(identifier, 2, "RUNNING")
    told = _cancel(api, identifier, 4, 2, 1, 2)
    assert told == {
        "message": f"Cancelled tasks [2, 4] in dispatch {identifier}. Task 1 is COMPLETED already.",
        "status": "RUNNING",
        "task_ids": [2, 4],
    }
    assert _nodes(identifier) == {1: "COMPLETED", 2: "CANCELLED", 4: "CANCELLED"}
    assert _execution(aws, identifier) == "RUNNING"
    assert _cancel(api, identifier, 2)["task_ids"] == [2]


@pytest.mark.parametrize("run", ["true", "false"])
def test_tasks_before_anything_runs(api: Api, dispatched: Dispatched, run: str) -> None:
    identifier = dispatched(run=run)
    assert _cancel(api, identifier, 1)["task_ids"] == [1]
    assert _nodes(identifier) == {1: "CANCELLED"}


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        ([6], "there is no task 6: the dispatch has nodes 0 to 5"),
        ([-1], "there is no task -1"),
        ([1, 0], "node 0 (:parameter:1) is no task"),
        ([3], "no task"),
        ([], "task_ids"),
        ([1] * (MAX_TASKS_PER_REQUEST + 1), "task_ids"),
        ("all", "task_ids"),
    ],
)
def test_what_is_no_task_is_refused(
    api: Api, dispatched: Dispatched, tasks: Any, told: str
) -> None:
    identifier = dispatched()
    answer = api.post(f"{DISPATCHES}/{identifier}/cancel", {"task_ids": tasks})
    assert (answer.status, answer.body["code"]) == (400, "InvalidWorkflow")
    assert told in answer.body["detail"]
    assert _nodes(identifier) == {}
    assert "has_cancelled" not in _raw(identifier)


def test_a_dispatch_with_cancelled_tasks_ends_cancelled(api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched()
    _record(identifier, 1, "COMPLETED")
    _cancel(api, identifier, 2)
    _finish(identifier)
    shown = api.get(f"{DISPATCHES}/{identifier}").body
    assert (shown["status"], shown["error"]) == ("CANCELLED", None)


def test_failures_win(api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched()
    _record(identifier, 1, "FAILED", error="boom")
    _cancel(api, identifier, 2)
    _has_failed(identifier)
    _finish(identifier)
    shown = api.get(f"{DISPATCHES}/{identifier}").body
    assert shown["status"] == "FAILED"
    assert shown["error"].splitlines()[1:] == ["1: first: boom"]


def test_too_late_for_every_task_changes_nothing(api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched()
    _record(identifier, 1, "COMPLETED")
    told = _cancel(api, identifier, 1)
    assert told["message"] == "Task 1 is COMPLETED already."
    _finish(identifier)
    assert _status(identifier) is Status.COMPLETED
