"""A bounded number of threads that take jobs one after the other."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from covalent_localstack import threads
from covalent_localstack.stopping import ended_with

Job = TypeVar("Job")


class Stopped(Exception):
    """The state that wanted the jobs done was stopped."""


class _Crew(Generic[Job]):
    def __init__(self, jobs: Iterable[Job], work: Callable[[Job], None]) -> None:
        self._jobs = iter(jobs)
        self._work = work
        self._lock = threading.Lock()
        self._open = 0
        self._is_empty = False
        self._failure: Exception | None = None
        self._over = threading.Event()

    def stop(self) -> None:
        self._end(Stopped())

    def run(self, width: int) -> None:
        for number in range(width):
            if self._is_empty or self._over.is_set():
                break
            try:
                threads.start(self._labour, "crew")
            except RuntimeError:  # the machine has no more threads for us
                if number == 0:
                    raise
                break
        self._over.wait()
        if self._failure is not None:
            raise self._failure

    def _labour(self) -> None:
        while taken := self._take():
            try:
                self._work(*taken)
            except Exception as exc:  # noqa: BLE001  # whatever it is, who waits must hear of it
                self._end(exc)
            self._done()

    def _take(self) -> tuple[Job] | None:
        """The next job, if there is one. Who finds no more, and none that still runs, ends it."""
        with self._lock:
            if self._over.is_set():
                return None
            for job in self._jobs:
                self._open += 1
                return (job,)
            self._is_empty = True
            if self._open == 0:
                self._over.set()
            return None

    def _done(self) -> None:
        with self._lock:
            self._open -= 1

    def _end(self, failure: Exception) -> None:
        with self._lock:
            if not self._over.is_set():
                self._failure = failure
                self._over.set()


def work_off(env: Any, jobs: Iterable[Job], work: Callable[[Job], None], width: int) -> None:
    """Do all jobs, at most `width` of them at once.

    Threads start as long as there is something to take. When a job fails no other is begun; those that
    run are not waited for.

    Args:
        env: the environment of the state that wants it done.
        jobs: taken one by one, by one thread at a time.
        work: does a job, in a thread of its own.
        width: at least 1.

    Raises:
        Stopped: the environment was stopped.
        Exception: what `work` raised first.

    """
    crew = _Crew(jobs, work)
    with ended_with(env, crew.stop):
        crew.run(width)
