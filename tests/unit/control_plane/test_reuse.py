"""A redispatch takes over the records of what it reuses."""

from typing import Any

import pytest
from tests.unit.control_plane.conftest import (
    BOB,
    BUCKET,
    Api,
    Dispatched,
    manifest,
    table,
    upload,
)

from covalent_contracts import keys, records
from covalent_contracts.errors import Unavailable
from covalent_contracts.ids import digest_of
from covalent_contracts.manifest import Manifest
from covalent_contracts.sheet import load
from covalent_contracts.status import Status
from covalent_control_plane import reuse, store
from covalent_control_plane.aws import Aws
from covalent_control_plane.items import NodeItem

DISPATCHES = "/api/v1/dispatches"
LARGE = b"a large output"
DIGEST = digest_of(LARGE)


def _redispatch_of(parent: str, reused: dict[int, int]) -> dict[str, Any]:
    document = manifest()
    nodes = [
        node | ({"reused": reused[node["id"]]} if node["id"] in reused else {})
        for node in document["nodes"]
    ]
    return document | {"redispatch_of": parent, "nodes": nodes}


@pytest.fixture
def ended(aws: Aws, dispatched: Dispatched) -> str:
    """A dispatch that FAILED: `first` has a large output and a long stderr, `second` a small output, `third` failed."""
    parent = dispatched()
    large, text = keys.output(parent, 1, DIGEST), keys.stream(parent, 1, "stderr", digest_of(b"x"))
    aws.objects.put_object(Bucket=BUCKET, Key=large, Body=LARGE)
    aws.objects.put_object(Bucket=BUCKET, Key=text, Body=b"x")
    beside = keys.attachments(parent, 1, digest_of(b"beside"))
    aws.objects.put_object(Bucket=BUCKET, Key=beside, Body=b"beside")
    done = {"status": "COMPLETED", "started": 1, "ended": 2, "claim": "c", "kind": "str"}
    rows = {
        1: done
        | {"digest": DIGEST, "size": len(LARGE), "stderr_key": text, "attachments_key": beside},
        2: done | {"digest": digest_of(b"s"), "size": 1, "output": b"s", "stdout": "hello"},
        4: {"status": "FAILED", "started": 1, "ended": 2, "error": "boom"},
    }
    for node, row in rows.items():
        table().put_item(
            Item={"pk": records.dispatch_pk(parent), "sk": records.node_sk(node)} | row
        )
    store.advance(parent, Status.FAILED, ended=3)
    return parent


def _start(aws: Aws, api: Api, document: dict[str, Any], run: str = "true") -> dict[str, Any]:
    registered = api.post(DISPATCHES, document)
    assert registered.status == 201, registered.body
    upload(aws, registered.body)
    answer = api.post(f"{DISPATCHES}/{document['dispatch_id']}/start", query={"run": run})
    assert answer.status == 202, answer.body
    body: dict[str, Any] = answer.body
    return body


@pytest.mark.parametrize("run", ["true", "false"])
def test_records_and_objects_are_taken_over(aws: Aws, api: Api, ended: str, run: str) -> None:
    document = _redispatch_of(ended, {1: 1, 2: 2})
    started = _start(aws, api, document, run)
    new = document["dispatch_id"]
    assert (started["redispatch_of"], started["dispatch_id"]) == (ended, new)
    shown = api.post(f"{DISPATCHES}/{new}/nodes", {"ids": [1, 2, 4]}).body["nodes"]
    first, second, third = shown
    assert [each["status"] for each in shown] == ["COMPLETED", "COMPLETED", "NEW_OBJECT"]
    assert first["started"] == first["ended"] == second["started"] == second["ended"]
    assert first["value"]["digest"] == DIGEST
    assert (second["stdout"], second["value"]["inline"]) == ("hello", "cw==")
    assert third["started"] is None
    copied = aws.objects.get_object(Bucket=BUCKET, Key=keys.output(new, 1, DIGEST))
    assert copied["Body"].read() == LARGE
    (row,) = store.nodes(new, {1}).values()
    assert (row.node, row.stderr_key) == (1, keys.stream(new, 1, "stderr", digest_of(b"x")))
    assert aws.objects.get_object(Bucket=BUCKET, Key=str(row.stderr_key))["Body"].read() == b"x"
    assert row.attachments_key == keys.attachments(new, 1, digest_of(b"beside"))
    left = aws.objects.get_object(Bucket=BUCKET, Key=str(row.attachments_key))
    assert left["Body"].read() == b"beside"


def test_what_is_reused_is_no_state(aws: Aws, api: Api, ended: str) -> None:
    document = _redispatch_of(ended, {1: 1, 2: 2})
    _start(aws, api, document)
    page = load(
        aws.objects.get_object(Bucket=BUCKET, Key=keys.sheets(document["dispatch_id"], 0))[
            "Body"
        ].read()
    )
    assert list(page.sheets) == [4]
    assert page.sheets[4].inputs == (1, 2)
    item = store.find(document["dispatch_id"])
    assert item is not None
    assert item.electrons == {"local": 1}


def test_another_node_can_be_taken_over(aws: Aws, api: Api, ended: str) -> None:
    """Ids may shift from one dispatch to the next."""
    document = _redispatch_of(ended, {4: 1})
    _start(aws, api, document)
    copied = aws.objects.get_object(
        Bucket=BUCKET, Key=keys.output(document["dispatch_id"], 4, DIGEST)
    )
    assert copied["Body"].read() == LARGE


def test_what_did_not_complete_is_not_reused(api: Api, ended: str) -> None:
    for node in (4, 0):
        answer = api.post(DISPATCHES, _redispatch_of(ended, {4: node}))
        assert (answer.status, answer.body["code"]) == (409, "Conflict")
        assert f"node {node}" in answer.body["detail"]
    answer = api.post(DISPATCHES, _redispatch_of(ended, {4: 17}))
    assert (answer.status, answer.body["code"]) == (400, "InvalidWorkflow")


def test_a_dispatch_is_repeated_by_its_owner_only(api: Api, ended: str) -> None:
    """Not even by those it is shared with: they would own a copy of what may be hidden from them tomorrow."""
    sharing = f"{DISPATCHES}/{ended}/sharing"
    assert api.put(sharing, {"shared_with": [BOB]}).status == 200
    missing = manifest()["dispatch_id"]
    for parent in (ended, missing):
        answer = Api(BOB).post(DISPATCHES, _redispatch_of(parent, {1: 1}))
        assert (answer.status, answer.body["detail"]) == (404, f"there is no dispatch {parent}")


@pytest.mark.parametrize(
    "change", [{"redispatch_of": None}, {"reused": {0: 0}}, {"reused": {1: -1}}]
)
def test_malformed_manifests_are_refused(api: Api, ended: str, change: dict[str, Any]) -> None:
    document = _redispatch_of(ended, change.pop("reused", {1: 1})) | change
    assert api.post(DISPATCHES, document).status == 400


def test_what_is_gone_is_not_taken_over(aws: Aws, api: Api, ended: str) -> None:
    document = _redispatch_of(ended, {1: 1})
    upload(aws, api.post(DISPATCHES, document).body)
    aws.objects.delete_object(Bucket=BUCKET, Key=keys.output(ended, 1, DIGEST))
    answer = api.post(f"{DISPATCHES}/{document['dispatch_id']}/start")
    assert (answer.status, answer.body["code"]) == (409, "Conflict")
    assert api.get(f"{DISPATCHES}/{document['dispatch_id']}").status == 404


def test_what_was_cut_short_goes_on(
    aws: Aws, api: Api, ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = Manifest.model_validate(_redispatch_of(ended, {1: 1, 2: 2}))
    monkeypatch.setattr(reuse, "BATCH", 1)
    times = iter([0.0, 1.0, 100.0])
    with pytest.raises(Unavailable, match="start it again"):
        reuse.take_over(aws, document, lambda: next(times))
    new = document.dispatch_id
    assert len(list(store.outcomes(new))) == 1
    (before,) = store.nodes(new, {1, 2}).values()
    reuse.take_over(aws, document)
    after = store.nodes(new, {1, 2})
    assert len(after) == 2
    assert after[before.node].started == before.started, "what is there is not written again"


def test_no_reads_where_nothing_is_reused(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NodeItem, "query", lambda *_, **__: pytest.fail("a query"))
    monkeypatch.setattr(store, "find", lambda _: pytest.fail("a read"))
    plain = Manifest.model_validate(manifest())
    reuse.check("alice", plain)
    reuse.take_over(aws, plain)
