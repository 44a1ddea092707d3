"""Calls that run side by side, and choose their executors in the order in which they were made."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

_AT_ONCE = 256
_here = threading.local()


class Queue:
    """The calls of one quantum electron."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: threading.Event | None = None

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Call a function in a thread; it may `choose` once all calls made before have chosen, or ended."""
        mine = threading.Event()
        with self._lock:
            before, self._last = self._last, mine
            return _threads().submit(_run, before, mine, function, args)

    def __reduce__(self) -> tuple[type["Queue"], tuple[()]]:
        return Queue, ()


@contextmanager
def choosing() -> Iterator[None]:
    """Wait for this call's turn to choose; afterwards it is the next one's."""
    before, mine = getattr(_here, "turn", (None, None))
    _here.turn = (None, None)
    if before is not None:
        before.wait()
    try:
        yield
    finally:
        if mine is not None:
            mine.set()


def _run(
    before: threading.Event | None,
    mine: threading.Event,
    function: Callable[..., Any],
    args: tuple[Any, ...],
) -> Any:
    _here.turn = (before, mine)
    try:
        return function(*args)
    finally:
        with choosing():
            mine.set()


_pool: tuple[int, ThreadPoolExecutor] | None = None
_pool_lock = threading.Lock()


def _threads() -> ThreadPoolExecutor:
    global _pool  # noqa: PLW0603  # one for each process
    with _pool_lock:
        if _pool is None or _pool[0] != os.getpid():
            _pool = os.getpid(), ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="run_later")
        return _pool[1]
