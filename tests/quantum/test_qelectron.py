"""`ct.qelectron`: a QNode subtype, its interfaces, shots, transforms, selectors, and what it refuses."""

import asyncio
import os
import threading
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cloudpickle
import jax
import numpy as np
import pennylane as qml
import pytest
import tensorflow as tf
import torch
from pydantic import Field

import covalent as ct
from covalent._quantum import records
from covalent._quantum.executors.base import (
    AsyncBaseQExecutor,
    BaseProcessPoolQExecutor,
    BaseThreadPoolQExecutor,
)
from covalent._quantum.qnode import QNodeQE
from covalent._quantum.records import CircuitRecord

pytestmark = pytest.mark.quantum
X = 0.4


class Noted(ct.executor.Simulator):
    """Remembers which circuits it was given."""

    seen: list[Any] = Field(default_factory=list)

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Any]:
        self.seen.append(list(qscripts_list))
        return super().batch_submit(qscripts_list)


def noted(**fields: Any) -> Noted:
    return Noted(**fields)


_WARM = ct.executor.Simulator(workers=1)


def warm(parallel: Any, **fields: Any) -> Any:
    """A simulator that shares its threads and its process with the others: one takes seconds to begin."""
    return _WARM.model_copy(update={"parallel": parallel, **fields})


def rotation(x: Any) -> Any:
    """Turn, and look."""
    qml.RX(x, wires=0)
    return qml.expval(qml.Z(0))


def electron(*executors: Any, device: Any = None, selector: Any = "cyclic", **of_qnode: Any) -> Any:
    qnode = qml.QNode(rotation, device or qml.device("default.qubit", wires=1), **of_qnode)
    return ct.qelectron(qnode, executors=list(executors) or None, selector=selector)


# The three ways to write it


def test_bare_with_arguments_and_as_a_call() -> None:
    device = qml.device("default.qubit", wires=1)

    @ct.qelectron
    @qml.qnode(device)
    def bare(x: Any) -> Any:
        return rotation(x)

    @ct.qelectron(executors=ct.executor.Simulator())
    @qml.qnode(device)
    def with_arguments(x: Any) -> Any:
        return rotation(x)

    called = ct.qelectron(qml.QNode(rotation, device), name="turn", description="It turns.")
    for each in (bare, with_arguments, called):
        assert isinstance(each, QNodeQE)
        assert isinstance(each, qml.QNode)
        assert each(X) == pytest.approx(np.cos(X))
    assert (bare.name, called.name, called.description) == ("bare", "turn", "It turns.")


def test_name_and_description_are_those_of_the_function() -> None:
    made = electron()
    assert (made.name, made.description) == ("rotation", "Turn, and look.")
    assert (made.__name__, made.__doc__) == ("rotation", "Turn, and look.")


def test_the_default_is_a_simulator_of_threads() -> None:
    (only,) = electron().cluster.executors
    assert (only.name, only.parallel) == ("Simulator", "thread")


def test_the_bare_qnode_is_left_alone() -> None:
    bare = qml.QNode(rotation, qml.device("default.qubit", wires=1))
    ct.qelectron(bare)
    assert type(bare) is qml.QNode
    assert bare.device.name == "default.qubit"


@pytest.mark.parametrize("wrong", [rotation, 3, "qnode", qml.device("default.qubit")])
def test_what_is_not_a_qnode_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="wraps a PennyLane QNode"):
        ct.qelectron(wrong)


def test_a_cluster_is_taken_as_it_is() -> None:
    cluster = ct.executor.QCluster(executors=[noted()], selector="random")
    qnode = qml.QNode(rotation, qml.device("default.qubit", wires=1))
    assert ct.qelectron(qnode, executors=cluster).cluster is cluster


# Interfaces


def test_autograd() -> None:
    at = qml.numpy.array(X, requires_grad=True)
    made = electron(interface="autograd")
    assert isinstance(made(at), np.ndarray | float)
    assert qml.grad(made)(at) == pytest.approx(-np.sin(X))
    assert qml.jacobian(qml.grad(electron(max_diff=2)))(at) == pytest.approx(-np.cos(X))


@pytest.mark.filterwarnings("ignore:diff_method='backprop'")
@pytest.mark.parametrize("at", [qml.numpy.array(X), np.array(X), X])
@pytest.mark.parametrize("method", ["best", "backprop", "parameter-shift"])
@pytest.mark.parametrize("shots", [None, 10])
def test_the_type_is_that_of_the_bare_qnode(at: Any, method: str, shots: int | None) -> None:
    if method == "backprop" and shots:
        return  # the bare QNode refuses it
    device = qml.device("default.qubit", wires=1)
    bare = qml.QNode(rotation, device, diff_method=method, shots=shots)
    assert type(ct.qelectron(bare)(at)) is type(bare(at))


def test_the_type_is_that_of_a_bare_qnode_without_backprop() -> None:
    bare = qml.QNode(rotation, qml.device("lightning.qubit", wires=1))
    assert type(ct.qelectron(bare)(qml.numpy.array(X))) is type(bare(qml.numpy.array(X)))


def test_the_types_in_a_structure_are_those_of_the_bare_qnode() -> None:
    def circuit(x: Any) -> Any:
        qml.RX(x, wires=0)
        return {"a": qml.expval(qml.Z(0)), "b": qml.probs(wires=0)}

    bare = qml.QNode(circuit, qml.device("default.qubit", wires=1))
    at = qml.numpy.array(X)
    ours, theirs = ct.qelectron(bare)(at), bare(at)
    assert {k: type(v) for k, v in ours.items()} == {k: type(v) for k, v in theirs.items()}
    np.testing.assert_allclose(ours["b"], theirs["b"])


def test_torch() -> None:
    at = torch.tensor(X, requires_grad=True, dtype=torch.float64)
    value = electron(interface="torch")(at)
    assert isinstance(value, torch.Tensor)
    value.backward()
    assert at.grad.item() == pytest.approx(-np.sin(X))


@pytest.mark.filterwarnings("ignore")
def test_tensorflow() -> None:
    at, made = tf.Variable(X, dtype=tf.float64), electron(interface="tf")
    with tf.GradientTape() as tape:
        value = made(at)
    assert isinstance(value, tf.Tensor)
    assert float(tape.gradient(value, at)) == pytest.approx(-np.sin(X))
    assert isinstance(made.run_later(X).result(), tf.Tensor)


@pytest.mark.parametrize("method", ["parameter-shift", "adjoint"])
def test_jax(method: str) -> None:
    made = electron(interface="jax", diff_method=method)
    assert isinstance(made(X), jax.Array)
    assert float(jax.grad(made)(X)) == pytest.approx(-np.sin(X), abs=1e-6)
    assert float(jax.jit(made)(X)) == pytest.approx(np.cos(X), abs=1e-6)
    assert float(jax.jit(jax.grad(made))(X)) == pytest.approx(-np.sin(X), abs=1e-6)


@pytest.mark.parametrize("method", ["parameter-shift", "adjoint"])
@pytest.mark.parametrize("device", ["default.qubit", "lightning.qubit"])
def test_jacobians_of_several_results(method: str, device: str) -> None:
    def circuit(x: Any) -> Any:
        qml.RX(x[0], wires="a")
        qml.CRY(x[1], wires=["a", "b"])
        return qml.expval(qml.Z("b")), qml.expval(qml.Z("a") @ qml.Y("b"))

    bare = qml.QNode(circuit, qml.device("default.qubit", wires=["b", "a"]), diff_method=method)
    made = ct.qelectron(bare, executors=ct.executor.Simulator(device=device))
    at = qml.numpy.array([0.3, 0.7], requires_grad=True)
    ours = qml.jacobian(lambda x: qml.math.stack(made(x)))(at)
    np.testing.assert_allclose(ours, qml.jacobian(lambda x: qml.math.stack(bare(x)))(at), atol=1e-7)


def test_adjoint_is_the_devices_own() -> None:
    executor = noted()
    made = electron(executor, diff_method="adjoint")
    qml.grad(made)(qml.numpy.array(X, requires_grad=True))
    assert sum(len(batch) for batch in executor.seen) == 1, "the derivative needed no more circuits"


def test_adjoint_derivatives_are_computed_where_circuits_run() -> None:
    class Noted(ct.executor.Simulator):
        def differentiate(self, qscript: Any) -> Any:
            threads.append(threading.current_thread())
            return super().differentiate(qscript)

    threads: list[threading.Thread] = []
    qml.grad(electron(Noted(), diff_method="adjoint"))(qml.numpy.array(X, requires_grad=True))
    assert threads
    assert threading.current_thread() not in threads


def test_where_adjoint_is_impossible_parameter_shifts_are_used() -> None:
    made = electron(ct.executor.Simulator(shots=None), ThreadsOfMine(), diff_method="adjoint")
    with pytest.warns(UserWarning, match="'parameter-shift' is used instead"):
        gradient = qml.grad(made)(qml.numpy.array(X, requires_grad=True))
    assert gradient == pytest.approx(-np.sin(X))


def test_shots_of_an_executor_make_adjoint_impossible() -> None:
    made = electron(ct.executor.Simulator(shots=10_000), diff_method="adjoint")
    with pytest.warns(UserWarning, match="'parameter-shift' is used instead"):
        gradient = qml.grad(made)(qml.numpy.array(X, requires_grad=True))
    assert gradient == pytest.approx(-np.sin(X), abs=0.05)  # seven standard deviations


def test_backprop_becomes_parameter_shift_with_one_warning() -> None:
    with pytest.warns(UserWarning, match="backprop.*parameter-shift") as told:
        made = electron(diff_method="backprop")
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert qml.grad(made)(qml.numpy.array(X, requires_grad=True)) == pytest.approx(-np.sin(X))


# Batches


def test_a_gradient_is_spread_over_the_cluster() -> None:
    one, two = noted(), noted()
    qml.grad(electron(one, two))(qml.numpy.array(X, requires_grad=True))
    assert [sum(map(len, each.seen)) for each in (one, two)] == [2, 1]


def test_a_batch_transform_is_spread_over_the_cluster() -> None:
    one, two = noted(), noted()

    @qml.transforms.split_non_commuting
    @ct.qelectron(executors=[one, two])
    @qml.qnode(qml.device("default.qubit", wires=1))
    def circuit(x: Any) -> Any:
        qml.RX(x, wires=0)
        return qml.expval(qml.Z(0)), qml.expval(qml.Y(0)), qml.expval(qml.X(0))

    assert isinstance(circuit, QNodeQE)
    np.testing.assert_allclose(circuit(X), [np.cos(X), -np.sin(X), 0], atol=1e-9)
    assert [sum(map(len, each.seen)) for each in (one, two)] == [2, 1]


def test_a_tracker_counts_circuits() -> None:
    made = electron()
    with qml.Tracker(made.device) as tracker:
        qml.grad(made)(qml.numpy.array(X, requires_grad=True))
    assert tracker.totals == {"batches": 2, "executions": 3}


def test_transforms_below_the_decorator_stay() -> None:
    bare = qml.transforms.split_non_commuting(
        qml.QNode(rotation, qml.device("default.qubit", wires=1))
    )
    assert ct.qelectron(bare)(X) == pytest.approx(np.cos(X))


def test_broadcast_parameters() -> None:
    np.testing.assert_allclose(electron()(np.array([0.1, 0.2])), np.cos([0.1, 0.2]))


def test_update_gives_a_quantum_electron() -> None:
    executor, device = noted(), qml.device("default.qubit", wires=1)
    first = ct.qelectron(
        qml.QNode(rotation, device), executors=executor, name="turn", description="It turns."
    )
    made = first.update(interface="torch")
    assert isinstance(made, QNodeQE)
    assert (made.name, made.description, made.original_device) == ("turn", "It turns.", device)
    assert made(X).item() == pytest.approx(np.cos(X))
    assert executor.seen


def test_a_quantum_electron_of_a_quantum_electron_has_its_device() -> None:
    executor = noted()
    first = electron(noted())
    second = ct.qelectron(first, executors=executor)
    assert second.original_device is first.original_device
    assert second(X) == pytest.approx(np.cos(X))
    assert executor.seen


def test_draw_and_specs() -> None:
    made = electron()
    assert "RX" in qml.draw(made)(X)
    assert qml.specs(made)(X)["resources"].num_gates == 1


@pytest.mark.parametrize("device", ["default.qubit", "lightning.qubit"])
def test_a_quantum_electron_travels(device: str) -> None:
    made = electron(device=qml.device(device, wires=1))
    assert cloudpickle.loads(cloudpickle.dumps(made))(X) == pytest.approx(np.cos(X))


# run_later


class ThreadsOfMine(BaseThreadPoolQExecutor):
    """The least that an executor needs."""


@pytest.mark.parametrize(
    ("base", "fields"),
    [
        (ct.executor.Simulator, {"workers": 4}),
        (BaseThreadPoolQExecutor, {"num_threads": 4}),
    ],
)
def test_calls_overlap(base: Any, fields: dict[str, Any]) -> None:
    gate = threading.Barrier(4)

    class Meeting(base):
        def run_circuit(self, *args: Any, **kwargs: Any) -> CircuitRecord:
            gate.wait(60)  # only passed when all four run at once
            found: CircuitRecord = super().run_circuit(*args, **kwargs)
            return found

    made = electron(Meeting(**fields))
    assert [each.result(60) for each in [made.run_later(X) for _ in range(4)]] == [
        pytest.approx(np.cos(X))
    ] * 4


def test_calls_choose_in_the_order_in_which_they_were_made() -> None:
    executors = [noted(), noted(), noted()]
    made = electron(*executors)
    for each in [made.run_later(place / 10) for place in range(30)]:
        each.result()
    for place, executor in enumerate(executors):
        angles = [batch[0].get_parameters(trainable_only=False)[0] for batch in executor.seen]
        assert angles == pytest.approx([each / 10 for each in range(place, 30, 3)])


def test_a_failed_call_does_not_hold_up_the_next() -> None:
    made = electron()
    wrong, right = made.run_later("no angle"), made.run_later(X)
    assert right.result(60) == pytest.approx(np.cos(X))
    with pytest.raises(Exception, match=r".+"):
        wrong.result(60)


def test_results_of_different_shapes_do_not_mix() -> None:
    @ct.qelectron
    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(n: int) -> Any:
        return [qml.expval(qml.Z(0)) for _ in range(n)]

    futures = [circuit.run_later(1 + place % 3) for place in range(30)]
    assert [len(each.result()) for each in futures] == [1, 2, 3] * 10


def test_coroutines_overlap() -> None:
    class Meeting(AsyncBaseQExecutor):
        async def run_circuit(  # type: ignore[override]  # the asynchronous executors await
            self, *args: Any, **kwargs: Any
        ) -> CircuitRecord:
            arrived.append(args)
            while len(arrived) < 3:  # only left when all three run at once
                assert time.monotonic() < end
                await asyncio.sleep(0.01)
            return await super().run_circuit(*args, **kwargs)

    arrived: list[Any] = []
    end = time.monotonic() + 60
    scripts = [qml.tape.QuantumScript([qml.RX(X, 0)], [qml.expval(qml.Z(0))])] * 3
    runs = Meeting()
    assert runs.batch_get_results(runs.batch_submit(scripts)) == pytest.approx([np.cos(X)] * 3)


@pytest.mark.parametrize(
    ("base", "fields"),
    [
        (ct.executor.Simulator, {"parallel": "process", "workers": 2}),
        (BaseProcessPoolQExecutor, {"num_processes": 2}),
    ],
)
def test_processes_overlap(base: Any, fields: dict[str, Any], tmp_path: Path) -> None:
    class Meeting(base):
        def run_circuit(self, qscript: Any, *more: Any) -> CircuitRecord:
            (tmp_path / str(os.getpid())).touch()
            end = time.monotonic() + 60
            while len(list(tmp_path.iterdir())) < 2:  # each waits for the file of the other
                assert time.monotonic() < end
                time.sleep(0.01)
            found: CircuitRecord = super().run_circuit(qscript, *more)
            return found

    made = electron(Meeting(**fields))
    futures = [made.run_later(X) for _ in range(2)]
    assert [each.result(100) for each in futures] == pytest.approx([np.cos(X)] * 2)
    assert not (tmp_path / str(os.getpid())).exists()


# Shots


def shots_of(executor: Noted) -> set[Any]:
    return {each.shots.total_shots for batch in executor.seen for each in batch}


@pytest.mark.parametrize(
    ("of_executor", "of_qnode", "expected"),
    [(0, 100, 100), (0, None, None), (None, 100, None), (7, 100, 7), (7, None, 7)],
)
def test_shots_are_overridden_unless_zero(of_executor: Any, of_qnode: Any, expected: Any) -> None:
    made = electron(ct.executor.Simulator(shots=of_executor), shots=of_qnode)
    with records.collecting() as kept:
        made(X)
    assert [each.shots for each in kept] == [expected]


@pytest.mark.filterwarnings("ignore::pennylane.exceptions.PennyLaneDeprecationWarning")
def test_shots_of_the_device() -> None:
    made = electron(device=qml.device("default.qubit", wires=1, shots=11))
    with records.collecting() as kept:
        made(X)
    assert [each.shots for each in kept] == [11]


def test_samples_have_as_many_shots_as_the_executor_says() -> None:
    @ct.qelectron(executors=ct.executor.Simulator(shots=5))
    @qml.qnode(qml.device("default.qubit", wires=1), shots=3)
    def circuit() -> Any:
        return qml.sample(wires=0)

    assert len(circuit()) == 5


def test_each_executor_of_a_cluster_has_its_own_shots() -> None:
    made = electron(ct.executor.Simulator(shots=5), ct.executor.Simulator(), shots=3)
    with records.collecting() as kept:
        made(X), made(X)
    assert [each.shots for each in kept] == [5, 3]


def test_a_shot_vector() -> None:
    made = electron(shots=[10, 20])
    assert len(made(X)) == 2
    with pytest.raises(ValueError, match="override shots differently"):
        electron(ct.executor.Simulator(shots=5), ct.executor.Simulator(), shots=[10, 20])(X)
    assert np.shape(electron(ct.executor.Simulator(shots=5), shots=[10, 20])(X)) == ()


@pytest.mark.parametrize("parallel", ["thread", "process"])
def test_without_the_needed_shots(parallel: str) -> None:
    @ct.qelectron(executors=warm(parallel))
    @qml.qnode(qml.device("default.qubit", wires=1))
    def circuit() -> Any:
        return qml.counts(wires=0)

    with pytest.raises(ValueError, match=r"Simulator.*needs shots.*Simulator\(shots=1000\)"):
        circuit()


# Wires, devices, measurements


def test_without_the_needed_wires() -> None:
    executor = noted()

    @ct.qelectron(executors=executor)
    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit() -> Any:
        return qml.expval(qml.Z(2))

    with pytest.raises(qml.wires.WireError, match=r"wires not found on the device: \{2\}"):
        circuit()
    assert not executor.seen, "no executor is asked"


def test_executors_are_told_the_wires_of_the_widest_circuit() -> None:
    class Telling(ct.executor.Simulator):
        def run_circuit(self, *args: Any, **kwargs: Any) -> CircuitRecord:
            told.append(self.qnode_device_wires)
            return super().run_circuit(*args, **kwargs)

    told: list[Any] = []
    made = electron(Telling(), device=qml.device("default.qubit"))
    scripts = [
        qml.tape.QuantumScript([qml.X(n)], [qml.expval(qml.Z(i)) for i in range(n + 1)])
        for n in range(3)
    ]
    results = made.device.execute(scripts)
    assert told == [3, 3, 3]
    assert [np.ravel(each).tolist() for each in results] == [[-1], [1, -1], [1, 1, -1]]


def test_all_wires_of_the_device_are_measured() -> None:
    @ct.qelectron
    @qml.qnode(qml.device("default.qubit", wires=["a", "b", "c"]))
    def circuit() -> Any:
        qml.X("c")
        return qml.probs(), qml.state()

    probs, state = circuit()
    assert [int(np.argmax(np.abs(each))) for each in (probs, state)] == [1, 1]


@pytest.mark.parametrize("parallel", ["thread", "process", False])
def test_a_device_that_pennylane_does_not_have(parallel: Any) -> None:
    made = electron(warm(parallel, device="default.nothing"))
    with pytest.raises(ValueError, match=r"Simulator\(device='default.nothing'\)"):
        made(X)


def test_the_executor_knows_the_device_of_the_qnode() -> None:
    class Telling(ct.executor.Simulator):
        def run_circuit(self, *args: Any, **kwargs: Any) -> CircuitRecord:
            told.append((self.qnode_device_import_path, self.qnode_device_shots))
            told.append((self.qnode_device_wires, self.pennylane_active_return))
            return super().run_circuit(*args, **kwargs)

    told: list[Any] = []
    executor = Telling()
    electron(executor, shots=9, device=qml.device("lightning.qubit", wires=4))(X)
    path = ("pennylane_lightning.lightning_qubit.lightning_qubit", "LightningQubit")
    assert told == [(path, 9), (4, True)]
    assert executor.qnode_device_wires is None


@pytest.mark.parametrize("method", [None, "deferred", "one-shot"])
@pytest.mark.parametrize("parallel", ["thread", "process"])
def test_measurements_in_the_middle(method: Any, parallel: str) -> None:
    @ct.qelectron(executors=warm(parallel))
    @qml.qnode(qml.device("default.qubit"), mcm_method=method, shots=50)
    def circuit() -> Any:
        qml.X(0)
        outcome = qml.measure(0)
        qml.cond(outcome, qml.X)(1)
        return qml.expval(qml.Z(1)), qml.sample(outcome)

    value, sample = circuit()
    assert value == -1
    assert np.all(sample == 1)
    assert len(sample) == 50


def test_postselection() -> None:
    @ct.qelectron
    @qml.qnode(
        qml.device("default.qubit"), mcm_method="deferred", postselect_mode="fill-shots", shots=20
    )
    def circuit() -> Any:
        qml.Hadamard(0)
        qml.measure(0, postselect=1)
        return qml.sample(wires=0)

    assert np.all(circuit() == 1)
    assert len(circuit()) == 20


def test_an_error_on_a_device_names_the_executor() -> None:
    class Unknown(qml.operation.Operation):
        num_wires = 1

    @ct.qelectron
    @qml.qnode(qml.device("default.qubit", wires=1))
    def circuit() -> Any:
        Unknown(wires=0)
        return qml.expval(qml.Z(0))

    with pytest.raises(qml.exceptions.DeviceError) as found:
        circuit()
    assert "in a circuit of a quantum electron, on Simulator" in found.value.__notes__


# Selectors


def test_a_selector_sees_the_circuit() -> None:
    small, large = noted(), noted()
    made = electron(small, large, selector=lambda circuit, executors: executors[_is_large(circuit)])
    made(0.1), made(0.9), made(0.8)
    assert [len(each.seen) for each in (small, large)] == [1, 2]


def _is_large(circuit: Any) -> int:
    return int(circuit.get_parameters(trainable_only=False)[0] > 0.5)


def test_a_selector_that_returns_two() -> None:
    made = electron(noted(), noted(), selector=lambda circuit, executors: executors)
    with pytest.raises(ValueError, match="must return exactly one quantum executor"):
        made(X)


def test_an_executor_that_a_selector_knew_before_is_told_of_the_qnode() -> None:
    class Telling(ct.executor.Simulator):
        def run_circuit(self, *args: Any, **kwargs: Any) -> CircuitRecord:
            told.append((self.qnode_device_shots, self.qnode_device_wires))
            return super().run_circuit(*args, **kwargs)

    told: list[Any] = []
    mine = Telling()
    electron(noted(), mine, shots=9, selector=lambda _, __: mine)(X)
    assert told == [(9, 1)]


def test_an_executor_outside_the_cluster_is_refused() -> None:
    other = ct.executor.Simulator(workers=3)
    made = electron(noted(), noted(), selector=lambda _, __: other)
    with pytest.raises(ValueError, match=r"not in the cluster.*one of the executors"):
        made(X)


# Records


def test_a_record_of_each_circuit() -> None:
    with records.collecting() as kept:
        electron(device=qml.device("default.qubit", wires=1)).run_later(X).result()
    (only,) = kept
    assert (only.executor, only.parameters, only.shots) == ("Simulator", [X], None)
    assert only.circuit == "0: ──RX(0.4000)─┤  <Z>"
    assert only.started is not None
    assert only.ended is not None
    assert only.started <= only.ended
    assert only.result == pytest.approx(np.cos(X))


def test_persist_data_is_asked_of_each_executor() -> None:
    with records.collecting() as kept:
        made = electron(ct.executor.Simulator(persist_data=False), ct.executor.Simulator())
        made(X), made(X), made(X)
    assert len(kept) == 1


def test_records_of_calls_in_threads_of_others() -> None:
    with records.collecting() as kept:
        jax.jit(electron(interface="jax"))(X)
    assert len(kept) == 1
