# ruff: noqa: T201 - electrons print
import threading
from typing import Any

import pytest

from covalent_contracts.envelope import Run
from covalent_contracts.status import Status
from covalent_runner import failures
from covalent_runner.errors import ElectronFailed
from covalent_runner.lambda_handler import handle

from .conftest import DISPATCH_ID, Dispatch


def fail(dispatch: Dispatch, function: Any, **fields: Any) -> str:
    with pytest.raises(ElectronFailed) as caught:
        dispatch.call(function, **fields)
    assert "secret" not in str(caught.value)
    return dispatch.error(0)


def test_the_traceback_is_the_users_own(dispatch: Dispatch) -> None:
    def inner() -> None:
        raise ValueError("a secret message")

    def outer() -> None:
        inner()

    error = fail(dispatch, outer)
    assert error.startswith("Traceback (most recent call last):")
    assert "in outer" in error
    assert "in inner" in error
    assert error.endswith("ValueError: a secret message")
    assert "covalent_runner" not in error
    item = dispatch.item(0)
    assert item["status"] == "FAILED"
    assert item["stderr"].endswith("ValueError: a secret message\n")
    assert item["failures"] == "1"
    assert dispatch.has_failed


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError])
def test_whatever_user_code_raises_is_a_failure(
    dispatch: Dispatch, kind: type[BaseException]
) -> None:
    def leave(kind: type[BaseException]) -> None:
        raise kind("bye")

    with pytest.raises(ElectronFailed, match=kind.__name__):
        dispatch.call(leave, kind)
    assert dispatch.status(0) == "FAILED"
    assert f"{kind.__name__}: bye" in dispatch.error(0)


def test_endless_recursion_is_a_failure(dispatch: Dispatch) -> None:
    def deeper() -> Any:
        return deeper()

    error = fail(dispatch, deeper)
    assert "RecursionError" in error
    assert len(error) < 16_100


def test_a_long_error_keeps_both_ends(dispatch: Dispatch) -> None:
    def shout() -> None:
        raise ValueError("x" * 100_000 + "END")

    error = fail(dispatch, shout)
    assert len(error) < 16_100
    assert error.startswith("Traceback")
    assert error.endswith("END")


def test_an_exception_that_cannot_be_shown() -> None:
    class Broken(Exception):
        @property
        def __cause__(self) -> None:
            raise RuntimeError

        @__cause__.setter
        def __cause__(self, value: Any) -> None: ...

        def __str__(self) -> str:
            raise RuntimeError

    assert "Broken" in failures.describe(Broken())


def test_an_unpicklable_result_names_electron_and_type(dispatch: Dispatch) -> None:
    def make_lock() -> Any:
        return threading.Lock()

    error = fail(dispatch, make_lock)
    assert "electron 'make_lock' (0) returned a lock that cannot be pickled" in error


def test_a_missing_module_comes_with_the_cure(dispatch: Dispatch) -> None:
    def needs() -> None:
        import surely_not_installed  # type: ignore[import-not-found]  # noqa: F401

    last = fail(dispatch, needs).splitlines()[-1]
    assert "surely_not_installed" in last
    assert "DepsPip(['surely_not_installed'])" in last
    assert "DepsModule" in last


def test_a_try_with_retries_left_stays_running(dispatch: Dispatch) -> None:
    def flaky() -> None:
        print("tried")
        raise ValueError("not yet")

    fail(dispatch, flaky, retries=2)
    item = dispatch.item(0)
    assert (item["status"], item["attempt"], item["failures"]) == ("RUNNING", "0", "1")
    assert "ended" not in item
    assert not dispatch.has_failed
    for attempt in (1, 2):
        with pytest.raises(ElectronFailed):
            dispatch.run(0, attempt)
    item = dispatch.item(0)
    assert (item["status"], item["attempt"], item["failures"]) == ("FAILED", "2", "3")
    assert dispatch.has_failed


def test_service_retries_do_not_count_as_failures(dispatch: Dispatch) -> None:
    def boom() -> None:
        raise ValueError

    dispatch.add(0, boom, retries=1)
    with pytest.raises(ElectronFailed):
        dispatch.run(0, attempt=4)
    assert dispatch.status(0) == "RUNNING"


def test_a_retry_that_succeeds_clears_the_error(dispatch: Dispatch, tmp_path: Any) -> None:
    mark = tmp_path / "mark"

    def second_time() -> str:
        if not mark.exists():
            mark.touch()
            raise ValueError
        return "done"

    fail(dispatch, second_time, retries=1)
    started = dispatch.item(0)["started"]
    dispatch.run(0, attempt=1)
    assert dispatch.value(0) == "done"
    assert dispatch.item(0)["started"] == started
    assert dispatch.error(0) == ""
    assert not dispatch.has_failed


def test_a_repeated_delivery_of_a_failed_try_answers_at_once(dispatch: Dispatch) -> None:
    def boom() -> None:
        raise ValueError

    fail(dispatch, boom, retries=1)
    with pytest.raises(ElectronFailed):
        dispatch.run(0, attempt=0)
    assert dispatch.item(0)["failures"] == "1"


def test_a_failed_electron_fails_again_without_running(dispatch: Dispatch) -> None:
    def boom() -> None:
        raise ValueError

    fail(dispatch, boom)
    before = dispatch.item(0)
    with pytest.raises(ElectronFailed, match="had failed"):
        dispatch.run(0, attempt=1)
    assert dispatch.item(0) == before


def test_a_late_failure_gives_way_to_a_result(dispatch: Dispatch) -> None:
    """While the first try still fails, the next one has come and completed."""
    late = dispatch.store.commit

    def overtake(*args: Any, **more: Any) -> bool:
        del vars(dispatch.store)["commit"]
        dispatch.complete(0, "from another try")
        return late(*args, **more)

    vars(dispatch.store)["commit"] = overtake

    def boom() -> None:
        raise ValueError

    dispatch.add(0, boom)
    dispatch.run(0)
    assert dispatch.value(0) == "from another try"
    assert not dispatch.has_failed


def test_who_waits_too_long_answers_before_its_time_is_up(dispatch: Dispatch) -> None:
    dispatch.set_record(0, status={"S": Status.RUNNING.value}, attempt={"N": "0"})
    dispatch.add(0, lambda: None)
    dispatch.publish()
    left = iter([30.0, 1.0])
    with pytest.raises(ElectronFailed, match="has not ended"):
        handle(dispatch.store, Run(DISPATCH_ID, 0, 0), lambda: next(left))


def test_a_fork_that_returns_has_no_say(dispatch: Dispatch) -> None:
    def forking() -> str:
        import os

        child = os.fork()
        if child == 0:
            return "child"
        os.waitpid(child, 0)
        return "parent"

    assert dispatch.call(forking) == "parent"
