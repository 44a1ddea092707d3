"""What was left STARTING is started again, and ends when it cannot be."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.unit.control_plane.conftest import (
    EVENTS,
    Api,
    Dispatched,
    manifest,
    table,
    upload,
)

from covalent_contracts import keys, records
from covalent_contracts.errors import Unavailable
from covalent_contracts.status import Status
from covalent_control_plane import application, machines, starting, store
from covalent_control_plane.aws import Aws
from covalent_control_plane.starting import GIVEN_UP, PATIENCE, RESERVE, Restarted

DISPATCHES = "/api/v1/dispatches"
Left = Callable[..., str]


def _refused(code: str) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "no"}}
    return ClientError(response, "StartExecution")


@dataclass
class Steps:
    """Stands for `machines.start`: counts, and fails as told."""

    failure: Exception | None = None
    calls: int = 0

    def __call__(self, aws: Aws, machine: str, dispatch_id: str) -> None:
        self.calls += 1
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def left(aws: Aws, api: Api) -> Left:
    """Leaves a dispatch STARTING, as a process that died does."""

    def leave(**changes: Any) -> str:
        document = manifest(**changes)
        upload(aws, api.post(DISPATCHES, document).body)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(machines, "start", Steps(RuntimeError("the process died here")))
            assert api.post(f"{DISPATCHES}/{document['dispatch_id']}/start").status == 500
        return str(document["dispatch_id"])

    return leave


def _restart(aws: Aws, after: float = PATIENCE + 1, remaining: float = 1e6) -> Restarted:
    return starting.restart(aws, time.time() + after, lambda: remaining)


def _index() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table().scan(IndexName="by_starting")["Items"]
    return found


def _status(api: Api, identifier: str) -> tuple[str, str | None]:
    shown = api.get(f"{DISPATCHES}/{identifier}").body
    return shown["status"], shown["error"]


def test_the_index_holds_what_is_starting_and_only_that(left: Left, dispatched: Dispatched) -> None:
    dispatched()
    dispatched(run="false")
    left()
    (item,) = _index()
    assert set(item) == {"pk", "sk", "starting", "created"}
    assert (item["starting"], item["sk"]) == (records.STARTING_NOW, records.DISPATCH)


@pytest.mark.parametrize("status", [each for each in Status if Status.STARTING.may_become(each)])
def test_every_move_takes_it_out_of_the_index(left: Left, status: Status) -> None:
    store.advance(left(), status)
    assert _index() == []


def test_a_dispatch_that_waited_for_its_start_is_in_the_index_too(
    api: Api, dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = dispatched(run="false")
    monkeypatch.setattr(machines, "start", Steps(Unavailable("busy")))
    assert api.post(f"{DISPATCHES}/{identifier}/start").status == 503
    assert [item["pk"] for item in _index()] == [records.dispatch_pk(identifier)]


def test_what_was_left_is_started_once(aws: Aws, api: Api, left: Left) -> None:
    identifier = left()
    assert _restart(aws) == Restarted(started=[identifier])
    assert _status(api, identifier) == ("RUNNING", None)
    assert _restart(aws) == Restarted()
    execution = api.get(f"{DISPATCHES}/{identifier}").body["execution"]
    assert aws.states.describe_execution(executionArn=execution)["name"] == identifier


def test_a_start_that_may_still_be_under_way_is_left_alone(aws: Aws, left: Left) -> None:
    left()
    assert _restart(aws, after=PATIENCE - 30) == Restarted()


def test_what_counts_is_when_the_start_was_asked_for(aws: Aws, api: Api, left: Left) -> None:
    """It may have been registered long before."""
    identifier = left()
    key = {"pk": records.dispatch_pk(identifier), "sk": records.DISPATCH}
    table().update_item(
        Key=key, UpdateExpression="SET created = :c", ExpressionAttributeValues={":c": 1}
    )
    assert _restart(aws, after=1) == Restarted()
    assert _status(api, identifier)[0] == "STARTING"


def test_a_busy_aws_is_asked_again_next_time(
    aws: Aws, api: Api, left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [left() for _ in range(3)]
    busy = Steps(_refused("ThrottlingException"))
    with monkeypatch.context() as patch:
        patch.setattr(machines, "start", busy)
        assert set(_restart(aws).waiting) == set(ids)
    assert busy.calls == 1  # the others have the same machine
    assert sorted(_restart(aws).started) == sorted(ids)


@pytest.mark.parametrize("failure", [Unavailable("busy"), RuntimeError("a defect")])
def test_after_a_day_it_ends(
    aws: Aws, api: Api, left: Left, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    identifier = left()
    with monkeypatch.context() as patch:
        patch.setattr(machines, "start", Steps(failure))
        assert _restart(aws, after=GIVEN_UP - 60).waiting == [identifier]
        assert _restart(aws, after=GIVEN_UP + 60).failed == [identifier]
    status, error = _status(api, identifier)
    assert (status, error) == (
        "FAILED",
        f"the execution could not be started for 24 h: {failure}",
    )
    assert _index() == []


def test_what_aws_refuses_ends_at_once(
    aws: Aws, api: Api, left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = left()
    monkeypatch.setattr(machines, "start", Steps(_refused("AccessDeniedException")))
    assert _restart(aws).failed == [identifier]
    status, error = _status(api, identifier)
    assert status == "FAILED"
    assert "AccessDenied" in str(error)


def test_one_whose_machines_are_gone_ends_and_the_others_start(
    aws: Aws, api: Api, left: Left
) -> None:
    first, second = left(), left()
    aws.objects.delete_object(Bucket=aws.settings.bucket, Key=keys.machines(first))
    restarted = _restart(aws)
    assert (restarted.failed, restarted.started) == ([first], [second])
    assert "does not exist" in str(_status(api, first)[1])


def test_it_stops_while_there_is_time_to_end(aws: Aws, left: Left) -> None:
    left()
    assert _restart(aws, remaining=RESERVE - 1) == Restarted()


def test_the_rule_calls_it(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    left()
    event = json.loads((EVENTS / "eventbridge" / "restart.json").read_text())
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + PATIENCE + 1)

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 300_000

    assert application.restart(event, Context()) == {"started": 1, "failed": 0}
