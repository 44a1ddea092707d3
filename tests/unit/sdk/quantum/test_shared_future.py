"""Futures of one computation that has several results."""

from concurrent.futures import CancelledError, Future
from typing import Any

import pytest

from covalent._quantum.executors.shared_future import parts


def shared(count: int = 2) -> tuple[Future[Any], list[Future[Any]]]:
    whole: Future[Any] = Future()
    return whole, parts(whole, count)


def test_each_has_its_result() -> None:
    whole, (first, second) = shared()
    assert not first.done()
    whole.set_result(["one", "two"])
    assert (first.result(0), second.result(0)) == ("one", "two")


def test_an_error_is_that_of_each() -> None:
    whole, each = shared()
    error = ZeroDivisionError("no circuit")
    whole.set_exception(error)
    assert [one.exception(0) for one in each] == [error, error]


def test_to_cancel_one_cancels_the_whole_and_so_all() -> None:
    whole, (first, second) = shared()
    assert first.cancel()
    assert whole.cancelled()
    with pytest.raises(CancelledError):
        second.result(0)
    assert first.cancelled()


def test_a_whole_that_runs_gives_the_others_their_results() -> None:
    whole, (first, second) = shared()
    whole.set_running_or_notify_cancel()
    assert first.cancel()
    whole.set_result(["one", "two"])
    assert first.cancelled()
    assert second.result(0) == "two"
