"""What goes wrong at Braket now and then, for tests to bring about: see `clear`."""

import threading
from collections import Counter, deque

throttled: Counter[str] = Counter()
"""So many requests of an operation are answered with a ThrottlingException."""
statuses: dict[str, str] = {}
"""Devices, by their ARN, that are not ONLINE."""
failures: deque[str] = deque()
"""Why the next tasks fail."""
free = threading.Event()
"""Tasks stay in the queue while this is not set."""
_lock = threading.Lock()
free.set()


def is_throttled(operation: str) -> bool:
    """Whether this request comes too soon after others."""
    with _lock:
        throttled[operation] -= 1
        return throttled[operation] >= 0


def failure() -> str:
    """Why a task fails; empty for one that does not."""
    with _lock:
        return failures.popleft() if failures else ""


def clear() -> None:
    """From now on nothing goes wrong."""
    with _lock:
        throttled.clear()
        statuses.clear()
        failures.clear()
    free.set()
