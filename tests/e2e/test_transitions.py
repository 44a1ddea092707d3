"""What a run costs: billed state transitions, counted in the execution history."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.running import Server

import covalent as ct


@ct.electron
def step(*_: Any) -> int:
    return 0


def chain() -> Any:
    value = step()
    for _ in range(9):
        value = step(value)
    return value


def fan_out() -> Any:
    source = step()
    return [step(source) for _ in range(10)]


def diamond() -> Any:
    top = step()
    return step(step(top), step(top))


def letter_n() -> Any:
    a, b = step(), step()
    return step(a), step(a, b)


@pytest.mark.parametrize(
    ("body", "electrons", "forks_and_gates"),
    [(chain, 10, 0), (fan_out, 11, 1), (diamond, 4, 1), (letter_n, 4, 2)],
)
def test_transitions(
    server: Server, body: Callable[[], Any], electrons: int, forks_and_gates: int
) -> None:
    dispatch_id = ct.dispatch(ct.lattice(body))()
    assert ct.get_result(dispatch_id, wait=True).status == "COMPLETED"
    entered = [e for e in server.history(dispatch_id) if e["type"].endswith("StateEntered")]
    assert len(entered) <= electrons + forks_and_gates
