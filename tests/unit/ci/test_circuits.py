"""What the check of the reference's circuits lets pass, and what it tells."""

import math
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[3] / ".ci"))
circuits: Any = import_module("reference.circuits")  # `.ci` is where no type checker looks

SHOTS = 1024


def told(shown: Any, exact: Any, written: Any, **meant: Any) -> list[str]:
    means = {"numbers": exact, "shots": None, "backend": "", **meant}
    return list(circuits.differences([("torch", shown)], [means], [("torch", written)]))


@pytest.mark.parametrize(
    ("shown", "written", "fault"),
    [
        ([0.25, 0.75], [0.25, 0.75], None),
        ([0.25 + 2e-7, 0.75], [0.25004, 0.74996], None),
        ([0.25 + 2e-6, 0.75], [0.25, 0.75], "it showed"),
        ([0.25, 0.75], [0.2501, 0.75], "the reference has"),
        ([0.25], [0.25, 0.75], "it showed"),
        ([0.25, 0.75], [0.25], "the reference has"),
    ],
)
def test_without_shots_values_are_equal(
    shown: list[float], written: list[float], fault: str | None
) -> None:
    found = told(shown, [0.25, 0.75], written)
    assert [each.startswith(fault or "-") for each in found] == ([True] if fault else [])


def test_with_shots_values_are_as_near_as_chance_has_them() -> None:
    sigma = math.sqrt(0.25 * 0.75 / SHOTS)
    for far, faults in ((4.5 * sigma, 0), (6 * sigma, 1)):
        assert (
            len(told([0.25 + far, 0.75 - far], [0.25, 0.75], [0.25, 0.75], shots=SHOTS)) == faults
        )
    sigma = 1 / math.sqrt(SHOTS)
    for far, faults in ((4.5 * sigma, 0), (6 * sigma, 1)):
        assert len(told([far], [0.0], [0.0], shots=SHOTS)) == faults


def test_a_noisy_device_may_be_a_little_further_off() -> None:
    for shown, backend, faults in ((0.15, "", 1), (0.15, "ibmq_lima", 0), (0.25, "ibmq_lima", 1)):
        exact, found = [0.05, 0.95], [shown, 1 - shown]
        assert len(told(found, exact, exact, shots=SHOTS, backend=backend)) == faults


def test_kinds_and_numbers_of_values() -> None:
    means = {"numbers": [1.0], "shots": None, "backend": ""}
    (kind,) = circuits.differences([("jax", [1.0])], [means], [("torch", [1.0])])
    assert kind == "it showed a value of jax, not of torch"
    (number,) = circuits.differences([], [means], [("torch", [1.0])])
    assert number.startswith("it showed 0 values of 1, not 1")


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_a_mean_is_twice_as_far_off_as_its_probability(shots: int, probability: float) -> None:
    of_mean = circuits.chance(2 * probability - 1, shots, is_mean=True)
    assert of_mean == pytest.approx(2 * circuits.chance(probability, shots, is_mean=False))
    assert of_mean <= 5 / math.sqrt(shots) + 9 / shots
