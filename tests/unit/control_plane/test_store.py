from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covalent_contracts import records
from covalent_contracts.ids import new_dispatch_id
from covalent_contracts.status import Status
from covalent_control_plane import items, store
from covalent_control_plane.aws import Aws

pytestmark = pytest.mark.usefixtures("aws")


def _dispatch(status: Status = Status.NEW_OBJECT) -> str:
    identifier = new_dispatch_id()
    item = items.DispatchItem(
        records.dispatch_pk(identifier),
        owner="alice",
        created=1,
        status=status.value,
        name="workflow",
        root_dispatch_id=identifier,
        nodes=1,
        manifest="m",
        machine="covalent-1",
    )
    assert store.appear(item)
    assert not store.appear(item)
    return identifier


def _furthest(moves: Iterable[Status]) -> Status:
    state = Status.NEW_OBJECT
    for move in moves:
        state = move if state.may_become(move) else state
    return state


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(moves=st.lists(st.sampled_from(list(Status)), max_size=6))
def test_a_dispatch_only_moves_forward(aws: Aws, moves: list[Status]) -> None:
    identifier = _dispatch()
    for move in moves:
        before = store.find(identifier)
        moved = store.advance(identifier, move, error=f"moved to {move}")
        assert before is not None
        assert (moved is not None) == before.state.may_become(move)
        assert moved is None or moved.state is move
    after = store.find(identifier)
    assert after is not None
    assert after.state is _furthest(moves)


def test_what_is_not_there_is_not_moved_into_being() -> None:
    identifier = new_dispatch_id()
    assert store.advance(identifier, Status.RUNNING) is None
    assert not store.advance_node(identifier, 0, Status.FAILED)
    assert store.find(identifier) is None


def test_a_move_gives_the_whole_item() -> None:
    moved = store.advance(_dispatch(), Status.RUNNING, started=7)
    assert moved is not None
    assert (moved.owner, moved.started, moved.created) == ("alice", 7, 1)


def test_the_table_has_its_index_and_is_paid_per_request(aws: Aws) -> None:
    import boto3

    described = boto3.client("dynamodb").describe_table(TableName="covalent")["Table"]
    indexes = {each["IndexName"]: each for each in described["GlobalSecondaryIndexes"]}
    index = indexes[items.BY_OWNER]
    assert indexes.keys() == {items.BY_OWNER, items.BY_STARTING}
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert [each["AttributeName"] for each in index["KeySchema"]] == ["owner", "created"]
    assert [each["AttributeName"] for each in described["KeySchema"]] == [records.PK, records.SK]


def test_drafts_and_nodes_are_not_in_the_index() -> None:
    assert "owner" not in items.DraftItem._attributes["owner"].attr_path
    assert not hasattr(items.NodeItem, "owner")
