"""Calls run side by side, and choose in the order in which they were made."""

import multiprocessing
import pickle
import threading
from typing import Any

import pytest

from covalent._quantum import turns
from covalent._quantum.turns import Queue, choosing

WAIT = 60


def test_calls_run_side_by_side() -> None:
    queue, gate = Queue(), threading.Barrier(5)
    futures = [queue.submit(gate.wait, WAIT) for _ in range(5)]
    assert sorted(each.result(WAIT) for each in futures) == list(range(5))


class Calls:
    """Calls that choose when they are let; `order` is that in which they chose."""

    def __init__(self, count: int) -> None:
        self.order: list[int] = []
        self.let = [threading.Event() for _ in range(count)]
        self.begun = [threading.Event() for _ in range(count)]

    def choose(self, number: int, fail: bool = False) -> int:
        self.begun[number].set()
        assert self.let[number].wait(WAIT)
        if fail:
            raise ZeroDivisionError(number)
        with choosing():
            self.order.append(number)
        return number


def test_a_later_call_waits_with_its_choice_for_the_earlier() -> None:
    queue, calls = Queue(), Calls(3)
    futures = [queue.submit(calls.choose, number) for number in range(3)]
    for number in (2, 1):
        calls.let[number].set()
        assert calls.begun[number].wait(WAIT)
    assert not calls.order
    calls.let[0].set()
    assert [each.result(WAIT) for each in futures] == [0, 1, 2]
    assert calls.order == [0, 1, 2]


def test_a_call_that_fails_before_it_chose_hands_on_in_its_turn() -> None:
    queue, calls = Queue(), Calls(3)
    first, failing, last = (queue.submit(calls.choose, n, n == 1) for n in range(3))
    calls.let[1].set()
    calls.let[2].set()
    with pytest.raises(TimeoutError):
        last.result(0.2)  # the first one still has not chosen
    assert calls.order == []
    calls.let[0].set()
    assert (first.result(WAIT), last.result(WAIT)) == (0, 2)
    assert isinstance(failing.exception(WAIT), ZeroDivisionError)
    assert calls.order == [0, 2]


def test_a_cancelled_call_hands_on_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_AT_ONCE", 2)
    monkeypatch.setattr(turns, "_pool", None)
    queue, calls = Queue(), Calls(4)
    first = queue.submit(calls.choose, 0)
    other = Queue().submit(calls.choose, 1)  # keeps the other thread busy
    cancelled, last = queue.submit(calls.choose, 2), queue.submit(calls.choose, 3)
    assert cancelled.cancel()
    for number in (1, 3):
        calls.let[number].set()
    assert other.result(WAIT) == 1
    assert calls.begun[3].wait(WAIT)
    assert calls.order == [1], "the last waits for the first, over the one between"
    calls.let[0].set()
    assert (first.result(WAIT), last.result(WAIT)) == (0, 3)
    assert calls.order == [1, 0, 3]


def test_a_call_in_this_thread_has_its_turn() -> None:
    queue, calls = Queue(), Calls(3)
    first = queue.submit(calls.choose, 0)
    here: list[int] = []
    calls.let[1].set()
    thread = threading.Thread(target=lambda: here.append(queue.here(calls.choose, 1)))
    thread.start()
    assert calls.begun[1].wait(WAIT)
    assert not calls.order
    calls.let[0].set()
    thread.join(WAIT)
    assert (first.result(WAIT), here, calls.order) == (0, [1], [0, 1])


def test_who_chose_chooses_no_more_in_turns() -> None:
    def twice() -> str:
        with choosing():
            pass
        with choosing():
            return "chosen"

    assert Queue().submit(twice).result(WAIT) == "chosen"
    with choosing():  # nor does a call without a queue
        pass


def _later(connection: Any) -> None:
    connection.send(Queue().submit(len, "seven"[:5]).result(WAIT))


def test_a_forked_process_has_threads_of_its_own() -> None:
    assert Queue().submit(len, "one").result(WAIT) == 3
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_later, args=[theirs], daemon=True)
    process.start()
    assert ours.poll(WAIT)
    assert ours.recv() == 5
    process.join(WAIT)


def test_a_queue_travels_as_nothing() -> None:
    queue = Queue()
    queue.submit(len, "one").result(WAIT)
    assert pickle.loads(pickle.dumps(queue)).submit(len, "one").result(WAIT) == 3
