"""Circuits on the simulators that come with Braket's SDK."""

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pennylane as qml
import psutil
import pytest
from pennylane import numpy as np

import covalent as ct

pytestmark = pytest.mark.quantum
EXACT = [0, np.cos(0.1) * np.cos(0.05)]
"""What the example gives for [0.5, 0.1]."""


def example(executors: Any, shots: int | None = 1024) -> Any:
    """The circuit of the reference."""

    @ct.qelectron(executors=executors)
    @qml.set_shots(shots)
    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(x: Sequence[float]) -> Any:
        qml.IQPEmbedding(features=x, wires=[0, 1])
        qml.Hadamard(wires=1)
        return [qml.expval(qml.PauliZ(0)), qml.expval(qml.PauliZ(1))]

    return circuit


def executor(**settings: Any) -> Any:
    """One that uses threads: they are there at once."""
    return ct.executor.LocalBraketQubitExecutor(**{"num_threads": 2, **settings})


def test_a_device_of_ones_own_needs_nothing_of_ours() -> None:
    program = "import pennylane as qml; print(qml.device('braket.local.qubit', wires=1).name)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout


def test_the_example() -> None:
    circuit = example(executor(device="default", shots=1024))
    assert np.allclose(circuit([0.5, 0.1]), [0, 0.99], atol=0.15)
    futures = [circuit.run_later([0.6, -1.57]) for _ in range(3)]
    for future in futures:
        assert np.allclose(future.result(), [0, 0], atol=0.15)


def test_in_processes() -> None:
    before = psutil.Process().children()
    circuit = example(ct.executor.LocalBraketQubitExecutor(num_processes=1))
    assert np.allclose(circuit([0.5, 0.1]), EXACT)
    assert len({*psutil.Process().children()} - {*before}) == 1


@pytest.mark.parametrize("backend", ["default", "braket_sv", "braket_dm"])
@pytest.mark.filterwarnings("ignore:You are running a noise-free circuit")
def test_back_ends(backend: str) -> None:
    circuit = example(executor(backend=backend))
    assert np.allclose(circuit([0.5, 0.1]), EXACT), "exact: shots=None overrides"


def test_noise() -> None:
    @ct.qelectron(executors=executor(backend="braket_dm"))
    @qml.qnode(qml.device("default.mixed", wires=1))
    def circuit() -> Any:
        qml.BitFlip(0.1, wires=0)
        return qml.expval(qml.PauliZ(0))

    assert np.isclose(circuit(), 0.8)


def test_a_back_end_without_gates() -> None:
    with pytest.raises(ValueError, match="backend='braket_ahs' simulates Rydberg atoms, not gates"):
        example(executor(backend="braket_ahs"))([0.5, 0.1])


def test_no_back_end() -> None:
    with pytest.raises(ValueError, match=r"backend='nothing' is none of .*braket_sv"):
        example(executor(backend="nothing"))([0.5, 0.1])


def test_shots_of_the_qnode() -> None:
    @ct.qelectron(executors=executor(shots=0))
    @qml.set_shots(5)
    @qml.qnode(qml.device("default.qubit", wires=1))
    def circuit() -> Any:
        qml.PauliX(0)
        return qml.sample(qml.PauliZ(0))

    assert list(circuit()) == [-1] * 5


def test_shot_vectors() -> None:
    with pytest.raises(ValueError, match="no shot vectors"):
        example(executor(shots=0), shots=(10, 20))([0.5, 0.1])  # type: ignore[arg-type]  # PennyLane takes it


def test_gradients() -> None:
    @ct.qelectron(executors=executor())
    @qml.qnode(qml.device("default.qubit", wires=2), diff_method="parameter-shift")
    def circuit(a: Any, b: Any) -> Any:
        qml.RX(a, wires=0)
        qml.RY(b, wires=1)
        qml.CNOT(wires=[0, 1])
        return qml.expval(qml.PauliZ(1))

    a, b = np.array(0.3, requires_grad=True), np.array(0.4, requires_grad=True)
    expected = [-np.sin(a) * np.cos(b), -np.cos(a) * np.sin(b)]
    assert np.allclose(qml.grad(circuit)(a, b), expected)


def test_more_wires_than_the_circuit_has() -> None:
    @ct.qelectron(executors=executor())
    @qml.qnode(qml.device("default.qubit", wires=3))
    def circuit() -> Any:
        qml.PauliX(1)
        return qml.probs(wires=[0, 1, 2])

    assert np.allclose(circuit(), np.eye(8)[0b010])


def test_the_device_itself() -> None:
    device = executor(qnode_device_wires=2).execution_device()
    assert len(device.wires) == 2


@pytest.mark.parametrize("shots", [None, 100])
@pytest.mark.parametrize("name", ["LocalBraketQubitExecutor", "QiskitExecutor"])
def test_the_variance_of_a_sum_is_refused(name: str, shots: int | None) -> None:
    @ct.qelectron(executors=getattr(ct.executor, name)(shots=shots))
    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit() -> Any:
        return qml.var(qml.X(0) + qml.Z(1))

    with pytest.raises(ValueError, match=rf"{name}: .*no variance of a sum.*use a Simulator"):
        circuit()
