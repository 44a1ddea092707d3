from __future__ import annotations

import math
from typing import TYPE_CHECKING

import httpx
import pytest

from covalent._results_manager.waiting import (
    COST,
    PATIENCE,
    SETTLING,
    settled,
    wait_until_final,
)
from covalent_contracts.errors import NotFound, Refused, Unavailable
from covalent_contracts.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.sdk.remote.conftest import ControlPlane

    from covalent._dispatch.client import Client


class Clock:
    """Time passes only where somebody sleeps; `at` holds what happens at which time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.at: list[tuple[float, Callable[[], None]]] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        for due in [each for each in self.at if each[0] <= self.now]:
            self.at.remove(due)
            due[1]()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_pauses_grow_with_the_time_waited(
    client: Client, plane: ControlPlane, dispatched: str, clock: Clock
) -> None:
    clock.at = [(100, plane.run)]
    summary = wait_until_final(client, dispatched, clock.sleep, clock)
    assert summary.status is Status.COMPLETED
    assert clock.pauses[0] == 0.01
    assert clock.pauses == sorted(clock.pauses)
    assert max(clock.pauses) == 2
    assert len(plane.log) < 120
    assert clock.now < 103


def test_a_busy_service_is_waited_for(
    client: Client, plane: ControlPlane, dispatched: str, clock: Clock
) -> None:
    plane.faults.extend([httpx.Response(status) for status in (429, 500, 503)] * 200)
    clock.at = [(50, plane.run)]
    assert wait_until_final(client, dispatched, clock.sleep, clock).status is Status.COMPLETED


def test_a_server_that_restarts_is_waited_for(
    client: Client, plane: ControlPlane, dispatched: str, clock: Clock
) -> None:
    def go_away() -> None:
        plane.faults = [httpx.ConnectError("refused")] * 10_000

    def come_back() -> None:
        plane.faults = []

    clock.at = [(5, go_away), (5 + PATIENCE / 2, come_back), (45, plane.run)]
    assert wait_until_final(client, dispatched, clock.sleep, clock).status is Status.COMPLETED


def test_a_server_that_is_back_with_another_token_is_found_again(
    client: Client, plane: ControlPlane, dispatched: str, clock: Clock
) -> None:
    refused = httpx.Response(401)
    plane.faults = [None, httpx.ConnectError("refused"), refused, refused]
    clock.at = [(1, plane.run)]
    asked: list[float] = []

    def again() -> Client:
        asked.append(clock.now)
        return client

    summary = wait_until_final(client, dispatched, clock.sleep, clock, again=again)
    assert summary.status is Status.COMPLETED
    assert len(asked) == 3


def test_a_token_that_stays_wrong_is_not_waited_for_longer(
    client: Client, plane: ControlPlane, dispatched: str, clock: Clock
) -> None:
    plane.faults = [None, *[httpx.Response(401)] * 10_000]
    with pytest.raises(Refused, match="covalent start"):
        wait_until_final(client, dispatched, clock.sleep, clock)
    assert PATIENCE < clock.now < PATIENCE + 5


def test_a_server_that_went_away_right_after_the_start_is_waited_for(
    client: Client, plane: ControlPlane, dispatched: str, clock: Clock
) -> None:
    plane.faults = [httpx.ConnectError("refused")]
    clock.at = [(1, plane.run)]
    summary = wait_until_final(client, dispatched, clock.sleep, clock, started=0.0)
    assert summary.status is Status.COMPLETED


def test_a_server_that_stays_away_is_unavailable(
    client: Client, plane: ControlPlane, dispatched: str, clock: Clock
) -> None:
    plane.faults = [None, *[httpx.ConnectError("refused")] * 10_000]
    with pytest.raises(Unavailable, match="covalent start"):
        wait_until_final(client, dispatched, clock.sleep, clock)
    assert PATIENCE < clock.now < PATIENCE + 5


def test_a_server_that_was_never_there_is_not_waited_for(
    client: Client, plane: ControlPlane, dispatched: str, clock: Clock
) -> None:
    plane.faults = [httpx.ConnectError("refused")]
    with pytest.raises(Unavailable):
        wait_until_final(client, dispatched, clock.sleep, clock)
    assert not clock.pauses


def test_an_unknown_id_is_not_waited_for(client: Client, clock: Clock) -> None:
    with pytest.raises(NotFound):
        wait_until_final(client, "00000000-0000-4000-8000-000000000000", clock.sleep, clock)


def test_ctrl_c_ends_the_waiting_only(
    client: Client, plane: ControlPlane, dispatched: str, clock: Clock
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wait_until_final(client, dispatched, interrupt, clock)
    assert plane.log == [f"GET /dispatches/{dispatched}"]


def test_nobody_asks_in_the_first_moment_after_the_start(
    client: Client, plane: ControlPlane, dispatched: str, clock: Clock
) -> None:
    clock.now = 7.004
    clock.at = [(7.01, plane.run)]
    wait_until_final(client, dispatched, clock.sleep, clock, started=7.0)
    assert clock.pauses == [pytest.approx(0.006)]
    assert plane.log == [f"GET /dispatches/{dispatched}"]


def test_a_dispatch_of_long_ago_is_asked_for_at_once(
    client: Client, plane: ControlPlane, dispatched: str, clock: Clock
) -> None:
    clock.now = 5.0
    clock.at = [(5.01, plane.run)]
    wait_until_final(client, dispatched, clock.sleep, clock, started=0.0)
    assert clock.pauses == [pytest.approx(0.5)]  # a tenth of the time since then


@pytest.mark.parametrize("ends", [0.05, 0.3, 1.5, 10, 60])
def test_asking_and_being_late_take_little_of_the_time(
    client: Client, plane: ControlPlane, dispatched: str, clock: Clock, ends: float
) -> None:
    clock.at = [(ends, plane.run)]
    wait_until_final(client, dispatched, clock.sleep, clock, started=0.0)
    late, asking = clock.now - ends, COST * len(plane.log)
    assert late <= max(0.11 * ends, 2 * math.sqrt(COST * ends) + COST)
    assert asking <= max(0.1 * ends, math.sqrt(COST * ends) + 4 * COST)


def test_what_is_done_is_waited_for_until_it_is_told(
    client: Client, plane: ControlPlane, dispatched: str, clock: Clock
) -> None:
    clock.at = [(1, plane.run)]
    assert settled(client, dispatched, clock.sleep, clock).status is Status.COMPLETED
    assert clock.now < 2


def test_but_not_for_ever(client: Client, dispatched: str, clock: Clock) -> None:
    assert settled(client, dispatched, clock.sleep, clock).status is Status.RUNNING
    assert SETTLING < clock.now < 2 * SETTLING
