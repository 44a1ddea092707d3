"""A job that was not heard of is told from one that took too long."""

import time

import pytest

from .conftest import Dispatch

HOUR = 3600


@pytest.mark.parametrize("error", ["States.HeartbeatTimeout", "States.Timeout"])
def test_a_silent_machine(dispatch: Dispatch, error: str) -> None:
    dispatch.add(0, abs, heartbeat=60)
    dispatch.report(0, error=error)
    assert dispatch.status(0) == "FAILED"
    assert dispatch.error(0).startswith("States.HeartbeatTimeout: electron 0 was lost: its machine")
    assert "spot instance" in dispatch.error(0)
    assert dispatch.has_failed


def test_a_machine_that_was_silent_long_before_the_limit(dispatch: Dispatch) -> None:
    dispatch.add(0, abs, heartbeat=60, time_limit=HOUR)
    dispatch.set_record(
        0, status={"S": "RUNNING"}, started={"N": str(int((time.time() - 60) * 1_000_000))}
    )
    dispatch.report(0, error="States.Timeout")
    assert "silent" in dispatch.error(0)


def test_an_electron_that_took_too_long(dispatch: Dispatch) -> None:
    dispatch.add(0, abs, heartbeat=60, time_limit=HOUR)
    began = int((time.time() - HOUR - 1) * 1_000_000)
    dispatch.set_record(0, status={"S": "RUNNING"}, started={"N": str(began)})
    dispatch.report(0, error="States.Timeout")
    assert (
        dispatch.error(0)
        == "States.Timeout: electron 0 did not end within its time limit of 3600 s"
    )


def test_a_limit_that_passed_before_the_electron_began(dispatch: Dispatch) -> None:
    dispatch.add(0, abs, heartbeat=60, time_limit=HOUR)
    dispatch.report(0, error="States.Timeout")
    assert "time limit of 3600 s" in dispatch.error(0)


def test_the_runner_says_itself_that_time_was_up(dispatch: Dispatch) -> None:
    dispatch.add(0, abs, heartbeat=60, time_limit=2)
    cause = "electron 0 did not end within its time limit of 2 s"
    dispatch.report(0, error="TimeLimitExceeded", cause=cause)
    assert dispatch.error(0) == f"TimeLimitExceeded: {cause}"


def test_an_electron_that_was_cancelled_stays_so(dispatch: Dispatch) -> None:
    dispatch.add(0, abs, heartbeat=60)
    dispatch.set_record(0, status={"S": "CANCELLED"}, ended={"N": "5"})
    dispatch.report(0, error="States.HeartbeatTimeout")
    assert dispatch.status(0) == "CANCELLED"
