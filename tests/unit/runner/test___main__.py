"""`python -m covalent_runner`: one electron in a process of its own."""

from typing import Any

import pytest

from covalent_contracts.envelope import ELECTRON, TIME_LIMIT
from covalent_runner import __main__ as runner
from covalent_runner.exits import AGAIN, COMMITTED, FAILED, NOT_STARTED, TIMED_OUT

from .conftest import DISPATCH_ID, Dispatch, Program


@pytest.fixture
def execute(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the program for one try of a node."""
    monkeypatch.setattr(runner, "store", lambda: dispatch.store)
    monkeypatch.delenv(TIME_LIMIT, raising=False)

    def run(node: int | str, attempt: int = 0, *more: str, **variables: str) -> int:
        dispatch.publish()
        words = " ".join([DISPATCH_ID, str(node), str(attempt), *more])
        monkeypatch.setenv(ELECTRON, words)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return runner.main()

    return run


def fail() -> None:
    raise ValueError("no luck")


def test_what_succeeds_is_committed(dispatch: Dispatch, execute: Any) -> None:
    dispatch.add(0, lambda: 42)
    assert execute(0) == COMMITTED
    assert dispatch.value(0) == 42
    assert execute(0) == COMMITTED, "a second job finds it done"


def test_what_fails_is_recorded(dispatch: Dispatch, execute: Any) -> None:
    dispatch.add(0, fail)
    assert execute(0) == FAILED
    assert "no luck" in dispatch.error(0)


def test_what_needs_something_that_failed_does_not_run(dispatch: Dispatch, execute: Any) -> None:
    dispatch.add(0, fail)
    dispatch.add(1, lambda value: value, inputs=(0,), args=(0,))
    assert execute(0) == FAILED
    assert execute(1) == NOT_STARTED
    assert dispatch.status(1) is None


def test_a_job_that_lost_its_machine_is_claimed_by_the_next_attempt(
    dispatch: Dispatch, execute: Any
) -> None:
    dispatch.add(0, lambda: "again")
    dispatch.publish()
    assert dispatch.store.claim(DISPATCH_ID, 0, 0, 1).won  # and then its machine was taken away
    assert execute(0, 0, AWS_BATCH_JOB_ATTEMPT="2") == COMMITTED
    assert dispatch.value(0) == "again"


def test_tries_of_step_functions_come_after_all_attempts_of_batch(
    dispatch: Dispatch, execute: Any
) -> None:
    dispatch.add(0, fail, retries=1)
    dispatch.publish()
    assert execute(0, 0, AWS_BATCH_JOB_ATTEMPT="10") == FAILED
    assert dispatch.status(0) == "RUNNING"
    assert execute(0, 1, AWS_BATCH_JOB_ATTEMPT="1") == FAILED
    assert dispatch.status(0) == "FAILED"
    assert dispatch.item(0)["attempt"] == "10"


@pytest.mark.parametrize(
    ("limit", "code", "expected"),
    [
        ("0", "sys.exit(7)", 7),
        ("60", "os.kill(os.getpid(), 9)", 137),
        ("60", "os.kill(os.getppid(), 15); time.sleep(600)", 143),
        ("0.5", "time.sleep(600)", TIMED_OUT),
    ],
)
def test_another_process_looks_after_the_time(
    dispatch: Dispatch, execute: Any, program: Program, limit: str, code: str, expected: int
) -> None:
    program(code)
    dispatch.add(0, lambda: 42)
    assert execute(0, 0, **{TIME_LIMIT: limit}) == expected
    assert dispatch.status(0) is None


def test_a_job_of_an_array_finds_its_electron(dispatch: Dispatch, execute: Any) -> None:
    for node in (2, 4, 6, 9):
        dispatch.add(node, lambda node=node: node)
    for index, node in enumerate((2, 4, 6, 9)):
        assert execute("2:7:2,9:10:1", AWS_BATCH_JOB_ARRAY_INDEX=str(index)) == COMMITTED
        assert dispatch.value(node) == node


def test_a_job_that_is_none_of_an_array_may_be_told_an_index(
    dispatch: Dispatch, execute: Any
) -> None:
    dispatch.add(7, lambda: 42)
    assert execute(7, AWS_BATCH_JOB_ARRAY_INDEX="0") == COMMITTED
    assert dispatch.value(7) == 42


def test_a_try_after_that_in_an_array_is_a_later_one(dispatch: Dispatch, execute: Any) -> None:
    """Whether the first one was lost with its process, after Batch had started it three times, or failed."""
    dispatch.add(0, lambda: "again", retries=1)
    dispatch.add(1, fail, retries=1)
    dispatch.publish()
    dispatch.store.claim(DISPATCH_ID, 0, 2, 1)
    assert execute("0:2:1", AWS_BATCH_JOB_ARRAY_INDEX="1", AWS_BATCH_JOB_ATTEMPT="1") == AGAIN
    assert dispatch.status(1) == "RUNNING"
    assert execute(0, 1, AWS_BATCH_JOB_ATTEMPT="1") == COMMITTED
    assert execute(1, 1, AWS_BATCH_JOB_ATTEMPT="1") == FAILED
    assert dispatch.status(1) == "FAILED"


def test_a_job_of_an_array_says_whether_to_start_it_again(dispatch: Dispatch, execute: Any) -> None:
    dispatch.add(0, fail, retries=2)
    first = {"AWS_BATCH_JOB_ARRAY_INDEX": "0"}
    codes = [execute("0:1:1", **first, AWS_BATCH_JOB_ATTEMPT=str(i)) for i in (1, 2, 3, 4)]
    assert codes == [AGAIN, AGAIN, FAILED, FAILED]
    assert "no luck" in dispatch.error(0)


def test_only_the_jobs_of_arrays_do(dispatch: Dispatch, execute: Any) -> None:
    dispatch.add(0, fail, retries=1)
    assert execute(0) == FAILED
