"""Functions that run in threads for somebody, and how they learn that nobody waits for them any more.

A `Call` is the future of such a function. To cancel it reaches the function also while it runs: whatever that has
begun elsewhere (a job, a task, a process) it has named to `current()` with the way to stop it.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextvars import ContextVar
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any

from covalent._shared_files.logger import app_log

SETTLING = 10.0
"""Seconds in which a service has to take note that a job is cancelled; nobody waits longer for that."""


class Cancellation:
    """Tells a function that nobody waits for its result any more."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._stops: list[Callable[[], object]] = []
        self._lock = threading.RLock()

    def check(self) -> None:
        """Go no further if nobody waits.

        Raises:
            CancelledError: it was cancelled.

        """
        self.pause(0)

    def pause(self, seconds: float) -> None:
        """Sleep, unless it is cancelled.

        Raises:
            CancelledError: it was, before or meanwhile.

        """
        if self._asked.wait(seconds):
            raise CancelledError("nobody waits for it any more")

    @contextlib.contextmanager
    def reaching(self, stop: Callable[[], object]) -> Iterator[None]:
        """Within the block something runs that `stop` ends; after it `stop` is not called any more."""
        with self._lock:
            self._stops.append(stop)
            if self._asked.is_set():
                _told(stop)
        try:
            yield
        finally:
            with self._lock:
                self._stops.remove(stop)

    def ask(self) -> None:
        """Stop all that runs, and let nothing more begin."""
        with self._lock:
            if self._asked.is_set():
                return
            self._asked.set()
            for each in reversed(self._stops):
                _told(each)


_current: ContextVar[Cancellation | None] = ContextVar("quantum_call", default=None)


def current() -> Cancellation:
    """The cancellation of the call that this code is part of."""
    return _current.get() or Cancellation()


class Call(Future[Any]):
    """The future of a function in a thread, which can be cancelled until it has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.started: datetime | None = None
        """When it began; None while it waits for a thread."""
        self._cancellation = Cancellation()
        self._once = threading.Lock()

    def cancel(self) -> bool:
        """Let it not begin, or tell what it has begun to end. False if it has ended."""
        if not super().cancel():
            return False
        self._cancellation.ask()
        if self._once.acquire(blocking=False):  # it has not begun, and now it will not
            self.set_running_or_notify_cancel()
        return True

    def running(self) -> bool:
        """Whether it has begun, and somebody waits for its end."""
        return self.started is not None and not self.done()

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call the function, unless that was cancelled; whoever `wait`s is told when it has ended."""
        if not self._once.acquire(blocking=False):
            return
        self.started = datetime.now(UTC)
        token = _current.set(self._cancellation)
        try:
            result = function(*args, **kwargs)
        except BaseException as exc:  # noqa: BLE001  # it is the future's, as in a pool
            if self.set_running_or_notify_cancel():
                self.set_exception(exc)
        else:
            if self.set_running_or_notify_cancel():
                self.set_result(result)
        finally:
            _current.reset(token)


def begun(
    threads: ThreadPoolExecutor, function: Callable[..., Any], *args: Any, **kwargs: Any
) -> Call:
    """Call a function in one of the threads."""
    call = Call()
    threads.submit(call.run, function, *args, **kwargs)
    return call


def cancel_all(futures: Sequence[Any]) -> None:
    """Cancel what can be cancelled, from the last one: so none of those that wait takes the place of another."""
    for each in reversed(futures):
        if hasattr(each, "cancel"):  # a user's futures may only have results
            each.cancel()


def until_one_fails(futures: Sequence[Any]) -> None:
    """Wait until all have ended.

    Raises:
        Exception: the first error, as soon as it is there; or CancelledError.

    """
    ended: SimpleQueue[Future[Any]] = SimpleQueue()
    watched = {each for each in futures if isinstance(each, Future)}
    for each in watched:
        each.add_done_callback(ended.put)
    for _ in watched:
        ended.get().result()


def settled(futures: Sequence[Any]) -> None:
    """Wait until those that were cancelled while they ran have ended, but not for long."""
    wait([each for each in futures if isinstance(each, Future)], SETTLING)


def _told(stop: Callable[[], object]) -> None:
    try:
        stop()
    except Exception:  # noqa: BLE001  # the others have to be stopped all the same
        app_log.exception("what a quantum electron has begun could not be stopped")
