"""Many requests at once, but not too many."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event
from typing import TypeVar

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")

THREADS = 8
"""Enough to hide the latency of S3, few enough for the sockets of a laptop."""


def in_parallel(
    function: Callable[[ItemT], AnswerT], items: Sequence[ItemT], stop: Event | None = None
) -> Iterator[tuple[ItemT, AnswerT]]:
    """Apply `function` to every item; pairs come as they finish.

    The first exception (Ctrl-C too) leaves out what has not begun, and is raised. What has begun is waited for; `stop`
    is set to tell it.
    """
    if len(items) <= 1:
        yield from ((item, function(item)) for item in items)
        return
    pool = ThreadPoolExecutor(min(THREADS, len(items)), thread_name_prefix="covalent")
    try:
        begun = {pool.submit(function, item): item for item in items}
        for future in as_completed(begun):
            yield begun[future], future.result()
    except BaseException:
        if stop is not None:
            stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
