"""One computation with several results, each of which somebody waits for."""

from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from typing import Any


def parts(whole: Future[Sequence[Any]], count: int) -> list[Future[Any]]:
    """A future for each result of a future's.

    Args:
        whole: gives `count` results.
        count: how many.

    Returns:
        The futures. To cancel one cancels the whole.

    """
    futures: list[Future[Any]] = [Future() for _ in range(count)]
    for each in futures:
        each.add_done_callback(lambda part: whole.cancel() if part.cancelled() else None)
    whole.add_done_callback(lambda done: _distribute(done, futures))
    return futures


def _distribute(whole: Future[Sequence[Any]], futures: Sequence[Future[Any]]) -> None:
    error = CancelledError() if whole.cancelled() else whole.exception()
    results = [None] * len(futures) if error else whole.result()
    for part, result in zip(futures, results, strict=True):
        if not part.set_running_or_notify_cancel():
            continue
        if error:
            part.set_exception(error)
        else:
            part.set_result(result)
