"""A quantum electron gives what the bare QNode gives, whatever the circuit, and whatever executors run it."""

from typing import Any

import numpy as np
import pennylane as qml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import covalent as ct
from tests.quantum.circuits import MEASURES, WIRES, circuit_of, instructions

pytestmark = pytest.mark.quantum

SIMULATORS = {
    "threads": [ct.executor.Simulator(workers=2)],
    "processes": [ct.executor.Simulator(parallel="process", workers=2)],
    "here": [ct.executor.Simulator(parallel=False)],
    "lightning": [ct.executor.Simulator(device="lightning.qubit")],
    "mixed": [ct.executor.Simulator(), ct.executor.Simulator(device="lightning.qubit")],
}
LABELS = [[0, 1, 2], ["a", "b", "c"], [7, 3, 5], [2, 1, 0]]
settings.register_profile("quantum", deadline=None, max_examples=25)
settings.load_profile("quantum")


def same(one: Any, other: Any) -> None:
    """Equal values in equal containers."""
    if isinstance(one, dict):
        assert list(one) == list(other)
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list | tuple):
        assert type(one) is type(other)
        assert len(one) == len(other)
        for each in zip(one, other, strict=True):
            same(*each)
    else:
        np.testing.assert_allclose(one, other, atol=1e-7)


@pytest.mark.parametrize("executors", SIMULATORS)
@given(
    program=instructions,
    measure=st.sampled_from(sorted(MEASURES)),
    labels=st.sampled_from(LABELS),
    scale=st.floats(-2, 2),
)
def test_results_equal_the_bare_qnode(
    executors: str, program: Any, measure: str, labels: list[Any], scale: float
) -> None:
    bare = qml.QNode(
        circuit_of(program, labels, measure), qml.device("default.qubit", wires=labels)
    )
    ours = ct.qelectron(bare, executors=SIMULATORS[executors])
    same(ours(scale), bare(scale))


@given(program=instructions, measure=st.sampled_from(sorted(MEASURES)), scale=st.floats(-2, 2))
def test_without_wires_the_order_is_that_of_the_circuit(
    program: Any, measure: str, scale: float
) -> None:
    bare = qml.QNode(circuit_of(program, [0, 1, 2], measure), qml.device("default.qubit"))
    same(ct.qelectron(bare)(scale), bare(scale))


@pytest.mark.parametrize("method", ["parameter-shift", "adjoint", "finite-diff", "best"])
@given(program=instructions, labels=st.sampled_from(LABELS), scale=st.floats(-2, 2))
@settings(max_examples=10)
def test_gradients_equal_the_bare_qnode(
    method: str, program: Any, labels: list[Any], scale: float
) -> None:
    circuit = circuit_of(program, labels, "expval")
    device = qml.device("default.qubit", wires=labels)
    bare = qml.QNode(circuit, device, diff_method=method)  # type: ignore[arg-type]  # one of its names
    at = qml.numpy.array(scale, requires_grad=True)
    close = 1e-5 if method == "finite-diff" else 1e-7
    ours = qml.grad(ct.qelectron(bare, executors=SIMULATORS["processes"]))(at)
    np.testing.assert_allclose(ours, qml.grad(bare)(at), atol=close)


@given(program=instructions, points=st.lists(st.floats(-2, 2), min_size=1, max_size=5))
def test_later_is_what_now_is(program: Any, points: list[float]) -> None:
    device = qml.device("default.qubit", wires=WIRES)
    ours = ct.qelectron(qml.QNode(circuit_of(program, [0, 1, 2], "several"), device))
    futures = [ours.run_later(each) for each in points]
    same([each.result() for each in futures], [ours(each) for each in points])
