"""The threads that states run in: there may be thousands, most of them waiting."""

import threading
from collections.abc import Callable

STACK = 1 << 20
"""Bytes of address space, of which little is ever touched. The default of 8 MiB would be 80 GiB for 10,000 threads,
which a machine that does not overcommit refuses."""
_size = threading.Lock()


def start(work: Callable[[], None], name: str) -> threading.Thread:
    """Run something in a thread of its own, which does not keep the process alive."""
    thread = threading.Thread(target=work, daemon=True, name=name)
    with _size:
        before = threading.stack_size(STACK)
        try:
            thread.start()
        finally:
            threading.stack_size(before)
    return thread
