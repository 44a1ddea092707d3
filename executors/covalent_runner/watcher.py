"""Stops electrons that were cancelled: nothing outside can reach into a process that runs one.

A thread looks at the records of what has been running for half a second. Shorter electrons cost two entries of a
dictionary, and the thread ends when nothing runs. What it stops it stops as a whole: first what knows how to cancel
the job it has started elsewhere, then all child processes, then the process itself. The record is CANCELLED already.
"""

import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from covalent_contracts import clock
from covalent_runner import processes
from covalent_runner.store import Claim, Store

VARIABLE = "COVALENT_WATCH_SECONDS"
GRACE = 0.5
"""Seconds for which nobody looks: most electrons are over by then."""
PAUSE = 5.0
"""Seconds between two looks, unless the environment says otherwise: each is a read."""
LIFE = 60.0
"""Seconds between two signs of life, which an electron gives for whose end another process may wait."""
PATIENCE = 8.0
"""Seconds in which a job elsewhere must have been cancelled."""
STOPPED = 130
"""Exit status, as of a program that was interrupted."""


@dataclass(eq=False)
class Watched:
    """An electron that runs; what it may ask of the outside (`covalent_contracts.context.Control`)."""

    store: Store
    dispatch_id: str
    node: int
    began: float
    claim: Claim | None = None
    looked: float = 0.0
    shown: float = 0.0
    cancels: list[Callable[[], object]] = field(default_factory=list)
    fallback: Callable[[], object] | None = None
    cancelling: threading.Lock = field(default_factory=threading.Lock)

    def is_cancelled(self) -> bool:
        """Whether the electron, or the whole dispatch, was cancelled."""
        return self.store.is_cancelled(self.dispatch_id, self.node)

    def set_job_handle(self, handle: str, cancel: Callable[[], object]) -> None:
        """Record by which name another place knows the electron, and how to cancel it there."""
        self.cancels.append(cancel)
        self.store.set_job_handle(self.dispatch_id, self.node, handle)

    def cancel_with(self, cancel: Callable[[], object]) -> None:
        """Say how to cancel what runs the electron; whoever ends this process from outside gives time for that."""
        self.fallback = cancel
        processes.hold(self)

    def show_life(self, now: float) -> None:
        """Record now and then that the electron still runs, if its claim is known."""
        if self.claim is not None and now - max(self.shown, self.began) >= LIFE:
            self.shown = now
            self.store.show_life(self.dispatch_id, self.node, self.claim, clock.now())

    def cancel_jobs(self) -> None:
        """Cancel the electron where it runs."""
        with self.cancelling:
            for cancel in self.cancels or filter(None, [self.fallback]):
                _attempt(cancel)

    def await_cancelled(self) -> None:
        """Let somebody who cancels come to an end: the process may be gone soon."""
        if self.cancelling.acquire(timeout=PATIENCE):
            self.cancelling.release()


class Watcher:
    """Looks after the electrons of this process.

    Args:
        pause: seconds between two looks.
        stop: ends the process.

    """

    def __init__(self, pause: float, stop: Callable[[], object]) -> None:
        self._pause = pause
        self._stop = stop
        self._lock = threading.Lock()
        self._running: set[Watched] = set()
        self._is_awake = False

    @contextmanager
    def over(
        self, store: Store, dispatch_id: str, node: int, claim: Claim | None = None
    ) -> Iterator[Watched]:
        """Look after an electron as long as the block runs, and give signs of life under the claim."""
        watched = Watched(store, dispatch_id, node, time.monotonic(), claim)
        with self._lock:
            self._running.add(watched)
            wakes = not self._is_awake
            self._is_awake = True
        if wakes:
            threading.Thread(target=self._watch, daemon=True, name="covalent-watcher").start()
        try:
            yield watched
        finally:
            watched.await_cancelled()
            processes.let_go(watched)
            with self._lock:
                self._running.discard(watched)

    def _watch(self) -> None:
        while True:
            time.sleep(min(GRACE, self._pause))
            with self._lock:
                if not self._running:
                    self._is_awake = False
                    return
                running = tuple(self._running)
            now = time.monotonic()
            for each in running:
                if now - each.began >= GRACE and now - each.looked >= self._pause:
                    each.looked = now
                    self._look(each)

    def _look(self, watched: Watched) -> None:
        with suppress(Exception):  # a busy table: the next look tells
            if not watched.is_cancelled():
                watched.show_life(time.monotonic())
                return
            watched.cancel_jobs()
            with self._lock:  # so that it does not end meanwhile, and another one is hit
                if watched in self._running:
                    self._stop()


def end_process() -> None:
    """End this process and all that it has started."""
    # In a job others carry the worker's mark as well: those that have to tell what became of this process.
    is_supervised = processes.SUPERVISED in os.environ
    variable = processes.SUPERVISED if is_supervised else processes.MARK
    mark = os.environ.get(variable)
    processes.end([os.getpid()], [mark] if mark else (), variable)
    os._exit(STOPPED)


def _attempt(cancel: Callable[[], Any]) -> None:
    try:
        cancel()
    except Exception:  # noqa: BLE001  # code of an executor; the process is ended all the same
        traceback.print_exc()


WATCHER = Watcher(float(os.environ.get(VARIABLE, PAUSE)), end_process)
