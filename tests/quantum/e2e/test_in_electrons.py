"""Quantum electrons in electrons of every executor, on the embedded AWS, and what is kept of their circuits."""

import math
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import cloudpickle
import distributed
import pennylane as qml
import pytest

import covalent as ct
from covalent._quantum import records

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import the tests
pytestmark = [pytest.mark.quantum, pytest.mark.usefixtures("server")]

BRAKET = {
    "s3_bucket_name": "braket-s3-bucket",
    "ecr_repo_name": "braket_ecr_repo",
    "braket_job_execution_role_name": "covalent-braket-iam-role",
    "quantum_device": "arn:aws:braket:::device/quantum-simulator/amazon/sv1",
    "classical_device": "ml.m5.large",
    "storage": 30,
}
PLACES: dict[str, Callable[[], Any]] = {
    "local": ct.executor.LocalExecutor,
    "awslambda": ct.executor.AWSLambdaExecutor,
    "awsbatch": ct.executor.AWSBatchExecutor,
    "ecs": ct.executor.ECSExecutor,
    "ec2": lambda: ct.executor.EC2Executor(instance_type="t2.micro", volume_size=8),
    "braket": lambda: ct.executor.BraketExecutor(**BRAKET),
}


@ct.qelectron(executors=ct.executor.Simulator())
@qml.qnode(qml.device("default.qubit", wires=1))
def turned(angle: float) -> Any:
    qml.RX(angle, wires=0)
    return qml.expval(qml.PauliZ(0))


@ct.qelectron(executors=ct.executor.Simulator(persist_data=False))
@qml.qnode(qml.device("default.qubit", wires=1))
def unrecorded(angle: float) -> Any:
    qml.RX(angle, wires=0)
    return qml.expval(qml.PauliZ(0))


@ct.qelectron(executors=ct.executor.Simulator(parallel="process", workers=1, shots=50))
@qml.qnode(qml.device("default.qubit", wires=2))
def sampled(state: Any) -> Any:
    qml.QubitUnitary(state, wires=[0, 1])
    return qml.counts()


def ran(function: Any, *args: Any, **metadata: Any) -> Any:
    electron = ct.electron(function, **metadata)

    @ct.lattice
    def single(*values: Any) -> Any:
        return electron(*values)

    return ct.get_result(ct.dispatch(single)(*args), wait=True)


def value_of(angle: float) -> float:
    return float(turned(angle))


def check(result: Any, angle: float = 0.5) -> None:
    assert result.status == "COMPLETED", result.error
    assert result.result == pytest.approx(math.cos(angle))
    node = result.get_node_result(0)
    (circuit,) = node["qelectron_data"]
    assert circuit["executor"] == "Simulator"
    assert f"RX({angle:.4f})" in circuit["circuit"]
    assert (circuit["parameters"], circuit["shots"], circuit["error"]) == ([angle], None, None)
    assert circuit["result"] == pytest.approx(math.cos(angle))
    began, ended = circuit["start_time"], circuit["end_time"]
    assert isinstance(began, datetime)
    assert node["start_time"] <= began <= ended <= node["end_time"]


@pytest.mark.parametrize("place", PLACES)
def test_every_executor_keeps_the_circuits(place: str) -> None:
    check(ran(value_of, 0.5, executor=PLACES[place]()))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=1, threads_per_worker=2, dashboard_address=None, protocol="tcp"
    ) as made:
        yield made


def test_what_ran_in_a_dask_worker_comes_back(cluster: Any) -> None:
    check(ran(value_of, 0.5, executor=ct.executor.DaskExecutor(cluster.scheduler_address)))


def failing(angle: float) -> None:
    turned(angle)
    raise ValueError("after the circuit")


def test_what_a_failed_electron_has_run_is_kept(cluster: Any) -> None:
    for executor in ("local", ct.executor.DaskExecutor(cluster.scheduler_address)):
        result = ran(failing, 0.5, executor=executor)
        assert result.status == "FAILED"
        assert "after the circuit" in result.error
        (circuit,) = result.get_node_result(0)["qelectron_data"]
        assert circuit["result"] == pytest.approx(math.cos(0.5))


def both(angle: float) -> float:
    return float(unrecorded(angle)) + float(turned(0.0))


def test_persist_data_is_asked_of_each_executor() -> None:
    assert ran(lambda: float(unrecorded(0.5))).get_node_result(0)["qelectron_data"] is None
    result = ran(both, 0.5)
    (circuit,) = result.get_node_result(0)["qelectron_data"]
    assert circuit["parameters"] == [0.0]


def later() -> list[float]:
    """Several ways to be on another thread."""
    futures = [turned.run_later(angle) for angle in (0.1, 0.2)]
    values = [float(each.result()) for each in futures]
    thread = threading.Thread(target=lambda: values.append(float(turned(0.3))))
    thread.start()
    thread.join()
    return values


def test_circuits_of_all_threads_are_kept() -> None:
    circuits = ran(later).get_node_result(0)["qelectron_data"]
    assert sorted(float(each["parameters"][0]) for each in circuits) == [0.1, 0.2, 0.3]


def gradient() -> float:
    angle = qml.numpy.array(0.5, requires_grad=True)
    return float(qml.grad(turned)(angle))


def test_each_circuit_of_a_gradient_is_kept() -> None:
    result = ran(gradient)
    assert result.result == pytest.approx(-math.sin(0.5))
    circuits = result.get_node_result(0)["qelectron_data"]
    shifted = {round(float(each["parameters"][0]), 4) for each in circuits}
    assert {round(0.5 + math.pi / 2, 4), round(0.5 - math.pi / 2, 4)} <= shifted


def test_circuits_of_other_processes_are_kept() -> None:
    result = ran(lambda: sampled(qml.numpy.eye(4)))
    assert result.result == {"00": 50}
    (circuit,) = result.get_node_result(0)["qelectron_data"]
    assert (circuit["shots"], circuit["result"]) == (50, {"00": 50})


def test_an_electron_without_circuits_has_none() -> None:
    result = ran(lambda x: x, 1)
    assert [node["qelectron_data"] for node in result.get_all_node_results()] == [None] * 3


@ct.electron
def measure(angle: float) -> float:
    return float(turned(angle))


@ct.electron
@ct.lattice
def inner(angle: float) -> Any:
    return measure(angle) * 2


@ct.lattice
def outer(angle: float) -> Any:
    return inner(angle)


def test_in_a_sublattice() -> None:
    result = ct.get_result(ct.dispatch(outer)(0.5), wait=True)
    assert result.result == pytest.approx(2 * math.cos(0.5))
    inside = result.get_node_result(0)["sublattice_result"]
    assert len(inside.get_node_result(0)["qelectron_data"]) == 1


@ct.electron
def half(x: float) -> float:
    return x / 2


@ct.electron
def third(x: float) -> float:
    return x / 3


@ct.lattice
def chain(angle: float) -> float:
    return half(measure(angle))


def test_a_redispatch_and_a_saved_result_have_them_too() -> None:
    first = ct.dispatch(chain)(0.5)
    ct.get_result(first, wait=True)
    second = ct.redispatch(first, reuse_previous_results=True, replace_electrons={"half": third})()
    result = ct.get_result(second, wait=True)
    assert result.result == pytest.approx(math.cos(0.5) / 3)
    (circuit,) = result.get_node_result(0)["qelectron_data"]
    assert circuit["parameters"] == [0.5]
    copied = pickle.loads(pickle.dumps(result))
    assert copied.get_node_result(0)["qelectron_data"][0]["parameters"] == [0.5]


def test_outside_a_lattice_they_are_collected_on_demand() -> None:
    assert float(turned(0.5)) == pytest.approx(math.cos(0.5))
    with records.collecting() as kept:
        turned(0.7)
    assert [float(each.parameters[0]) for each in kept] == [0.7]


def test_such_an_electron_runs_where_the_sdk_is() -> None:
    from covalent._dispatch.pickles import names_covalent
    from covalent_contracts import pickling

    assert names_covalent(pickling.dumps(value_of))
    assert not names_covalent(pickling.dumps(half.electron_object.function))
