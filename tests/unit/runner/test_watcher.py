"""Electrons that are cancelled while they run."""

import threading
from typing import Any

import pytest

from covalent_contracts import context
from covalent_contracts.status import Status
from covalent_runner import execute, watcher
from covalent_runner.errors import UpstreamFailed
from covalent_runner.store import Claim, Record
from covalent_runner.watcher import Watcher

from .conftest import DISPATCH_ID, Dispatch

CANCELLED = {"status": {"S": "CANCELLED"}, "ended": {"N": "5"}}
TIMEOUT = 30.0
"""Seconds; only a failing run waits so long."""


class Store:
    """Tells whether electrons were cancelled, and when it was asked."""

    def __init__(self) -> None:
        self.cancelled: set[int] = set()
        self.asked = threading.Semaphore(0)
        self.handles: dict[int, str] = {}
        self.alive: list[Claim] = []
        self.failures = 0

    def is_cancelled(self, _: str, node: int) -> bool:
        self.asked.release()
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the table is busy")
        return node in self.cancelled

    def show_life(self, _: str, node: int, claim: Claim, now: int) -> None:
        self.alive.append(claim)

    def set_job_handle(self, _: str, node: int, handle: str) -> None:
        self.handles[node] = handle


@pytest.fixture
def store() -> Any:
    return Store()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "GRACE", 0.0)


def made(stopped: threading.Event) -> Watcher:
    return Watcher(0.001, stopped.set)


def threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "covalent-watcher"]


def test_what_is_cancelled_is_stopped(store: Any) -> None:
    stopped = threading.Event()
    with made(stopped).over(store, DISPATCH_ID, 3):
        assert store.asked.acquire(timeout=TIMEOUT)
        assert not stopped.is_set()
        store.cancelled.add(3)
        assert stopped.wait(TIMEOUT)


def test_what_has_ended_is_not_looked_at_and_nobody_waits(store: Any) -> None:
    stopped = threading.Event()
    looking = made(stopped)
    with looking.over(store, DISPATCH_ID, 3):
        assert store.asked.acquire(timeout=TIMEOUT)
    store.cancelled.add(3)
    for each in threads():
        each.join(TIMEOUT)
    assert threads() == []
    assert not stopped.is_set()
    store.cancelled.clear()
    with looking.over(store, DISPATCH_ID, 4):
        store.cancelled.add(4)
        assert stopped.wait(TIMEOUT), "a new thread looks after the next one"


def test_a_busy_table_is_asked_again(store: Any) -> None:
    stopped = threading.Event()
    store.failures = 2
    store.cancelled.add(3)
    with made(stopped).over(store, DISPATCH_ID, 3):
        assert stopped.wait(TIMEOUT)


def test_short_electrons_cost_no_look(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "GRACE", TIMEOUT)
    with Watcher(0.001, lambda: None).over(store, DISPATCH_ID, 3):
        assert not store.asked.acquire(timeout=0.05)


CLAIM = Claim(True, Record(Status.RUNNING), "mine")


@pytest.mark.parametrize(
    ("claim", "pause", "shows"), [(CLAIM, 0.0, True), (None, 0.0, False), (CLAIM, 3600.0, False)]
)
def test_signs_of_life_for_those_who_wait(
    store: Any, monkeypatch: pytest.MonkeyPatch, claim: Claim | None, pause: float, shows: bool
) -> None:
    monkeypatch.setattr(watcher, "LIFE", pause)
    with Watcher(0.001, lambda: None).over(store, DISPATCH_ID, 3, claim):
        for _ in range(3):
            assert store.asked.acquire(timeout=TIMEOUT)
    assert bool(store.alive) == shows
    assert set(store.alive) <= {claim}


def test_a_sign_of_life_is_of_whoever_holds_the_claim(dispatch: Dispatch) -> None:
    store = dispatch.store
    first = store.claim(DISPATCH_ID, 0, 0, 1)
    store.show_life(DISPATCH_ID, 0, first, 7)
    assert store.records(DISPATCH_ID, [0])[0].alive == 7
    second = store.claim(DISPATCH_ID, 0, 1, 2)
    store.show_life(DISPATCH_ID, 0, first, 8)
    assert store.records(DISPATCH_ID, [0])[0].alive == 7
    store.show_life(DISPATCH_ID, 0, second, 9)
    assert store.records(DISPATCH_ID, [0])[0].alive == 9
    dispatch.set_record(0, **CANCELLED)
    store.show_life(DISPATCH_ID, 0, second, 10)
    assert "alive" not in dispatch.item(0)


def test_jobs_are_cancelled_before_the_process_ends(store: Any) -> None:
    stopped = threading.Event()
    calls: list[str] = []

    def stop() -> None:
        calls.append("stop")
        stopped.set()

    def broken() -> None:
        calls.append("broken")
        raise RuntimeError("the service does not answer")

    with Watcher(0.001, stop).over(store, DISPATCH_ID, 3) as control:
        control.set_job_handle('"job"', broken)
        control.set_job_handle('"job 2"', lambda: calls.append("cancel"))
        store.cancelled.add(3)
        assert stopped.wait(TIMEOUT)
    assert calls[:3] == ["broken", "cancel", "stop"]
    assert store.handles == {3: '"job 2"'}


def test_a_cancelled_electron_is_not_claimed(dispatch: Dispatch) -> None:
    dispatch.add(0, _fail_if_called)
    dispatch.set_record(0, **CANCELLED)
    for attempt in (0, 1):
        with pytest.raises(UpstreamFailed, match="cancelled"):
            dispatch.run(0, attempt)
    assert dispatch.status(0) == "CANCELLED"
    assert not dispatch.has_failed


def _fail_if_called() -> None:
    raise AssertionError("it ran")


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("retries", [0, 2])
def test_an_electron_that_ends_after_it_was_cancelled_changes_nothing(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch, fails: bool, retries: int
) -> None:
    """It is cancelled in the moment between its last line and its commit."""

    def cancelled_meanwhile(*args: Any) -> Any:
        found = execute.execute(*args)
        dispatch.set_record(0, **CANCELLED)
        return found

    monkeypatch.setattr("covalent_runner.run.execute", cancelled_meanwhile)
    dispatch.add(0, _fail_if_called if fails else int, retries=retries)
    with pytest.raises(UpstreamFailed, match="cancelled"):
        dispatch.run(0)
    assert dispatch.item(0).keys() == {"pk", "sk", "status", "ended"}
    assert not dispatch.has_failed


def test_a_report_on_a_cancelled_electron_dooms_who_needs_it(dispatch: Dispatch) -> None:
    dispatch.add(0, children=(1,), releases=(1,))
    dispatch.add(1, inputs=(0,), gated=True)
    dispatch.wait(1, 1, "token")
    dispatch.set_record(0, **CANCELLED)
    dispatch.report(0, error="Runtime.ExitError", cause="it was stopped")
    assert dispatch.store.refused == [("token", "UpstreamFailed")]
    assert dispatch.status(0) == "CANCELLED"
    assert not dispatch.has_failed


def test_an_execution_lost_a_cancelled_electron_and_what_needs_it(dispatch: Dispatch) -> None:
    dispatch.add(0, children=(1,))
    dispatch.add(1, inputs=(0,), children=(2,))
    dispatch.add(2, inputs=(1,))
    dispatch.add(3)
    dispatch.set_record(0, **CANCELLED)
    dispatch.complete(3, 3)
    dispatch.lost(0, 1, 2, 3)
    assert [dispatch.status(node) for node in range(4)] == ["CANCELLED", None, None, "COMPLETED"]
    assert not dispatch.has_failed


def test_a_failure_beside_it_counts(dispatch: Dispatch) -> None:
    dispatch.add(0)
    dispatch.add(1)
    dispatch.set_record(0, **CANCELLED)
    dispatch.lost(0, 1)
    assert dispatch.status(1) == "FAILED"
    assert dispatch.has_failed


def test_who_asks_is_told_by_node_and_dispatch(dispatch: Dispatch) -> None:
    store = dispatch.store
    assert not store.is_cancelled(DISPATCH_ID, 0)
    dispatch.set_record(0, status={"S": "RUNNING"})
    assert not store.is_cancelled(DISPATCH_ID, 0)
    store.set_job_handle(DISPATCH_ID, 0, '"job 7"')
    assert dispatch.item(0)["job_handle"] == '"job 7"'
    store.set_job_handle(DISPATCH_ID, 1, '"nothing runs"')
    assert dispatch.item(1) == {}
    store.mark_cancelled(DISPATCH_ID)
    assert dispatch.raw_item("DISPATCH")["has_cancelled"] is True
    dispatch.dynamodb.put_item(
        TableName="covalent",
        Item={
            "pk": {"S": f"D#{DISPATCH_ID}"},
            "sk": {"S": "DISPATCH"},
            "status": {"S": "CANCELLED"},
        },
    )
    assert store.is_cancelled(DISPATCH_ID, 0)


def test_code_in_an_electron_can_ask(dispatch: Dispatch) -> None:
    def ask() -> Any:
        control = context.current().control
        assert control is not None
        control.set_job_handle('"mine"', lambda: None)
        return control.is_cancelled()

    assert dispatch.call(ask) is False
