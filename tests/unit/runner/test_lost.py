"""An execution ended by itself: what becomes of the electrons that it had to run."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from covalent_contracts import keys
from covalent_contracts.envelope import Lost
from covalent_contracts.sheet import Light, Page, Sheet
from covalent_contracts.status import Status
from covalent_runner.lambda_handler import handle
from covalent_runner.lost import lost
from covalent_runner.report import explained
from covalent_runner.store import Gate, Outcome, Record

from .conftest import DISPATCH_ID, OWNER, Dispatch

RUNNING = {"status": {"S": "RUNNING"}, "started": {"N": "5"}, "attempt": {"N": "0"}}
FAILED = {"status": {"S": "FAILED"}, "error": {"S": "why"}}


def chain(dispatch: Dispatch) -> None:
    """0 -> 1 -> 2 inside; 3 and 4, behind gates, are elsewhere: 0 -> 3, 2 -> 4; 5 is a stranger with a gate."""
    dispatch.add(0, children=(1, 3), releases=(3,))
    dispatch.add(1, inputs=(0,), children=(2,))
    dispatch.add(2, inputs=(1,), children=(4,), releases=(4,))
    for node in (3, 4, 5):
        dispatch.add(node, gated=True)
        dispatch.wait(node, 1, f"token {node}")


def test_all_completed_only_arrive_once_more(dispatch: Dispatch) -> None:
    chain(dispatch)
    for node in (0, 1, 2):
        dispatch.complete(node, node)
    dispatch.lost(0, 1, 2, error="States.TaskFailed")
    assert sorted(dispatch.store.released) == ["token 3", "token 4"]
    assert dispatch.store.refused == []
    assert not dispatch.has_failed


def test_one_that_ran_is_failed_and_its_descendants_are_doomed(dispatch: Dispatch) -> None:
    chain(dispatch)
    dispatch.complete(0, 0)
    dispatch.set_record(1, **RUNNING)
    cause = {"ExecutionArn": "arn", "Status": "TIMED_OUT", "Error": "States.Timeout", "Input": "{}"}
    dispatch.lost(0, 1, 2, error="States.TaskFailed", cause=json.dumps(cause))
    item = dispatch.item(1)
    assert (item["status"], item["started"]) == ("FAILED", "5")
    assert item["error"] == (
        "States.TaskFailed: the nested execution ended TIMED_OUT: States.Timeout"
    )
    assert dispatch.item(2) == {}
    assert dispatch.has_failed
    assert dispatch.store.released == ["token 3"]
    assert dispatch.store.refused == [("token 4", "UpstreamFailed")]


def test_one_that_could_have_started_is_failed(dispatch: Dispatch) -> None:
    chain(dispatch)
    dispatch.complete(0, 0)
    dispatch.lost(0, 1, 2)
    assert dispatch.status(1) == "FAILED"
    assert dispatch.error(1) == "the electron's execution ended before it did"
    assert dispatch.item(2) == {}


def test_one_that_failed_is_left_as_it_is_and_doomed_again(dispatch: Dispatch) -> None:
    """Its report may have been cut short by the end of the execution."""
    chain(dispatch)
    dispatch.complete(0, 0)
    dispatch.set_record(1, **FAILED)
    before = dispatch.item(1)
    dispatch.lost(0, 1, 2, error="States.TaskFailed")
    assert dispatch.item(1) == before
    assert dispatch.item(2) == {}
    assert dispatch.has_failed
    assert dispatch.store.refused == [("token 4", "UpstreamFailed")]


@pytest.mark.parametrize("record", [None, FAILED])
def test_one_that_never_could_start_stays_unstarted(
    dispatch: Dispatch, record: dict[str, Any] | None
) -> None:
    """What it needs is elsewhere, and will never come; what needs it must not wait for it."""
    chain(dispatch)
    if record:
        dispatch.set_record(0, **record)
    dispatch.lost(1, 2, error="States.TaskFailed")
    assert dispatch.item(1) == dispatch.item(2) == {}
    assert dispatch.has_failed
    assert dispatch.store.refused == [("token 4", "UpstreamFailed")]
    assert dispatch.store.released == []


def test_one_whose_parent_still_runs_elsewhere_is_failed(dispatch: Dispatch) -> None:
    """It stood at its gate when the execution ended: nobody else would tell what became of it."""
    chain(dispatch)
    dispatch.set_record(0, **RUNNING)
    dispatch.lost(1, 2, error="States.TaskFailed", cause="history is full")
    assert dispatch.status(0) == "RUNNING"
    assert dispatch.error(1) == "States.TaskFailed: history is full"
    assert dispatch.item(2) == {}


def test_one_whose_own_light_node_failed_stays_unstarted(dispatch: Dispatch) -> None:
    dispatch.add(0)
    dispatch.add(2, inputs=(0,), before=(Light(1, "item", inputs=(0, 0)),))
    dispatch.complete(0, 0)
    dispatch.set_record(1, **FAILED)
    dispatch.lost(0, 2, error="States.TaskFailed")
    assert dispatch.item(2) == {}


def test_one_with_a_light_node_that_was_never_computed_is_failed(dispatch: Dispatch) -> None:
    dispatch.add(0)
    dispatch.add(2, inputs=(0,), before=(Light(1, "item", inputs=(0, 0)),))
    dispatch.complete(0, 0)
    dispatch.lost(0, 2)
    assert dispatch.status(2) == "FAILED"


def test_the_traceback_of_the_last_failed_try_is_kept(dispatch: Dispatch) -> None:
    dispatch.add(0)
    dispatch.set_record(0, **RUNNING, error={"S": "ValueError: why"}, failures={"N": "2"})
    dispatch.lost(0, error="States.TaskFailed")
    assert (dispatch.error(0), dispatch.item(0)["failures"]) == ("ValueError: why", "2")


def test_a_process_that_commits_meanwhile_wins(dispatch: Dispatch) -> None:
    """Then what needs its result could have run, and is what was lost."""
    chain(dispatch)
    dispatch.complete(0, 0)
    dispatch.set_record(1, **RUNNING)
    commit_each = dispatch.store.commit_each

    def overtaken(dispatch_id: str, outcomes: Sequence[Outcome]) -> Sequence[bool]:
        if outcomes[0].node == 1:
            dispatch.complete(1, 1)
        return commit_each(dispatch_id, outcomes)

    vars(dispatch.store)["commit_each"] = overtaken
    dispatch.lost(0, 1, 2)
    assert [dispatch.status(node) for node in (0, 1, 2)] == ["COMPLETED", "COMPLETED", "FAILED"]
    assert dispatch.store.refused == [("token 4", "UpstreamFailed")]


def test_a_process_that_commits_too_late_loses(dispatch: Dispatch) -> None:
    from covalent_runner.errors import ElectronFailed

    def slow() -> int:
        return 1

    dispatch.add(0, slow, children=(3,), releases=(3,))
    dispatch.add(3, gated=True)
    dispatch.wait(3, 1, "token")
    commit = dispatch.store.commit

    def overtaken(*args: Any, **more: Any) -> bool:
        del vars(dispatch.store)["commit"]
        dispatch.lost(0, error="States.TaskFailed")
        return commit(*args, **more)

    vars(dispatch.store)["commit"] = overtaken
    with pytest.raises(ElectronFailed, match="had failed"):
        dispatch.run(0)
    assert dispatch.status(0) == "FAILED"
    assert dispatch.store.released == []
    assert dispatch.store.refused == [("token", "UpstreamFailed")]


class Died(BaseException):
    """The function's time was up."""


@pytest.mark.parametrize("last", ["commit_each", "mark_failed", "doom", "arrive"])
def test_a_delivery_that_was_cut_short_is_made_good_by_the_next(
    dispatch: Dispatch, last: str
) -> None:
    chain(dispatch)
    dispatch.complete(0, 0)
    dispatch.set_record(1, **RUNNING)
    do = getattr(dispatch.store, last)

    def die(*args: Any) -> None:
        do(*args)
        raise Died

    vars(dispatch.store)[last] = die
    with pytest.raises(Died):
        dispatch.lost(0, 1, 2)
    del vars(dispatch.store)[last]
    before = dispatch.item(1)
    dispatch.lost(0, 1, 2)
    assert dispatch.item(1) == before
    assert dispatch.item(2) == {}
    assert dispatch.has_failed
    assert set(dispatch.store.released) == {"token 3"}
    assert set(dispatch.store.refused) == {("token 4", "UpstreamFailed")}


class Counting:
    """A store in memory that counts what it is asked."""

    def __init__(self, sheets: Mapping[int, Sheet], records: Mapping[int, Record]) -> None:
        self.sheets = sheets
        self.held = dict(records)
        self.calls: list[str] = []

    def page(self, dispatch_id: str, page: int) -> Page:
        return Page(dispatch_id, dispatch_id, OWNER, "3.11", self.sheets)

    def records(self, _: str, nodes: Collection[int]) -> dict[int, Record]:
        if nodes:
            self.calls.append("records")
        return {node: self.held[node] for node in nodes if node in self.held}

    def commit_each(self, _: str, outcomes: Sequence[Outcome]) -> list[bool]:
        self.calls.append("commit_each")
        self.held.update((each.node, Record(each.status)) for each in outcomes)
        return [True] * len(outcomes)

    def mark_failed(self, _: str) -> None:
        self.calls.append("mark_failed")

    def arrive(self, _: str, arrivals: Mapping[int, Collection[int]]) -> list[Gate]:
        self.calls.append(f"arrive of {[len(parents) for parents in arrivals.values()]}")
        return [Gate(node, frozenset(parents)) for node, parents in arrivals.items()]

    def doom(self, _: str, nodes: Collection[int]) -> list[Gate]:
        self.calls.append(f"doom {len(nodes)}")
        return [Gate(node, failed=True) for node in nodes]


WIDTH = 5_000


@pytest.fixture(scope="module")
def wide() -> dict[int, Sheet]:
    """5,000 rows of two electrons, all of which release one gate elsewhere."""
    gate = 2 * WIDTH
    sheets = {gate: Sheet(gate, "gated", gated=True)}
    for row in range(WIDTH):
        first, second = 2 * row, 2 * row + 1
        sheets[first] = Sheet(first, "first", children=(second,))
        sheets[second] = Sheet(
            second, "second", inputs=(first,), children=(gate,), releases=(gate,)
        )
    return sheets


def test_ten_thousand_completed_electrons_are_settled_with_two_calls(wide: Any) -> None:
    store: Any = Counting(wide, dict.fromkeys(range(2 * WIDTH), Record(Status.COMPLETED)))
    lost(store, Lost(DISPATCH_ID, tuple(range(2 * WIDTH)), "", ""))
    assert store.calls == ["records", f"arrive of [{WIDTH}]"]


def test_ten_thousand_lost_electrons_are_settled_with_a_few_calls(wide: Any) -> None:
    store: Any = Counting(wide, {})
    lost(store, Lost(DISPATCH_ID, tuple(range(2 * WIDTH)), "States.TaskFailed", ""))
    assert store.calls == ["records", "commit_each", "mark_failed", "doom 1"]
    assert store.held == dict.fromkeys(range(0, 2 * WIDTH, 2), Record(Status.FAILED))


def test_many_commits_and_arrivals_on_dynamodb(dispatch: Dispatch) -> None:
    """More than one batch of records, and more than one page of sheets."""
    nodes = range(0, 3 * keys.SHEETS_PER_PAGE, 3)
    for node in nodes:
        dispatch.add(node, children=(1,), releases=(1,))
    dispatch.add(1, gated=True)
    dispatch.wait(1, len(nodes), "token")
    for node in nodes[:128]:
        dispatch.complete(node, node)
    dispatch.lost(*nodes, error="States.TaskFailed")
    found = dispatch.store.records(DISPATCH_ID, nodes)
    assert [found[node].status for node in nodes] == ["COMPLETED"] * 128 + ["FAILED"] * 128
    gate = dispatch.raw_item("G#0000001")
    assert {int(node) for node in gate["arrived"]} == set(nodes[:128])
    assert set(dispatch.store.refused) == {("token", "UpstreamFailed")}


@pytest.mark.parametrize(
    ("error", "cause", "expected"),
    [
        ("", "", "the electron's execution ended before it did"),
        ("States.Timeout", "", "States.Timeout"),
        ("States.TaskFailed", '{"ExecutionArn": "a", "Status": "ABORTED"}',
         "States.TaskFailed: the nested execution ended ABORTED"),
        ("", "why", "why"),
    ],
)  # fmt: skip
def test_causes_in_words(error: str, cause: str, expected: str) -> None:
    assert explained(Lost(DISPATCH_ID, (0,), error, cause), Sheet(0, "x", time_limit=3)) == expected


def test_nothing_to_settle(dispatch: Dispatch) -> None:
    handle(dispatch.store, Lost(DISPATCH_ID, (), "", ""), lambda: 30.0)
    assert not dispatch.has_failed
