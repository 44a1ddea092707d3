from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts.status import Status
from covalent_runner import aws_items, aws_table
from covalent_runner.aws_store import AwsStore
from covalent_runner.aws_table import Table
from covalent_runner.cache import Cache
from covalent_runner.store import Outcome, Output

from .conftest import BUCKET, DISPATCH_ID, TABLE, Dispatch


class Client:
    """Answers one prepared reply after the other."""

    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)
        self.requests: list[Any] = []

    def _reply(self, **request: Any) -> Any:
        self.requests.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    batch_get_item = transact_write_items = send_task_success = send_task_failure = _reply


def refusal(code: str, *reasons: str) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": ""},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return ClientError(response, "Operation")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("covalent_runner.aws_table.time.sleep", lambda _: None)


def item(node: int) -> dict[str, Any]:
    return {**aws_items.node_key(DISPATCH_ID, node), "status": {"S": "COMPLETED"}}


def test_unprocessed_keys_are_asked_for_again() -> None:
    keys = [aws_items.node_key(DISPATCH_ID, node) for node in (1, 2)]
    client: Any = Client(
        {"Responses": {"t": [item(1)]}, "UnprocessedKeys": {"t": {"Keys": keys[1:]}}},
        {"Responses": {"t": [item(2)]}, "UnprocessedKeys": {}},
    )
    assert Table(client, "t").batch(keys) == [item(1), item(2)]
    assert client.requests[1]["RequestItems"]["t"]["Keys"] == keys[1:]
    assert client.requests[1]["RequestItems"]["t"]["ConsistentRead"] is True


def test_a_batch_is_given_up_some_day() -> None:
    unprocessed = {"Responses": {}, "UnprocessedKeys": {"t": {"Keys": [1]}}}
    client: Any = Client(*[unprocessed] * aws_table.ROUNDS)
    with pytest.raises(TimeoutError):
        Table(client, "t").batch([{}])


def test_a_transaction_in_conflict_is_tried_again() -> None:
    conflict = refusal("TransactionCanceledException", "None", "TransactionConflict")
    client: Any = Client(conflict, refusal("TransactionConflictException"), {})
    assert Table(client, "t").together([{}, {}])
    lost = refusal("TransactionCanceledException", "ConditionalCheckFailed", "TransactionConflict")
    assert not Table(Client(lost), "t").together([{}])  # type: ignore[arg-type]
    with pytest.raises(TimeoutError):
        Table(Client(*[conflict] * aws_table.ROUNDS), "t").together([{}])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error",
    [
        refusal("ValidationException"),
        refusal("TransactionCanceledException", "ItemCollectionSizeLimitExceeded"),
    ],
)
def test_other_errors_are_not_swallowed(error: ClientError) -> None:
    with pytest.raises(ClientError):
        Table(Client(error), "t").together([{}])  # type: ignore[arg-type]


def test_a_token_that_is_used_up_is_ignored() -> None:
    store = AwsStore(TABLE, BUCKET)
    client = Client(refusal("TaskTimedOut"), refusal("TaskDoesNotExist"), refusal("Throttled"))
    vars(store)["_states"] = client
    store.release("token")
    store.refuse("token", "UpstreamFailed", "why")
    with pytest.raises(ClientError):
        store.release("token")


def test_a_final_record_never_changes(dispatch: Dispatch) -> None:
    for final in (Status.COMPLETED, Status.FAILED, Status.CANCELLED):
        dispatch.set_record(0, status={"S": final.value})
        for late in (Status.COMPLETED, Status.FAILED):
            assert not dispatch.store.commit(DISPATCH_ID, Outcome(0, late, ended=1))
            light = Outcome(1, Status.COMPLETED, ended=1)
            assert not dispatch.store.commit(DISPATCH_ID, Outcome(0, late, ended=1), [light])
        assert not dispatch.store.claim(DISPATCH_ID, 0, 99, 1).won
        assert dispatch.status(0) == final
        assert dispatch.item(1) == {}


@pytest.mark.parametrize("earlier", Status.RUNNING.earlier)
def test_a_node_may_be_claimed_from_any_earlier_status(dispatch: Dispatch, earlier: Status) -> None:
    dispatch.set_record(0, status={"S": earlier.value})
    claim = dispatch.store.claim(DISPATCH_ID, 0, 0, 7)
    assert claim.won
    assert dispatch.item(0)["started"] == "7"


def test_records_come_back_as_they_were_written(dispatch: Dispatch) -> None:
    output = Output("d" * 64, 3, "bytes", b"abc")
    dispatch.store.commit(DISPATCH_ID, Outcome(3, Status.COMPLETED, 2, 1, output, failures=4))
    found = dispatch.store.records(DISPATCH_ID, [3, 4, 3])
    assert list(found) == [3]
    assert (found[3].output, found[3].failures) == (output, 4)


def test_objects_that_do_not_exist_are_left_out(dispatch: Dispatch) -> None:
    dispatch.put("there", b"1")
    assert dispatch.store.objects(["there", "nowhere"]) == {"there": b"1"}
    dispatch.put("there", b"2")
    assert dispatch.store.objects(["there"]) == {"there": b"1"}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60))))
def test_a_cache_is_bounded_and_never_lies(steps: list[tuple[int, int]]) -> None:
    cache: Cache[int] = Cache(100)
    last: dict[int, int] = {}
    for key, weight in steps:
        cache.put(key, weight, weight)
        if weight <= 25:
            last[key] = weight
            assert cache.get(key) == weight
        assert cache.weight <= 100
        assert cache.get(key) in (None, last.get(key))
    assert cache.weight == sum(weight for _, weight in cache._held.values())


def test_a_cache_lets_the_oldest_go() -> None:
    cache: Cache[str] = Cache(100)
    for key in "abcd":
        cache.put(key, key, 25)
    cache.get("a")
    cache.put("e", "e", 25)
    assert [cache.get(key) for key in "abcde"] == ["a", None, "c", "d", "e"]


def test_a_commit_that_replaces_the_item_keeps_what_the_claim_wrote(dispatch: Dispatch) -> None:
    claim = dispatch.store.claim(DISPATCH_ID, 0, 0, 7)
    outcome = Outcome(0, Status.COMPLETED, ended=9)
    assert dispatch.store.commit(DISPATCH_ID, outcome, claim=claim)
    item = dispatch.item(0)
    assert (item["started"], item["ended"], item["attempt"]) == ("7", "9", "0")


def test_the_first_commit_wins_also_after_a_later_claim(dispatch: Dispatch) -> None:
    slow = dispatch.store.claim(DISPATCH_ID, 0, 0, 7)
    quick = dispatch.store.claim(DISPATCH_ID, 0, 1, 8)
    assert slow.won
    assert quick.won
    assert dispatch.store.commit(DISPATCH_ID, Outcome(0, Status.COMPLETED, 9), claim=slow)
    assert not dispatch.store.commit(DISPATCH_ID, Outcome(0, Status.FAILED, 9), claim=quick)
    item = dispatch.item(0)
    assert (item["status"], item["started"], item["attempt"]) == ("COMPLETED", "7", "1")


def test_a_late_failure_is_not_noted(dispatch: Dispatch) -> None:
    dispatch.store.claim(DISPATCH_ID, 0, 0, 7)
    dispatch.store.claim(DISPATCH_ID, 0, 1, 8)
    late = Outcome(0, Status.RUNNING, 9, error="late", failures=1)
    assert not dispatch.store.note_failure(DISPATCH_ID, late, 0)
    assert dispatch.error(0) == ""
