import json
from collections.abc import Collection, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covalent_contracts.sheet import Sheet
from covalent_runner import gates
from covalent_runner.errors import ElectronFailed
from covalent_runner.report import explained
from covalent_runner.store import Gate

from .conftest import DISPATCH_ID, Dispatch


@pytest.mark.parametrize("order", ["park first", "park between", "park last"])
def test_the_last_parent_or_the_parker_opens_the_gate(dispatch: Dispatch, order: str) -> None:
    dispatch.add(1, lambda: 1, releases=(9,))
    dispatch.add(2, lambda: 2, releases=(9,))
    steps: list[Any] = [lambda: dispatch.run(1), lambda: dispatch.run(2)]
    at = ["park first", "park between", "park last"].index(order)
    steps.insert(at, lambda: dispatch.wait(9, 2, "token"))
    for step in steps[:-1]:
        step()
        assert dispatch.store.released == []
    steps[-1]()
    assert dispatch.store.released == ["token"]
    assert dispatch.store.refused == []


class _Gates:
    """Gates in memory, atomic per call as DynamoDB's are."""

    def __init__(self) -> None:
        self.gates: dict[int, dict[str, Any]] = {}
        self.answers: list[str] = []

    def _change(self, node: int, **fields: Any) -> Gate:
        gate = self.gates.setdefault(node, {"node": node})
        gate.update(fields)
        return Gate(**gate)

    def park(self, dispatch_id: str, node: int, needs: int, token: str) -> Gate:
        return self._change(node, needs=needs, token=token)

    def arrive(self, dispatch_id: str, arrivals: Mapping[int, Collection[int]]) -> list[Gate]:
        return [
            self._change(n, arrived=self.gates.get(n, {}).get("arrived", frozenset()) | {*parents})
            for n, parents in arrivals.items()
        ]

    def doom(self, dispatch_id: str, nodes: list[int]) -> list[Gate]:
        return [self._change(node, failed=True) for node in nodes]

    def release(self, token: str) -> None:
        self.answers.append("released")

    def refuse(self, token: str, error: str, cause: str) -> None:
        self.answers.append(error)


@given(st.permutations(["park", 1, 2, 3, 4]), st.booleans(), st.integers(0, 4))
def test_any_order_opens_the_gate_exactly_when_all_are_there(
    order: list[Any], twice: bool, repeated: int
) -> None:
    from covalent_contracts.envelope import Wait

    store: Any = _Gates()
    parents = 0
    parked = False
    for step in order + ([order[repeated]] if twice else []):
        if step == "park":
            gates.wait(store, Wait(DISPATCH_ID, 9, 4, "token"))
            parked = True
        else:
            gates.arrive(store, DISPATCH_ID, Sheet(step, "parent", releases=(9,)))
            parents = len(store.gates[9]["arrived"])
        assert bool(store.answers) == (parked and parents == 4)


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.permutations(["park", 1, 2, 3]), st.integers(0, 1_000_000))
def test_dynamodb_keeps_arrivals_as_a_set(dispatch: Dispatch, order: list[Any], gate: int) -> None:
    dispatch.store.released.clear()
    for step in order:
        if step == "park":
            dispatch.wait(gate, 3, "token")
        else:
            gates.arrive(dispatch.store, DISPATCH_ID, Sheet(step, "parent", releases=(gate,)))
    assert dispatch.store.released[:1] == ["token"]


def boom() -> None:
    raise ValueError("why")


def family(dispatch: Dispatch) -> None:
    """0 -> 1 -> 300 (gated) -> 4 (gated); 5 (gated) is a stranger."""
    dispatch.add(0, boom, children=(1,))
    dispatch.add(1, lambda: 1, children=(300, 4))
    dispatch.add(300, lambda: 1, gated=True, children=(4,))
    dispatch.add(4, lambda: 1, gated=True)
    dispatch.add(5, lambda: 1, gated=True)
    for node in (300, 5):
        dispatch.wait(node, 2, f"token {node}")


def test_a_report_dooms_the_gates_of_descendants(dispatch: Dispatch) -> None:
    family(dispatch)
    with pytest.raises(ElectronFailed):
        dispatch.run(0)
    before = dispatch.item(0)
    dispatch.report(0, 1, error="ElectronFailed", cause="{}")
    assert dispatch.store.refused == [("token 300", "UpstreamFailed")]
    assert dispatch.item(0) == before
    assert dispatch.item(1) == {}
    dispatch.wait(4, 2, "token 4")
    assert dispatch.store.refused[1:] == [("token 4", "UpstreamFailed")]
    assert dispatch.store.released == []


def test_a_report_fails_the_first_that_is_not_completed(dispatch: Dispatch) -> None:
    family(dispatch)
    dispatch.complete(0, 1)
    dispatch.set_record(1, status={"S": "RUNNING"}, started={"N": "5"}, attempt={"N": "0"})
    cause = json.dumps({"errorMessage": "the worker was killed", "errorType": "Runtime.ExitError"})
    dispatch.report(0, 1, error="Runtime.ExitError", cause=cause)
    item = dispatch.item(1)
    assert (item["status"], item["started"]) == ("FAILED", "5")
    assert item["error"] == "Runtime.ExitError: the worker was killed"
    assert dispatch.has_failed
    assert dispatch.store.refused == [("token 300", "UpstreamFailed")]


def test_a_report_of_an_electron_that_never_started(dispatch: Dispatch) -> None:
    dispatch.add(0, boom)
    dispatch.report(0, error="Lambda.TooManyRequestsException", cause="Rate exceeded")
    assert dispatch.status(0) == "FAILED"
    assert dispatch.error(0) == "Lambda.TooManyRequestsException: Rate exceeded"


def test_a_report_of_an_upstream_failure_records_nothing(dispatch: Dispatch) -> None:
    family(dispatch)
    dispatch.report(0, error="UpstreamFailed", cause="")
    assert dispatch.item(0) == {}
    assert not dispatch.has_failed
    assert dispatch.store.refused == [("token 300", "UpstreamFailed")]


def test_a_report_keeps_the_traceback_of_the_last_failed_try(dispatch: Dispatch) -> None:
    """Step Functions counts time limits as tries too, so it may give up before the runner does."""
    dispatch.add(0, boom, retries=3)
    with pytest.raises(ElectronFailed):
        dispatch.run(0)
    dispatch.report(0, error="ElectronFailed", cause="{}")
    assert dispatch.status(0) == "FAILED"
    assert dispatch.error(0).endswith("ValueError: why")
    assert dispatch.item(0)["failures"] == "1"


def test_a_report_repeats_arrivals_that_were_lost(dispatch: Dispatch) -> None:
    dispatch.add(0, boom, releases=(9,))
    dispatch.complete(0, 1)
    dispatch.wait(9, 1, "token")
    dispatch.report(0, error="States.Timeout", cause="")
    assert dispatch.store.released == ["token"]
    assert dispatch.status(0) == "COMPLETED"
    assert not dispatch.has_failed


def test_a_repeated_run_repeats_arrivals_that_were_lost(dispatch: Dispatch) -> None:
    dispatch.add(0, boom, releases=(9,))
    dispatch.complete(0, 1)
    dispatch.wait(9, 1, "token")
    dispatch.run(0, attempt=1)
    assert dispatch.store.released == ["token"]


def test_a_second_report_sets_has_failed_again(dispatch: Dispatch) -> None:
    """A runner may die between the failing commit and the mark on the dispatch."""
    dispatch.add(0, boom)
    dispatch.set_record(0, status={"S": "FAILED"}, error={"S": "why"})
    dispatch.report(0, error="ElectronFailed", cause="{}")
    assert dispatch.has_failed


@pytest.mark.parametrize(
    ("error", "cause", "limit", "expected"),
    [
        (
            "States.Timeout",
            "",
            3.0,
            "States.Timeout: electron 0 did not end within its time limit of 3 s",
        ),
        ("Lambda.Unknown", "{not json", 0, "Lambda.Unknown: {not json"),
        ("Lambda.Unknown", "[1]", 0, "Lambda.Unknown: [1]"),
        ("", "", 0, "the electron's process was lost"),
    ],
)
def test_causes_in_words(error: str, cause: str, limit: float, expected: str) -> None:
    from covalent_contracts.envelope import Report

    event = Report(DISPATCH_ID, (0,), error, cause)
    assert explained(event, Sheet(0, "x", time_limit=limit)) == expected


def test_a_job_that_could_not_begin_is_known_by_its_inputs(dispatch: Dispatch) -> None:
    """Step Functions says of a failed job no more than that it failed."""
    dispatch.add(4, lambda: 1 // 0)
    dispatch.add(5, abs, inputs=(4,), args=(4,))
    with pytest.raises(ElectronFailed):
        dispatch.run(4)
    dispatch.report(5, error="States.TaskFailed", cause='{"Status": "FAILED"}')
    assert dispatch.status(5) is None


def test_a_job_that_could_begin_and_was_lost_has_failed(dispatch: Dispatch) -> None:
    dispatch.complete(4, 1)
    dispatch.add(5, abs, inputs=(4,), args=(4,))
    dispatch.report(5, error="States.TaskFailed", cause="the host is gone")
    assert dispatch.status(5) == "FAILED"
    assert "the host is gone" in dispatch.error(5)
