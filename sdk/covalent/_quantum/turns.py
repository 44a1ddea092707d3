"""Calls that run side by side, and choose their executors in the order in which they were made."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

from covalent._quantum.calls import Call, cancel_all

_AT_ONCE = 256
_here = threading.local()


class Queue:
    """The calls of one quantum electron."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: _Turn | None = None

    def submit(self, function: Callable[..., Any], *args: Any) -> "Later":
        """Call a function in a thread; it may `choose` once all calls made before have chosen, or ended."""
        later = Later()
        with self._lock:
            turn = _Turn(self._last)
            _threads().submit(copy_context().run, later.run, _run, turn, function, args)
            self._last = turn
        later.add_done_callback(turn.give_up_if_cancelled)
        return later

    def here(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function in this thread; it chooses in its turn, too."""
        with self._lock:
            turn = self._last = _Turn(self._last)
        return _run(turn, function, args)

    def __reduce__(self) -> tuple[type["Queue"], tuple[()]]:
        return Queue, ()


class Later(Call):
    """The future of a call that was put into a queue. Whoever interrupts the program while it waits gives up all."""

    def __init__(self) -> None:
        super().__init__()
        _not_ended.add(self)
        self.add_done_callback(_not_ended.discard)

    def result(self, timeout: float | None = None) -> Any:
        """Wait for what the call returns."""
        with interruptible():
            return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for what the call raises, or None."""
        with interruptible():
            return super().exception(timeout)


_not_ended: set[Call] = set()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_not_ended.clear)


@contextmanager
def interruptible() -> Iterator[None]:
    """Cancel all calls of all queues if somebody interrupts the program."""
    try:
        yield
    except KeyboardInterrupt:
        calls = list(_not_ended)
        waiting = [each for each in calls if each.started is None]
        cancel_all(waiting)  # first, or they take the places of those that run
        with ThreadPoolExecutor(_AT_ONCE) as threads:  # each may have to tell a service
            threads.map(Call.cancel, calls)
        raise


class _Turn:
    """When a call may choose: after `before`, which is None once this one has chosen."""

    def __init__(self, before: "_Turn | None" = None) -> None:
        self.before = before
        self._over = threading.Event()

    def wait(self) -> None:
        """Wait for all that were made before; those that were cancelled hand on to their own predecessors."""
        before = self.before
        while before is not None:
            before._over.wait()
            before = before.before

    def end(self) -> None:
        """The next one may choose."""
        self.before = None
        self._over.set()

    def give_up_if_cancelled(self, call: Any) -> None:
        """Nobody is to wait for a call that will not choose."""
        if call.cancelled():
            self._over.set()


@contextmanager
def choosing() -> Iterator[None]:
    """Wait for this call's turn to choose; afterwards it is the next one's."""
    turn, _here.turn = getattr(_here, "turn", None), None
    if turn is not None:
        turn.wait()
    try:
        yield
    finally:
        if turn is not None:
            turn.end()


def _run(turn: _Turn, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    _here.turn = turn
    try:
        return function(*args)
    finally:
        with choosing():
            turn.end()


_pool: tuple[int, ThreadPoolExecutor] | None = None
_pool_lock = threading.Lock()


def _threads() -> ThreadPoolExecutor:
    global _pool  # noqa: PLW0603  # one for each process
    with _pool_lock:
        if _pool is None or _pool[0] != os.getpid():
            _pool = os.getpid(), ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="run_later")
        return _pool[1]
