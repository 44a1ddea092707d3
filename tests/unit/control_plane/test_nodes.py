import base64
from typing import Any

import pytest
from tests.unit.control_plane.conftest import BUCKET, Api, Dispatched, asset, manifest, table

from covalent_contracts import keys, records
from covalent_contracts.api import MAX_NODES_PER_REQUEST
from covalent_contracts.ids import digest_of
from covalent_contracts.status import Status
from covalent_control_plane import answers, store
from covalent_control_plane.aws import Aws

DISPATCHES = "/api/v1/dispatches"
OUTPUT = "ab" * 32


def _record(identifier: str, node: int, status: str, **attributes: Any) -> None:
    """What the runner writes of a node."""
    key = {"pk": records.dispatch_pk(identifier), "sk": records.node_sk(node)}
    table().put_item(Item=key | {"status": status, "started": 5, "attempt": 0} | attributes)


def _completed(identifier: str, node: int, **attributes: Any) -> None:
    value = {"ended": 9, "digest": OUTPUT, "size": 3, "kind": "int", "output": b"abc"}
    _record(identifier, node, "COMPLETED", **value | attributes)


def _nodes(api: Api, identifier: str, **request: Any) -> list[dict[str, Any]]:
    answer = api.post(f"{DISPATCHES}/{identifier}/nodes", request)
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.body["nodes"]
    return found


def _statuses(api: Api, identifier: str) -> list[str]:
    return [node["status"] for node in _nodes(api, identifier)]


def test_nodes_follow_what_is_recorded(api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched(run="false")
    new = "NEW_OBJECT"
    assert _statuses(api, identifier) == [new] * 6
    api.post(f"{DISPATCHES}/{identifier}/start")
    assert _statuses(api, identifier) == ["COMPLETED", new, new, new, new, new]
    _record(identifier, 1, "RUNNING")
    assert _statuses(api, identifier) == ["COMPLETED", "RUNNING", new, new, new, new]
    _completed(identifier, 1)
    assert _statuses(api, identifier)[3] == new
    _completed(identifier, 2)
    assert _statuses(api, identifier)[3] == "COMPLETED"
    _completed(identifier, 4)
    assert _statuses(api, identifier)[5] == new
    store.advance(identifier, Status.COMPLETED)
    assert _statuses(api, identifier) == ["COMPLETED"] * 6


def test_descendants_of_a_failure_stay_new(api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched()
    _completed(identifier, 1)
    _record(identifier, 2, "FAILED", error="Traceback\nValueError: no")
    store.advance(identifier, Status.FAILED)
    new = "NEW_OBJECT"
    assert _statuses(api, identifier) == ["COMPLETED", "COMPLETED", "FAILED", new, new, new]


def test_a_collection_asked_for_alone_follows_its_inputs(api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched()
    assert _nodes(api, identifier, ids=[3])[0]["status"] == "NEW_OBJECT"
    _completed(identifier, 1)
    _completed(identifier, 2)
    (collection,) = _nodes(api, identifier, ids=[3])
    assert (collection["status"], collection["value"]) == ("COMPLETED", None)


def test_a_record_is_shown_whole(aws: Aws, api: Api, dispatched: Dispatched) -> None:
    import requests

    identifier = dispatched()
    _completed(identifier, 1, stdout="out", stderr="err")
    stream = keys.stream(identifier, 2, "stdout", OUTPUT)
    aws.objects.put_object(Bucket=BUCKET, Key=stream, Body=b"long")
    aws.objects.put_object(Bucket=BUCKET, Key=keys.output(identifier, 2, OUTPUT), Body=b"large")
    beside = keys.attachments(identifier, 2, digest_of(b"beside"))
    aws.objects.put_object(Bucket=BUCKET, Key=beside, Body=b"beside")
    large = {"digest": OUTPUT, "size": 5, "kind": "str", "stdout_key": stream}
    large["attachments_key"] = beside
    _record(identifier, 2, "COMPLETED", **large)
    inline, stored = _nodes(api, identifier, ids=[2, 1])
    assert (inline["id"], inline["name"], inline["kind"]) == (1, "first", "function")
    assert (inline["started"], inline["ended"]) == (5, 9)
    assert (inline["stdout"], inline["stderr"]) == ("out", "err")
    value = inline["value"]
    assert base64.b64decode(value["inline"]) == b"abc"
    assert (value["digest"], value["size"], value["type"]) == (OUTPUT, 3, "int")
    assert value["url"] is None
    assert stored["value"]["inline"] is None
    assert requests.get(stored["value"]["url"], timeout=5).content == b"large"
    assert requests.get(stored["stdout_url"], timeout=5).content == b"long"
    assert (inline["attachments"], stored["attachments"]["digest"]) == (None, digest_of(b"beside"))
    assert requests.get(stored["attachments"]["url"], timeout=5).content == b"beside"


def test_a_failed_node_has_no_value(api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched()
    _record(identifier, 1, "FAILED", error="ValueError: no", digest=OUTPUT)
    (failed,) = _nodes(api, identifier, ids=[1])
    assert (failed["value"], failed["error"]) == (None, "ValueError: no")


def _wide(width: int) -> dict[str, Any]:
    """Electrons that nothing joins."""
    function = {"kind": "function", "executor": "x", "function": asset()}
    return manifest(
        nodes=[{"id": each, "name": "electron", **function} for each in range(width)], edges=[]
    )


def test_all_nodes_come_in_pages(api: Api, dispatched: Dispatched) -> None:
    width = MAX_NODES_PER_REQUEST + 3
    identifier = dispatched(**_wide(width))
    _record(identifier, width - 1, "RUNNING")
    first = api.post(f"{DISPATCHES}/{identifier}/nodes", {}).body
    assert [node["id"] for node in first["nodes"]] == list(range(MAX_NODES_PER_REQUEST))
    assert first["cursor"] == MAX_NODES_PER_REQUEST
    last = api.post(f"{DISPATCHES}/{identifier}/nodes", {"cursor": first["cursor"]}).body
    assert [node["id"] for node in last["nodes"]] == [width - 3, width - 2, width - 1]
    assert (last["nodes"][-1]["status"], last["cursor"]) == ("RUNNING", None)
    beyond = api.post(f"{DISPATCHES}/{identifier}/nodes", {"cursor": width}).body
    assert beyond == {"nodes": [], "cursor": None}


def test_scattered_nodes_can_be_asked_for(api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched(**_wide(200))
    for node in (0, 199):
        _record(identifier, node, "RUNNING")
    asked = _nodes(api, identifier, ids=[199, 0, 100])
    assert [(node["id"], node["status"]) for node in asked] == [
        (0, "RUNNING"),
        (100, "NEW_OBJECT"),
        (199, "RUNNING"),
    ]


def test_a_page_stays_below_what_lambda_may_answer(
    api: Api, dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MOST", answers.FRAME + 10_000)
    identifier = dispatched(**_wide(5))
    for node in range(5):
        _record(identifier, node, "RUNNING", stdout="x" * 4000)
    page = api.post(f"{DISPATCHES}/{identifier}/nodes", {}).body
    assert (len(page["nodes"]), page["cursor"]) == (2, 2)
    asked = api.post(f"{DISPATCHES}/{identifier}/nodes", {"ids": [1, 2, 4]}).body
    assert ([each["id"] for each in asked["nodes"]], asked["cursor"]) == ([1, 2], 4)
    asked = api.post(f"{DISPATCHES}/{identifier}/nodes", {"ids": [1, 4]}).body
    assert ([each["id"] for each in asked["nodes"]], asked["cursor"]) == ([1, 4], None)


@pytest.mark.parametrize(
    "request_", [{"ids": [6]}, {"ids": [-1]}, {"ids": list(range(501))}, {"ids": "all"}, []]
)
def test_bad_requests_are_refused(api: Api, dispatched: Dispatched, request_: Any) -> None:
    answer = api.post(f"{DISPATCHES}/{dispatched()}/nodes", request_)
    assert (answer.status, answer.body["code"]) == (400, "InvalidWorkflow")
