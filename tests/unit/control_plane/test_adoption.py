"""Dispatches of sublattices: what is made of what a runner has built."""

import json
from typing import Any

import pytest
from tests.unit.control_plane.conftest import (
    BOB,
    BUCKET,
    LAB,
    Api,
    Dispatched,
    asset,
    manifest,
    table,
)

from covalent_contracts import keys, records
from covalent_contracts.errors import (
    Conflict,
    InvalidWorkflow,
    LimitExceeded,
    NotFound,
    Unavailable,
)
from covalent_contracts.ids import owner_of, sub_dispatch_id
from covalent_contracts.status import Status
from covalent_control_plane import (
    application,
    children,
    dispatches,
    finish,
    interrupted,
    machines,
    store,
    sweep,
)
from covalent_control_plane.adoption import adopt
from covalent_control_plane.aws import Aws
from covalent_control_plane.items import NodeItem

DISPATCHES = "/api/v1/dispatches"
NODE = 2


@pytest.fixture(autouse=True)
def nothing_remembered(aws: Aws) -> None:
    aws.machines.clear()


def parent_of(dispatched: Dispatched) -> str:
    """A dispatch whose node 2 is a sublattice."""
    nodes = manifest()["nodes"]
    nodes[NODE]["kind"] = "sublattice"
    return dispatched(nodes=nodes)


def record(identifier: str, status: str = "DISPATCHING", **attributes: Any) -> None:
    key = {"pk": records.dispatch_pk(identifier), "sk": records.node_sk(NODE)}
    table().put_item(Item=key | {"status": status, "started": 5} | attributes)


def built(aws: Aws, parent: str, **changes: Any) -> str:
    """What the runner leaves behind; gives the id of the sublattice's dispatch."""
    child = sub_dispatch_id(parent, NODE)
    document = manifest(dispatch_id=child, root_dispatch_id=child) | changes
    put(aws, keys.sub_manifest(parent, NODE), json.dumps(document).encode())
    record(parent)
    return child


def put(aws: Aws, key: str, body: bytes) -> None:
    aws.objects.put_object(Bucket=BUCKET, Key=key, Body=body)


def node_of(identifier: str) -> NodeItem:
    return store.nodes(identifier, [NODE])[NODE]


@pytest.fixture
def parent(dispatched: Dispatched) -> str:
    return parent_of(dispatched)


def test_the_dispatch_belongs_to_its_parents_owner_and_root(
    aws: Aws, api: Api, parent: str
) -> None:
    child = built(aws, parent)
    assert adopt(aws, parent, NODE).dispatch_id == child
    shown = api.get(f"{DISPATCHES}/{child}").body
    assert (shown["root_dispatch_id"], shown["parent"], shown["parent_node"]) == (
        parent,
        parent,
        NODE,
    )
    assert (shown["status"], shown["nodes"]) == ("RUNNING", 6)
    assert shown["started"] == shown["created"]
    item = store.find(child)
    assert item is not None
    assert item.depth == 1


def test_one_in_it_has_the_same_root(aws: Aws, api: Api, parent: str) -> None:
    nodes = manifest()["nodes"]
    nodes[NODE]["kind"] = "sublattice"
    child = built(aws, parent, nodes=nodes)
    adopt(aws, parent, NODE)
    grandchild = built(aws, child)
    adopt(aws, child, NODE)
    shown = api.get(f"{DISPATCHES}/{grandchild}").body
    assert (shown["root_dispatch_id"], shown["parent"]) == (parent, child)


def test_its_machine_is_there_and_its_documents(aws: Aws, parent: str) -> None:
    child = built(aws, parent)
    adopted = adopt(aws, parent, NODE)
    found = aws.states.describe_state_machine(stateMachineArn=adopted.machine)
    assert found["status"] == "ACTIVE"
    for key in (keys.manifest(child), keys.machines(child), keys.sheets(child, 0)):
        assert aws.objects.head_object(Bucket=BUCKET, Key=key)
    assert aws.states.list_executions(stateMachineArn=adopted.machine)["executions"] == []


def test_the_parents_node_names_it(aws: Aws, api: Api, parent: str) -> None:
    child = built(aws, parent)
    adopt(aws, parent, NODE)
    nodes = api.post(f"{DISPATCHES}/{parent}/nodes", {"ids": [NODE]}).body["nodes"]
    assert (nodes[0]["status"], nodes[0]["sub_dispatch_id"]) == ("DISPATCHING", child)


def test_the_handler_answers_what_the_next_state_calls(aws: Aws, parent: str) -> None:
    child = built(aws, parent)
    answer = application.adopt({"dispatch_id": parent, "node": NODE}, None)
    assert answer["dispatch_id"] == child
    assert answer["machine"].startswith("arn:aws:states:eu-west-1:123456789012:stateMachine:")


def test_twice_is_the_same_as_once(aws: Aws, parent: str) -> None:
    built(aws, parent)
    first = adopt(aws, parent, NODE)
    before = store.find(first.dispatch_id)
    assert before is not None
    record(parent, "COMPLETED", sub_dispatch_id=first.dispatch_id)
    assert adopt(aws, parent, NODE) == first
    after = store.find(first.dispatch_id)
    assert after is not None
    assert after.attribute_values == before.attribute_values


def test_only_roots_are_listed(aws: Aws, api: Api, parent: str) -> None:
    built(aws, parent)
    adopt(aws, parent, NODE)
    listed = api.get(DISPATCHES).body["dispatches"]
    assert [each["dispatch_id"] for each in listed] == [parent]


def test_who_may_read_the_root_may_read_it(aws: Aws, api: Api, parent: str) -> None:
    child = built(aws, parent)
    adopt(aws, parent, NODE)
    bob = Api(BOB)
    assert bob.get(f"{DISPATCHES}/{child}").status == 404
    assert store.share(parent, owner_of(api.principal), [LAB])
    assert bob.get(f"{DISPATCHES}/{child}").status == 200
    assert Api(f"{api.principal}x").get(f"{DISPATCHES}/{child}").status == 404


def test_it_inherits_readers(aws: Aws, api: Api, parent: str) -> None:
    assert store.share(parent, owner_of(api.principal), [LAB])
    child = built(aws, parent)
    adopt(aws, parent, NODE)
    item = store.find(child)
    assert item is not None
    assert item.shared_with == {LAB}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dispatch_id": "6f5902ac-2372-4d3c-a3ad-9d2f0c0e5a11"}, "another dispatch"),
        ({"redispatch_of": "6f5902ac-2372-4d3c-a3ad-9d2f0c0e5a11"}, "reuses another dispatch"),
        ({"nodes": [], "edges": []}, "does not end with what it returns"),
        ({"nodes": manifest()["nodes"][:2], "edges": []}, "does not end"),
        ({"edges": [{"source": 0, "target": 99, "kind": "arg"}]}, "malformed"),
        ({"uploads": [asset(), asset(b"absent")]}, "1 objects .* missing"),
        ({"python": "2.7.18"}, "no runner for Python 2.7"),
        ({"executors": {"x": {"name": "none-such"}}}, "no executor named"),
    ],
)
def test_what_cannot_run_is_refused(
    aws: Aws, parent: str, changes: dict[str, Any], message: str
) -> None:
    child = built(aws, parent, **changes)
    with pytest.raises(InvalidWorkflow, match=message):
        adopt(aws, parent, NODE)
    assert store.find(child) is None


def test_nothing_built_and_no_parent(aws: Aws, parent: str) -> None:
    with pytest.raises(NotFound, match=r"sub/manifest\.json"):
        adopt(aws, parent, NODE)
    with pytest.raises(NotFound, match="no dispatch"):
        adopt(aws, sub_dispatch_id(parent, 0), NODE)


def test_a_recursion_without_end_has_one(aws: Aws, parent: str) -> None:
    built(aws, parent)
    table().update_item(
        Key={"pk": records.dispatch_pk(parent), "sk": records.DISPATCH},
        UpdateExpression="SET #d = :d",
        ExpressionAttributeNames={"#d": "depth"},
        ExpressionAttributeValues={":d": 256},
    )
    with pytest.raises(LimitExceeded, match="must come to an end"):
        adopt(aws, parent, NODE)


def test_an_id_that_is_taken_is_refused(aws: Aws, parent: str, dispatched: Dispatched) -> None:
    child = built(aws, parent)
    dispatched(dispatch_id=child)
    with pytest.raises(Conflict, match="belongs to another"):
        adopt(aws, parent, NODE)


@pytest.mark.parametrize("status", ["CANCELLED", "FAILED"])
def test_a_node_that_has_ended_gets_no_execution(aws: Aws, parent: str, status: str) -> None:
    child = built(aws, parent)
    record(parent, status)
    with pytest.raises(Conflict, match="has ended"):
        adopt(aws, parent, NODE)
    item = store.find(child)
    assert item is not None
    assert item.state is Status.CANCELLED


def test_a_parent_that_was_cancelled_meanwhile_takes_it_along(aws: Aws, parent: str) -> None:
    child = built(aws, parent)
    store.advance(parent, Status.CANCELLED)
    with pytest.raises(Conflict):
        adopt(aws, parent, NODE)
    item = store.find(child)
    assert item is not None
    assert item.state is Status.CANCELLED


def test_when_aws_is_busy_the_state_tries_again(
    aws: Aws, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    def busy(*_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "CreateStateMachine")

    built(aws, parent)
    monkeypatch.setattr(machines, "ensure", busy)
    with pytest.raises(Unavailable):
        adopt(aws, parent, NODE)
    monkeypatch.undo()
    assert adopt(aws, parent, NODE).dispatch_id


def test_a_machine_seen_once_is_not_looked_for_again(
    aws: Aws, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(aws, parent)
    adopt(aws, parent, NODE)
    monkeypatch.setattr(machines, "_exists", lambda *_: pytest.fail("looked for"))
    adopt(aws, parent, NODE)


class TestTheEnd:
    def test_its_own_execution_ends_it(self, aws: Aws, api: Api, parent: str) -> None:
        child = built(aws, parent)
        adopted = adopt(aws, parent, NODE)
        detail = {"name": child, "stateMachineArn": adopted.machine, "status": "SUCCEEDED"}
        assert finish.finish(aws, detail) is not None
        assert api.get(f"{DISPATCHES}/{child}").body["status"] == "COMPLETED"

    def test_one_whose_execution_never_began_ends_with_its_parent(
        self, aws: Aws, parent: str
    ) -> None:
        child = built(aws, parent)
        adopt(aws, parent, NODE)
        record(parent, "FAILED", error="not started", sub_dispatch_id=child)
        self._fail(aws, parent)
        item = store.find(child)
        assert item is not None
        assert (item.state, item.error) == (Status.FAILED, children.NEVER_BEGAN)

    def test_one_that_runs_is_left_to_its_own_end(self, aws: Aws, parent: str) -> None:
        child = built(aws, parent)
        adopted = adopt(aws, parent, NODE)
        aws.states.start_execution(stateMachineArn=adopted.machine, name=child, input="{}")
        record(parent, "FAILED", error="x", sub_dispatch_id=child)
        self._fail(aws, parent)
        item = store.find(child)
        assert item is not None
        assert item.state is Status.RUNNING

    def test_dispatching_nodes_end_with_an_execution_that_was_aborted(
        self, aws: Aws, parent: str
    ) -> None:
        built(aws, parent)
        self._fail(aws, parent, "ABORTED")
        assert node_of(parent).state is Status.FAILED

    @pytest.mark.parametrize("what", ["dispatch", "node", "nothing"])
    def test_one_that_is_stopped_because_it_was_cancelled_around_it(
        self, aws: Aws, parent: str, what: str
    ) -> None:
        nodes = manifest()["nodes"]
        nodes[NODE]["kind"] = "sublattice"
        child = built(aws, parent, nodes=nodes)
        adopt(aws, parent, NODE)
        grandchild = built(aws, child)
        adopted = adopt(aws, child, NODE)
        if what == "dispatch":
            store.advance(parent, Status.CANCELLED)
        if what == "node":
            record(parent, "CANCELLED", sub_dispatch_id=child)
        record(grandchild, "RUNNING")
        detail = {"name": grandchild, "stateMachineArn": adopted.machine, "status": "ABORTED"}
        moved = finish.finish(aws, detail)
        expected = Status.FAILED if what == "nothing" else Status.CANCELLED
        assert moved is not None
        assert (moved.state, node_of(grandchild).state) == (expected, expected)

    def test_a_crash_ends_parent_and_child(self, aws: Aws, parent: str) -> None:
        child = built(aws, parent)
        adopt(aws, parent, NODE)
        assert set(interrupted.fail_interrupted("crashed")) == {parent, child}
        assert node_of(parent).error == "crashed"

    @staticmethod
    def _fail(aws: Aws, identifier: str, status: str = "SUCCEEDED") -> None:
        table().update_item(
            Key={"pk": records.dispatch_pk(identifier), "sk": records.DISPATCH},
            UpdateExpression="SET has_failed = :yes",
            ExpressionAttributeValues={":yes": True},
        )
        item = dispatches.owned(owner_of(Api().principal), identifier)
        detail = {
            "name": identifier,
            "stateMachineArn": aws.machine_arn(item.machine),
            "status": status,
        }
        assert finish.finish(aws, detail) is not None


def test_a_machine_with_sublattices_can_be_swept(aws: Aws, parent: str) -> None:
    item = store.find(parent)
    assert item is not None
    found = aws.states.describe_state_machine(stateMachineArn=aws.machine_arn(item.machine))
    assert "$.kept.machine" in found["definition"]
    assert sweep.parts_of(found["definition"]) == ()


def test_ids_are_the_same_each_time_and_differ_by_node(parent: str) -> None:
    assert sub_dispatch_id(parent, 1) == sub_dispatch_id(parent, 1)
    assert sub_dispatch_id(parent, 1) != sub_dispatch_id(parent, 2)
