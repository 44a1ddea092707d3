"""PennyLane's record of a circuit under construction, for each thread its own.

PennyLane keeps it in one place for all threads. While one thread constructs a circuit, another one that prepares a
circuit for its device would write into that record, or put it aside: gates would be lost, and PennyLane's lock never
released. Quantum electrons run circuits in threads, so from the first one on each thread has a record of its own.
"""

import threading
from collections.abc import Iterator
from typing import Any

from pennylane.queuing import QueuingManager

_here = threading.local()


class _OfThisThread:
    """The stack of queues that PennyLane works with: of the thread that asks."""

    def append(self, queue: Any) -> None:
        self._stack().append(queue)

    def pop(self) -> Any:
        return self._stack().pop()

    def put_aside(self) -> Any:
        """Begin an empty stack, and give the one before."""
        before, _here.stack = self._stack(), []
        return before

    def take_back(self, stack: Any) -> None:
        """Go on with a stack."""
        _here.stack = stack

    def __len__(self) -> int:
        return len(self._stack())

    def __getitem__(self, place: int) -> Any:
        return self._stack()[place]

    def _stack(self) -> Any:
        return vars(_here).setdefault("stack", [])


def _stop_recording(cls: Any) -> Iterator[None]:
    before = cls._active_contexts.put_aside()
    try:
        yield
    finally:
        cls._active_contexts.take_back(before)


def separate_threads() -> None:
    """Give each thread its own record; what this thread is recording now goes on."""
    stack = QueuingManager._active_contexts
    if isinstance(stack, _OfThisThread):
        return
    QueuingManager._active_contexts = _OfThisThread()
    QueuingManager._active_contexts.take_back(stack)
    # `stop_recording` would set the attribute. PennyLane's decorators hold the function itself: its code is exchanged.
    QueuingManager.stop_recording.__func__.__wrapped__.__code__ = _stop_recording.__code__
