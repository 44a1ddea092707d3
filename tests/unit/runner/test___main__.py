"""`python -m covalent_runner`: one electron in a process of its own."""

from typing import Any

import pytest

from covalent_contracts.envelope import ELECTRON, TIME_LIMIT
from covalent_runner import __main__ as runner
from covalent_runner.exits import COMMITTED, FAILED, NOT_STARTED, TIMED_OUT

from .conftest import DISPATCH_ID, Dispatch, Program


@pytest.fixture
def execute(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the program for one try of a node."""
    monkeypatch.setattr(runner, "store", lambda: dispatch.store)
    monkeypatch.delenv(TIME_LIMIT, raising=False)

    def run(node: int, attempt: int = 0, *more: str, **variables: str) -> int:
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
