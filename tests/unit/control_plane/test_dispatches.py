import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.unit.control_plane.conftest import (
    ALICE,
    BOB,
    BUCKET,
    CONTENT,
    Api,
    Dispatched,
    asset,
    manifest,
    table,
    upload,
)

from covalent_contracts import keys, records
from covalent_contracts.errors import Unavailable
from covalent_contracts.ids import digest_of, owner_of
from covalent_contracts.status import Status
from covalent_control_plane import items, machines, manifests, store
from covalent_control_plane.aws import Aws

DISPATCHES = "/api/v1/dispatches"


def _executions(aws: Aws) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for machine in aws.states.list_state_machines()["stateMachines"]:
        listed = aws.states.list_executions(stateMachineArn=machine["stateMachineArn"])
        found += [dict(each) for each in listed["executions"]]
    return found


def test_a_start_runs_an_execution_named_after_the_dispatch(
    aws: Aws, api: Api, dispatched: Dispatched
) -> None:
    identifier = dispatched()
    (execution,) = _executions(aws)
    described = aws.states.describe_execution(executionArn=execution["executionArn"])
    assert execution["name"] == identifier
    assert described["input"] == f'{{"dispatch_id":"{identifier}"}}'
    shown = api.get(f"{DISPATCHES}/{identifier}").body
    assert (shown["status"], shown["nodes"], shown["name"]) == ("RUNNING", 6, "workflow")
    assert shown["execution"] == execution["executionArn"]
    assert shown["created"] <= shown["started"] <= time.time_ns() // 1000
    assert shown["ended"] is None


def test_starting_twice_is_the_same_as_once(aws: Aws, api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched()
    first = api.get(f"{DISPATCHES}/{identifier}").body
    again = api.post(f"{DISPATCHES}/{identifier}/start")
    assert (again.status, again.body) == (202, first)
    assert len(_executions(aws)) == 1


def test_dispatches_of_one_shape_share_a_machine(aws: Aws, dispatched: Dispatched) -> None:
    for _ in range(10):
        dispatched()
    assert len(aws.states.list_state_machines()["stateMachines"]) == 1
    assert len(_executions(aws)) == 10


def test_without_run_it_appears_and_waits(aws: Aws, api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched(run="false")
    shown = api.get(f"{DISPATCHES}/{identifier}").body
    assert (shown["status"], shown["started"], _executions(aws)) == ("NEW_OBJECT", None, [])
    again = api.post(f"{DISPATCHES}/{identifier}/start", query={"run": "false"})
    assert again.body["status"] == "NEW_OBJECT"
    assert api.post(f"{DISPATCHES}/{identifier}/start").body["status"] == "RUNNING"
    assert len(_executions(aws)) == 1


@pytest.mark.parametrize("kept", [None, 5])
def test_a_missing_or_truncated_upload_is_named_and_nothing_appears(
    aws: Aws, api: Api, kept: int | None
) -> None:
    document = manifest()
    registered = api.post(DISPATCHES, document).body
    if kept is not None:
        key = keys.asset(owner_of(ALICE), digest_of(CONTENT))
        aws.objects.put_object(Bucket=BUCKET, Key=key, Body=CONTENT[:kept])
    start = f"{DISPATCHES}/{document['dispatch_id']}/start"
    answer = api.post(start)
    assert (answer.status, answer.body["code"]) == (409, "Conflict")
    assert answer.body["extra"] == {"missing": [digest_of(CONTENT)]}
    assert api.get(f"{DISPATCHES}/{document['dispatch_id']}").status == 404
    assert _executions(aws) == []
    upload(aws, registered)
    assert api.post(start).status == 202


def test_a_start_that_was_cut_short_is_completed_by_the_next(
    aws: Aws, api: Api, dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("the process died here")

    with monkeypatch.context() as patch:
        patch.setattr(machines, "start", crash)
        document = manifest()
        upload(aws, api.post(DISPATCHES, document).body)
        start = f"{DISPATCHES}/{document['dispatch_id']}/start"
        assert api.post(start).status == 500
    assert api.get(f"{DISPATCHES}/{document['dispatch_id']}").body["status"] == "STARTING"
    assert api.post(start).body["status"] == "RUNNING"


def test_what_cannot_be_started_has_failed_and_says_why(
    aws: Aws, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        denied: Any = {"Error": {"Code": "AccessDeniedException", "Message": "no PassRole"}}
        raise ClientError(denied, "CreateStateMachine")

    monkeypatch.setattr(machines, "start", refuse)
    document = manifest()
    upload(aws, api.post(DISPATCHES, document).body)
    answer = api.post(f"{DISPATCHES}/{document['dispatch_id']}/start")
    assert (answer.status, answer.body["status"]) == (202, "FAILED")
    assert "no PassRole" in answer.body["error"]
    assert answer.body["ended"] is not None


@pytest.mark.parametrize("busy", [True, False])
def test_what_cannot_be_started_now_can_be_started_again(
    aws: Aws, api: Api, monkeypatch: pytest.MonkeyPatch, busy: bool
) -> None:
    def refuse(*_: object) -> None:
        if busy:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "StartExecution")
        raise Unavailable("not there yet")

    document = manifest()
    upload(aws, api.post(DISPATCHES, document).body)
    start = f"{DISPATCHES}/{document['dispatch_id']}/start"
    with monkeypatch.context() as patch:
        patch.setattr(machines, "start", refuse)
        answer = api.post(start)
        assert (answer.status, answer.body["code"]) == (503, "Unavailable")
    assert api.get(f"{DISPATCHES}/{document['dispatch_id']}").body["status"] == "STARTING"
    assert api.post(start).body["status"] == "RUNNING"


def test_a_dispatch_that_ended_while_it_started_stays_ended(
    aws: Aws, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = manifest()
    identifier = str(document["dispatch_id"])

    def run_to_the_end(*_: object) -> None:
        store.advance(identifier, Status.COMPLETED, ended=7)

    monkeypatch.setattr(machines, "start", run_to_the_end)
    upload(aws, api.post(DISPATCHES, document).body)
    answer = api.post(f"{DISPATCHES}/{identifier}/start")
    assert (answer.body["status"], answer.body["ended"]) == ("COMPLETED", 7)


def test_an_expired_draft_is_gone(aws: Aws, api: Api) -> None:
    document = manifest()
    upload(aws, api.post(DISPATCHES, document).body)
    key = {"pk": records.dispatch_pk(document["dispatch_id"]), "sk": records.DRAFT}
    table().update_item(
        Key=key,
        UpdateExpression="SET #ttl = :past",
        ExpressionAttributeNames={"#ttl": items.TTL_ATTRIBUTE},
        ExpressionAttributeValues={":past": 1},
    )
    answer = api.post(f"{DISPATCHES}/{document['dispatch_id']}/start")
    assert (answer.status, answer.body["code"]) == (404, "NotFound")


def test_a_manifest_that_was_altered_in_the_bucket_is_not_started(aws: Aws, api: Api) -> None:
    document = manifest()
    upload(aws, api.post(DISPATCHES, document).body)
    manifests._kept.clear()
    key = keys.manifest(document["dispatch_id"])
    aws.objects.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(manifest()).encode())
    answer = api.post(f"{DISPATCHES}/{document['dispatch_id']}/start")
    assert (answer.status, answer.body["code"]) == (409, "CorruptedObject")
    assert api.get(f"{DISPATCHES}/{document['dispatch_id']}").status == 404


def test_a_listing_is_paged_newest_first_and_the_owners_own(dispatched: Dispatched) -> None:
    alice = Api(ALICE)
    mine = [dispatched() for _ in range(5)]
    dispatched(Api(BOB))
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        page = alice.get(DISPATCHES, query=query).body
        assert len(page["dispatches"]) <= 2
        seen += [each["dispatch_id"] for each in page["dispatches"]]
        if page["cursor"] is None:
            break
        query = {"limit": "2", "cursor": page["cursor"]}
    assert seen == mine[::-1]


def test_a_cursor_of_someone_else_shows_nothing_of_theirs(dispatched: Dispatched) -> None:
    alice, bob = Api(ALICE), Api(BOB)
    theirs = {dispatched() for _ in range(3)}
    cursor = alice.get(DISPATCHES, query={"limit": "1"}).body["cursor"]
    page = bob.get(DISPATCHES, query={"limit": "1", "cursor": cursor}).body
    assert not theirs & {each["dispatch_id"] for each in page["dispatches"]}


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "101"}, {"limit": "many"}, {"cursor": "?"}, {"cursor": "MSB4"}],
)
def test_bad_paging_is_refused(api: Api, query: dict[str, str]) -> None:
    assert api.get(DISPATCHES, query=query).status == 400


def test_the_manifest_can_be_downloaded(aws: Aws, api: Api, dispatched: Dispatched) -> None:
    import requests

    identifier = dispatched()
    download = api.get(f"{DISPATCHES}/{identifier}/manifest").body
    content = requests.get(download["url"], timeout=5).content
    assert digest_of(content) == download["digest"]
    assert json.loads(content)["dispatch_id"] == identifier


def test_assets_can_be_downloaded_if_the_manifest_names_them(
    api: Api, dispatched: Dispatched
) -> None:
    import requests

    path = f"{DISPATCHES}/{dispatched()}/assets"
    (download,) = api.post(path, {"digests": [digest_of(CONTENT)]}).body["downloads"]
    assert download["digest"] == digest_of(CONTENT)
    assert requests.get(download["url"], timeout=5).content == CONTENT
    other = asset(b"of another dispatch")["digest"]
    assert api.post(path, {"digests": [other]}).status == 404
    assert api.post(path, {"digests": ["../manifest"]}).status == 400
    assert api.post(path, {"digests": ["0" * 64] * 1001}).status == 400


def _requests(identifier: str) -> list[tuple[str, str, Any]]:
    path = f"{DISPATCHES}/{identifier}"
    return [
        ("POST", f"{path}/start", None),
        ("GET", path, None),
        ("GET", f"{path}/manifest", None),
        ("POST", f"{path}/nodes", {}),
        ("POST", f"{path}/assets", {"digests": [digest_of(CONTENT)]}),
    ]


def test_someone_elses_dispatch_is_not_found(dispatched: Dispatched) -> None:
    for call in _requests(dispatched()):
        answer = Api(BOB).call(*call)
        assert (answer.status, answer.body["code"]) == (404, "NotFound"), call
        assert Api(ALICE).call(*call).status in (200, 202), call


def test_someone_elses_draft_cannot_be_started(aws: Aws, api: Api) -> None:
    document = manifest()
    upload(aws, api.post(DISPATCHES, document).body)
    assert Api(BOB).post(f"{DISPATCHES}/{document['dispatch_id']}/start").status == 404


@pytest.mark.parametrize("identifier", ["00000000-0000-4000-8000-000000000000", "not-an-id", "D#1"])
def test_an_unknown_id_is_not_found(api: Api, identifier: str) -> None:
    for call in _requests(identifier):
        answer = api.call(*call)
        assert (answer.status, answer.body["code"]) == (404, "NotFound"), call
        assert identifier in answer.body["detail"]
