"""The time as it is recorded."""

import time


def now() -> int:
    """Microseconds since the epoch, the unit of recorded times."""
    return time.time_ns() // 1000
