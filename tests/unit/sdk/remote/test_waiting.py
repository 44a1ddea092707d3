from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from covalent._results_manager.waiting import PATIENCE, wait_until_final
from covalent_contracts.errors import NotFound, Unavailable
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
