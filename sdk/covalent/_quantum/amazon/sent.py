"""The tasks that were sent for a circuit, so that they can be cancelled with it."""

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from typing import Any


@dataclass
class Sent:
    """The tasks of one circuit, for who wants to cancel them."""

    is_cancelled: bool = False
    _tasks: list[Callable[[], None]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def watched(self, cancel: Callable[[], None]) -> Iterator[None]:
        """Within the block a task runs, which `cancel` cancels."""
        with self._lock:
            self._tasks.append(cancel)
        if self.is_cancelled:
            cancel()
        try:
            yield
        finally:
            with self._lock:
                self._tasks.remove(cancel)

    def cancel(self) -> None:
        """Cancel them, and send no more."""
        self.is_cancelled = True
        with self._lock:
            tasks = list(self._tasks)
        for each in tasks:
            each()


_current: ContextVar[Sent | None] = ContextVar("quantum_tasks", default=None)


def current() -> Sent:
    """For whose sake tasks are sent now."""
    return _current.get() or Sent()


def remembering(sent: Sent, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function; the tasks that it sends can be cancelled through `sent`."""
    token = _current.set(sent)
    try:
        return function(*args)
    finally:
        _current.reset(token)


class Ledger:
    """Which tasks were sent for a future."""

    def __init__(self) -> None:
        self._of: weakref.WeakKeyDictionary[Any, Sent] = weakref.WeakKeyDictionary()
        self._lock = Lock()

    def add(self, futures: Sequence[Any], sent: Sent) -> None:
        """Remember for whose sake tasks are sent."""
        with self._lock:
            self._of.update(dict.fromkeys(futures, sent))

    def cancel(self, futures: Sequence[Any]) -> None:
        """Cancel the tasks of those that have not ended."""
        for future in futures:
            if future.done():
                continue
            future.cancel()  # that of a part of a batch can be cancelled while its task runs
            with self._lock:
                sent = self._of.get(future)
            if sent is not None:
                sent.cancel()

    def __reduce__(self) -> tuple[type["Ledger"], tuple[()]]:
        return Ledger, ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ledger)  # settings alone tell executors apart

    __hash__ = object.__hash__
