"""`python -m covalent_runner`: one electron in a process of its own."""

from collections.abc import Callable
from typing import Any

import pytest

from covalent_contracts.envelope import ELECTRON, TIME_LIMIT
from covalent_runner import __main__ as runner
from covalent_runner import run
from covalent_runner.exits import AGAIN, COMMITTED, FAILED, NOT_STARTED, TIMED_OUT

from .conftest import DISPATCH_ID, Dispatch, Program


@pytest.fixture
def execute(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the program for one try of a node."""
    monkeypatch.setattr(runner, "store", lambda: dispatch.store)
    monkeypatch.delenv(TIME_LIMIT, raising=False)

    def execute(node: int | str, attempt: int = 0, *more: str, **variables: str) -> int:
        dispatch.publish()
        words = " ".join([DISPATCH_ID, str(node), str(attempt), *more])
        monkeypatch.setenv(ELECTRON, words)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return runner.main()

    return execute


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


class Rival:
    """Another job for electron 0, at which it is while this one waits; and the clock."""

    def __init__(self, dispatch: Dispatch, *steps: Callable[[], None]) -> None:
        self.dispatch, self.steps, self.now = dispatch, [*steps], 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.steps:
            self.steps.pop(0)()

    def live(self) -> None:
        """Give a sign of life at the last moment."""
        self.now += run.SILENCE - 2 * run.JOBS_PAUSE
        self.dispatch.store.show_life(DISPATCH_ID, 0, self.claim, int(self.now))

    def begin(self, attempt: int) -> None:
        self.claim = self.dispatch.store.claim(DISPATCH_ID, 0, attempt, 1)
        assert self.claim.won

    def complete(self) -> None:
        self.dispatch.complete(0, "the other's")


@pytest.fixture
def rival(dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch) -> Rival:
    found = Rival(dispatch)
    monkeypatch.setattr(run, "time", found)
    dispatch.publish()
    return found


OF_ARRAY = {"AWS_BATCH_JOB_ARRAY_INDEX": "0"}


@pytest.mark.parametrize("node", [0, "0:1:1"])
@pytest.mark.parametrize("attempt", [0, 2])
def test_a_job_waits_for_another_one_of_its_try_that_batch_has_started_again(
    dispatch: Dispatch, execute: Any, rival: Rival, attempt: int, node: int | str
) -> None:
    """The answer to a submission was lost, so there are two jobs, and the other one has lost its machine."""
    dispatch.add(0, fail)
    rival.begin(attempt)
    rival.steps = [lambda: rival.begin(attempt + 1), rival.complete]
    assert execute(node, 0, **OF_ARRAY, AWS_BATCH_JOB_ATTEMPT="1") == COMMITTED
    assert dispatch.value(0) == "the other's"


def test_nobody_waits_for_a_job_that_step_functions_has_given_up(
    dispatch: Dispatch, execute: Any, rival: Rival
) -> None:
    dispatch.add(0, fail)
    rival.begin(10)
    assert execute(0, 0, AWS_BATCH_JOB_ATTEMPT="3") == FAILED
    assert rival.now == 0


def test_a_job_waits_for_another_one_as_long_as_that_lives(
    dispatch: Dispatch, execute: Any, rival: Rival
) -> None:
    dispatch.add(0, fail)
    rival.begin(0)
    rival.steps = [rival.live, rival.live, rival.live, rival.complete]
    assert execute(0, 0, AWS_BATCH_JOB_ATTEMPT="1") == COMMITTED
    assert rival.now > 2 * run.SILENCE


def test_a_job_does_not_wait_for_ever(dispatch: Dispatch, execute: Any, rival: Rival) -> None:
    """The other one was killed, and nobody will start it again."""
    dispatch.add(0, fail)
    rival.begin(0)
    rival.steps = [rival.live]
    assert execute(0, 0, AWS_BATCH_JOB_ATTEMPT="1") == FAILED
    assert run.SILENCE < rival.now < 2 * run.SILENCE + run.JOBS_PAUSE
    assert dispatch.status(0) == "RUNNING", "whoever waits for this job decides what comes now"


def test_what_failed_in_another_job_is_tried_again_by_either(
    dispatch: Dispatch, execute: Any, rival: Rival
) -> None:
    """If it is the job that nobody has started again, it is this one."""
    dispatch.add(0, fail, retries=3)
    rival.begin(1)
    rival.steps = [
        lambda: dispatch.set_record(
            0, status={"S": "RUNNING"}, attempt={"N": "1"}, error={"S": "x"}, failures={"N": "1"}
        )
    ]
    codes = [execute("0:1:1", **OF_ARRAY, AWS_BATCH_JOB_ATTEMPT=str(i)) for i in (1, 2, 3)]
    assert codes == [AGAIN, AGAIN, AGAIN]
    assert dispatch.item(0)["failures"] == "2", "the third start was the first that ran it"


def test_only_the_jobs_of_arrays_do(dispatch: Dispatch, execute: Any) -> None:
    dispatch.add(0, fail, retries=1)
    assert execute(0) == FAILED
