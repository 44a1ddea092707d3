import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_localstack import threads
from covalent_localstack.crew import Stopped, work_off
from covalent_localstack.stopping import ended_with


class Env:
    """As much of moto's environment as is asked for."""

    def __init__(self, *, running: bool = True) -> None:
        self.running = running
        self.ends: list[Callable[[], None]] = []

    def is_running(self) -> bool:
        return self.running


class Gauge:
    """Counts how many jobs run at once."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.most = self._now = 0
        self._lock = threading.Lock()

    def work(self, job: int) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        with self._lock:
            self._now -= 1
            self.done.append(job)


@given(count=st.integers(0, 50), width=st.integers(1, 10))
def test_every_job_is_done_once_and_not_too_many_run(count: int, width: int) -> None:
    gauge = Gauge()
    work_off(Env(), range(count), gauge.work, width)
    assert sorted(gauge.done) == list(range(count))
    assert gauge.most <= width


def test_as_many_run_as_may() -> None:
    together = threading.Barrier(3)

    def work(_: int) -> None:
        together.wait(20)

    work_off(Env(), range(6), work, 3)


def test_a_failure_ends_it_while_others_run() -> None:
    go, begun = threading.Event(), threading.Event()
    taken: list[int] = []

    def work(job: int) -> None:
        taken.append(job)
        if job == 0:
            begun.set()
            go.wait(20)
        else:
            begun.wait(20)
            raise ValueError(job)

    with pytest.raises(ValueError, match="1"):
        work_off(Env(), range(100), work, 2)
    go.set()
    assert sorted(taken) == [0, 1]


def test_a_stop_ends_it() -> None:
    env, go = Env(), threading.Event()

    def work(_: int) -> None:
        for end in env.ends:
            end()
        go.wait(20)

    with pytest.raises(Stopped):
        work_off(env, range(2), work, 2)
    go.set()
    assert env.ends == []


def test_nothing_is_begun_for_what_was_stopped_before() -> None:
    gauge = Gauge()
    with pytest.raises(Stopped):
        work_off(Env(running=False), range(3), gauge.work, 2)
    assert gauge.done == []


def test_fewer_threads_than_wanted_do_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    gauge, go, started = Gauge(), threading.Event(), threads.start
    begun: list[str] = []

    def later(work: Callable[[], None]) -> Callable[[], None]:
        def wait() -> None:
            go.wait(20)
            work()

        return wait

    def start(work: Callable[[], None], name: str) -> Any:
        if begun:
            go.set()
            raise RuntimeError("can't start new thread")
        begun.append(name)
        return started(later(work), name)

    monkeypatch.setattr(threads, "start", start)
    work_off(Env(), range(5), gauge.work, 3)
    assert sorted(gauge.done) == list(range(5))


def test_an_end_is_called_at_once_if_it_is_too_late() -> None:
    ended: list[bool] = []
    with ended_with(Env(running=False), lambda: ended.append(True)):
        assert ended


def test_a_thread_with_a_small_stack_leaves_the_default_as_it_was() -> None:
    before, seen = threading.stack_size(), threading.Event()
    threads.start(seen.set, "small").join(20)
    assert seen.is_set()
    assert threading.stack_size() == before
