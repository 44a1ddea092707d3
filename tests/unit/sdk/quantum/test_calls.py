"""Calls: who cancels one stops what it has begun, and whoever waits for several hears of the first failure."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

import pytest

from covalent._quantum import turns
from covalent._quantum.calls import (
    Call,
    Cancellation,
    begun,
    cancel_all,
    current,
    settled,
    until_one_fails,
)
from covalent._shared_files.logger import app_log

WAIT = 60


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as only:
        yield only


class Job:
    """Runs elsewhere until somebody stops it."""

    def __init__(self) -> None:
        self.runs, self.stopped = threading.Event(), threading.Event()

    def wait(self) -> str:
        with current().reaching(self.stopped.set):
            self.runs.set()
            assert self.stopped.wait(WAIT)
        return "stopped"


def test_to_cancel_a_call_stops_what_it_has_begun(thread: ThreadPoolExecutor) -> None:
    job = Job()
    call = begun(thread, job.wait)
    assert job.runs.wait(WAIT)
    assert call.running()
    assert call.cancel()
    assert job.stopped.is_set()
    with pytest.raises(CancelledError):
        call.result(WAIT)
    settled([call])
    assert not call.running()


def test_a_call_that_was_cancelled_in_the_queue_does_not_begin(thread: ThreadPoolExecutor) -> None:
    job, begins = Job(), threading.Event()
    first, second = begun(thread, job.wait), begun(thread, begins.set)
    assert second.cancel()
    assert second.cancel(), "twice is as good as once"
    first.cancel()
    thread.submit(int).result(WAIT)
    assert not begins.is_set()
    assert second.started is None


def test_a_call_that_has_ended_cannot_be_cancelled(thread: ThreadPoolExecutor) -> None:
    call = begun(thread, int, "5")
    assert call.result(WAIT) == 5
    assert not call.cancel()
    assert call.result() == 5


def test_the_last_in_the_queue_are_cancelled_first(thread: ThreadPoolExecutor) -> None:
    jobs = [Job(), Job(), Job()]
    calls = [begun(thread, each.wait) for each in jobs]
    assert jobs[0].runs.wait(WAIT)
    cancel_all(calls)
    settled(calls)
    assert [each.runs.is_set() for each in jobs] == [True, False, False]


def test_what_begins_after_the_cancellation_is_stopped_at_once() -> None:
    cancellation, stopped = Cancellation(), threading.Event()
    cancellation.ask()
    with cancellation.reaching(stopped.set):
        assert stopped.is_set()


def test_what_has_ended_is_not_stopped() -> None:
    cancellation, stopped = Cancellation(), threading.Event()
    with cancellation.reaching(stopped.set):
        pass
    cancellation.ask()
    assert not stopped.is_set()


def test_one_that_cannot_be_stopped_does_not_spare_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app_log, "propagate", True)
    cancellation, stopped = Cancellation(), threading.Event()

    def refuse() -> None:
        raise ZeroDivisionError("it goes on")

    with cancellation.reaching(stopped.set), cancellation.reaching(refuse):
        cancellation.ask()
    assert stopped.is_set()
    assert "it goes on" in caplog.text


def test_a_pause_ends_with_the_cancellation(thread: ThreadPoolExecutor) -> None:
    pauses = threading.Event()

    def pause() -> None:
        pauses.set()
        current().pause(WAIT)

    call = begun(thread, pause)
    assert pauses.wait(WAIT)
    before = time.monotonic()
    call.cancel()
    settled([call])
    assert time.monotonic() - before < WAIT / 2


def test_the_first_failure_is_heard_while_others_run() -> None:
    runs: Future[int] = Future()
    failed: Future[int] = Future()
    failed.set_exception(ZeroDivisionError("no circuit"))
    with pytest.raises(ZeroDivisionError):
        until_one_fails([runs, failed])


def test_results_without_futures_are_not_waited_for() -> None:
    until_one_fails(["no future", Call, 3])


def test_an_interrupt_while_one_waits_cancels_all_calls_of_all_queues(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "_AT_ONCE", 1)
    monkeypatch.setattr(turns, "_pool", None)
    job, begins = Job(), threading.Event()
    first = turns.Queue().submit(job.wait)
    waiting = [turns.Queue().submit(begins.set) for _ in range(3)]
    assert job.runs.wait(WAIT)
    cancel = Call.cancel

    def slowly(call: Call) -> bool:
        """Whoever could begin before it is cancelled does."""
        if call.started is None:
            begins.wait(0.1)
        return cancel(call)

    monkeypatch.setattr(Call, "cancel", slowly)
    result = Future.result

    def interrupted(future: Future[object], timeout: float | None) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return result(future, timeout)

    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        waiting[0].result(WAIT)
    assert job.stopped.is_set()
    assert all(each.cancelled() for each in [first, *waiting])
    assert not begins.is_set()


def test_an_error_of_one_call_cancels_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_pool", None)
    job, queue = Job(), turns.Queue()
    runs, fails = queue.submit(job.wait), turns.Queue().submit(int, "no number")
    with pytest.raises(ValueError, match="no number"):
        fails.result(WAIT)
    assert not runs.cancelled()
    runs.cancel()
