"""QiskitExecutor without any cloud: Qiskit's own Sampler, fake back ends, Aer."""

import builtins
import sys
import warnings
from typing import Any

import cloudpickle
import numpy as np
import pennylane as qml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit

import covalent as ct
from covalent._quantum.ibm import errors, here, options, place, retired
from covalent._quantum.ibm.device import SamplerDevice
from covalent._quantum.records import collecting
from covalent._shared_files.exceptions import MissingExtra

pytestmark = pytest.mark.quantum

qelectron: Any = ct.qelectron
SHOTS = 4000
SIGMAS = 6
WIRES = 3
SEED = {"simulator": {"seed_simulator": 11}}
ANGLES = st.floats(-7, 7).map(lambda x: round(x, 3))
WIRE_PAIRS = st.permutations(range(WIRES)).map(lambda order: order[:2])
ONE = st.builds(
    lambda kind, x, wire: kind(x, wires=wire),
    st.sampled_from([qml.RX, qml.RY, qml.RZ, qml.PhaseShift]),
    ANGLES,
    st.integers(0, WIRES - 1),
)
FIXED = st.builds(
    lambda kind, wire: kind(wires=wire),
    st.sampled_from([qml.Hadamard, qml.S, qml.T, qml.SX, qml.PauliY]),
    st.integers(0, WIRES - 1),
)
TWO = st.builds(
    lambda kind, wires: kind(wires=wires),
    st.sampled_from([qml.CNOT, qml.CZ, qml.SWAP, qml.ISWAP, qml.CH]),
    WIRE_PAIRS,
)
TURNED = st.builds(
    lambda kind, x, wires: kind(x, wires=wires),
    st.sampled_from([qml.CRX, qml.CRY, qml.IsingXY, qml.IsingZZ, qml.ControlledPhaseShift]),
    ANGLES,
    WIRE_PAIRS,
)
THREE = st.permutations(range(WIRES)).map(lambda wires: qml.Toffoli(wires=wires))
BASIS = st.lists(st.integers(0, 1), min_size=WIRES, max_size=WIRES).map(
    lambda bits: qml.BasisState(np.array(bits), wires=range(WIRES))
)
CIRCUITS = st.lists(st.one_of(ONE, FIXED, TWO, TURNED, THREE), max_size=12)
OBSERVABLES = st.sampled_from(
    [
        qml.Z(0),
        qml.X(1),
        qml.Y(2) @ qml.X(0),
        qml.Hadamard(1),
        0.5 * qml.X(0) - 2.0 * qml.Z(1) @ qml.Z(2),
        qml.Hermitian(np.array([[1, 1j], [-1j, 0.5]]), wires=2),
        qml.Projector([1, 0], wires=[0, 2]),
    ]
)
SINGLE = OBSERVABLES.filter(lambda each: not isinstance(each, qml.ops.Sum))


def device(shots_exact: bool = False) -> SamplerDevice:
    return SamplerDevice(
        WIRES, place=here.Statevector(options.settings({} if shots_exact else SEED))
    )


def run(tape: Any, on: Any) -> Any:
    program, config = on.preprocess()
    batch, finish = program([tape])
    return finish(on.execute(batch, config))[0]


def both(operations: list[Any], measurements: list[Any], shots: int | None) -> tuple[Any, Any]:
    """What our device says, and what default.qubit knows exactly."""
    ours = qml.tape.QuantumScript(operations, measurements, shots=shots)
    exact = [qml.probs(wires=m.wires) if _counted(m) else m for m in measurements]
    return run(ours, device()), run(
        qml.tape.QuantumScript(operations, exact), qml.device("default.qubit", wires=WIRES)
    )


def _counted(m: Any) -> bool:
    return isinstance(m, (qml.measurements.CountsMP, qml.measurements.SampleMP))


@given(BASIS, CIRCUITS, OBSERVABLES, SINGLE)
@settings(max_examples=60, deadline=None)
def test_exact_results_are_those_of_default_qubit(
    start: Any, operations: list[Any], mean: Any, spread: Any
) -> None:
    measurements = [
        qml.expval(mean),
        qml.var(spread),
        qml.probs(wires=[2, 0]),
        qml.probs(op=spread),
    ]

    ours, exact = both([start, *operations], measurements, None)

    for mine, theirs in zip(ours, exact, strict=True):
        assert np.allclose(mine, theirs, atol=1e-6)


@given(CIRCUITS, OBSERVABLES)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_expectation_values_agree_within_statistics(operations: list[Any], mean: Any) -> None:
    mine, exact = both(operations, [qml.expval(mean)], SHOTS)

    largest = np.max(np.abs(qml.eigvals(mean)))
    assert abs(mine - exact) <= SIGMAS * largest * 2 / np.sqrt(SHOTS)


@given(CIRCUITS)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_probabilities_counts_and_samples_agree_within_statistics(operations: list[Any]) -> None:
    kinds = [qml.probs(wires=[1, 2]), qml.counts(wires=[1, 2]), qml.sample(wires=[1, 2])]

    (probs, counts, samples), exact = both(operations, kinds, SHOTS)

    assert samples.shape == (SHOTS, 2)
    outcomes = [counts.get(f"{i:02b}", 0) / SHOTS for i in range(4)]
    drawn = np.bincount(samples @ [2, 1], minlength=4) / SHOTS
    for found in (probs, outcomes, drawn):
        assert _close(found, exact[0])


def _close(found: Any, exact: Any) -> bool:
    exact = np.clip(exact, 0, 1)
    return bool(
        np.all(np.abs(found - exact) <= SIGMAS * np.sqrt(exact * (1 - exact) / SHOTS) + 1 / SHOTS)
    )


@given(CIRCUITS, SINGLE)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_variances_agree_within_statistics(operations: list[Any], spread: Any) -> None:
    mine, exact = both(operations, [qml.var(spread)], SHOTS)

    largest = np.max(np.abs(qml.eigvals(spread)))
    assert abs(mine - exact) <= SIGMAS * (2 * largest) ** 2 / np.sqrt(SHOTS)


@pytest.mark.parametrize(
    "backend", ["aer_simulator", "aer_simulator_statevector", "fake_manila", "FakeLagosV2"]
)
@pytest.mark.parametrize("local_transpile", [True, False])
@pytest.mark.parametrize("kind", ["local_sampler", "sampler"])
def test_back_ends_of_this_machine(backend: str, kind: str, *, local_transpile: bool) -> None:
    runs = ct.executor.QiskitExecutor(
        device=kind, backend=backend, shots=2000, options=SEED, local_transpile=local_transpile
    )

    @ct.qelectron(executors=runs)
    @qml.qnode(qml.device("default.qubit", wires=["a", "b"]))
    def circuit(x: float) -> Any:
        qml.RY(x, wires="a")
        qml.CNOT(wires=["a", "b"])
        return qml.expval(qml.Z("b")), qml.counts(qml.X("a") @ qml.X("b"))

    mean, counts = circuit(0.8)

    tolerance = 0.1 if backend.startswith("aer") else 0.2
    assert mean == pytest.approx(np.cos(0.8), abs=tolerance)
    assert sum(counts.values()) == 2000


def test_fake_back_ends_are_noisy_and_seeds_repeat() -> None:
    @qml.qnode(qml.device("default.qubit", wires=2))
    def flipped() -> Any:
        qml.X(0)
        return qml.counts(wires=[0, 1])

    noisy = ct.executor.QiskitExecutor(backend="fake_manila", options=SEED)
    first, second = (qelectron(flipped, executors=noisy)() for _ in range(2))

    assert first == second
    assert len(first) > 1
    assert qelectron(flipped, executors=ct.executor.QiskitExecutor())() == {"10": 1024}


@pytest.mark.parametrize("backend", ["ibmq_qasm_simulator", "aer_simulator"])
def test_seeds_repeat_on_simulators(backend: str) -> None:
    @qml.qnode(qml.device("default.qubit", wires=1))
    def thrown() -> Any:
        qml.Hadamard(0)
        return qml.sample(wires=0)

    def sampled(seed: int) -> list[int]:
        runs = ct.executor.QiskitExecutor(
            backend=backend, shots=64, options={"simulator": {"seed_simulator": seed}}
        )
        return [int(each) for each in np.ravel(qelectron(thrown, executors=runs)())]

    assert sampled(1) == sampled(1) != sampled(2)


def test_places_are_as_their_names_and_options_say() -> None:
    def place(name: str, transpile: bool) -> Any:
        return here.local(name, options.settings({}), transpile=transpile)

    product = place("aer_simulator_matrix_product_state", False)
    assert product.backend.options.method == "matrix_product_state"
    assert [place("aer_simulator", each).transpile for each in (True, False)] == [True, False]
    assert place("fake_manila", False).transpile, "fake back ends need it"
    assert place("ibm_torino", False) is None


def test_parameters_may_be_many() -> None:
    @qml.qnode(qml.device("default.qubit", wires=1))
    def circuit(x: Any) -> Any:
        qml.RX(x, wires=0)
        return qml.expval(qml.Z(0))

    exact = qelectron(circuit, executors=ct.executor.QiskitExecutor(shots=None))
    np.testing.assert_allclose(exact(np.array([0.1, 0.7])), np.cos([0.1, 0.7]))


def test_an_unknown_fake_back_end_names_near_ones() -> None:
    runs = ct.executor.QiskitExecutor(backend="fake_manilla")

    with pytest.raises(errors.UnknownBackend, match="fake_manila"):
        runs.execution_device()


def test_the_channel_local_has_fake_back_ends_only() -> None:
    def runs(backend: str) -> Any:
        return ct.executor.QiskitExecutor(device="sampler", backend=backend, channel="local")

    assert runs("manila").execution_device().place.name == "fake_manila"
    with pytest.raises(errors.UnknownBackend, match="fake_torino"):
        runs("ibm_torino").execution_device()


def test_a_simulator_of_the_cloud_moved_here_with_one_warning() -> None:
    retired.forget()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            runs = ct.executor.QiskitExecutor(device="sampler")
            assert runs.execution_device().place.name == "aer_simulator"

    told = [each for each in caught if issubclass(each.category, retired.SuccessorWarning)]
    assert [("retired" in str(each.message)) for each in told] == [True]


def test_without_aer_it_moves_to_the_statevector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qiskit_aer", None)

    runs = ct.executor.QiskitExecutor(device="sampler")

    assert runs.execution_device().place.name == "local_sampler"


def test_shots_of_the_executor_and_of_the_qnode() -> None:
    @qml.set_shots(50)
    @qml.qnode(qml.device("default.qubit", wires=1))
    def circuit() -> Any:
        return qml.sample(wires=0)

    for given_shots, seen in [(1024, 1024), (0, 50), (7, 7)]:
        runs = ct.executor.QiskitExecutor(shots=given_shots)
        assert len(qelectron(circuit, executors=runs)()) == seen


def test_several_numbers_of_shots() -> None:
    tape = qml.tape.QuantumScript([qml.X(0)], [qml.sample(wires=0)], shots=(3, 5))

    assert [len(each) for each in run(tape, device())] == [3, 5]


def test_no_shots_are_exact_here_and_refused_by_samplers() -> None:
    @qml.qnode(qml.device("default.qubit", wires=1))
    def circuit(x: float) -> Any:
        qml.RX(x, wires=0)
        return qml.expval(qml.Z(0))

    exact = ct.executor.QiskitExecutor(shots=None)
    assert qelectron(circuit, executors=exact)(0.4) == pytest.approx(np.cos(0.4))
    sampling = ct.executor.QiskitExecutor(shots=None, backend="fake_manila")
    with pytest.raises(errors.ShotsMissing, match="fake_manila can only sample; give shots"):
        qelectron(circuit, executors=sampling)(0.4)


def test_too_few_qubits() -> None:
    runs = ct.executor.QiskitExecutor(backend="fake_manila").bound(qnode_device_wires=6)

    with pytest.raises(
        errors.TooFewQubits, match="6 wires are more than the 5 qubits of fake_manila"
    ):
        runs.execution_device()


def test_just_enough_qubits() -> None:
    wires = range(5)

    @ct.qelectron(executors=ct.executor.QiskitExecutor(backend="fake_manila", shots=10))
    @qml.qnode(qml.device("default.qubit", wires=wires))
    def circuit() -> Any:
        return qml.counts(wires=wires)

    assert sum(circuit().values()) == 10


def test_without_local_transpile_gates_are_as_they_were_written() -> None:
    flipped_twice = QuantumCircuit(1, 1)
    for _ in range(2):
        flipped_twice.x(0)

    def gates(**fields: Any) -> int:
        runs = ct.executor.QiskitExecutor(backend="aer_simulator", **fields)
        (ready,) = place.of(runs, options.settings({}), in_session=False).prepared([flipped_twice])
        return int(ready.size())

    assert (gates(local_transpile=False), gates(local_transpile=True)) == (2, 0)


def test_a_sampler_cannot_postselect() -> None:
    @ct.qelectron(executors=ct.executor.QiskitExecutor())
    @qml.qnode(qml.device("default.qubit"))
    def circuit() -> Any:
        qml.Hadamard(0)
        qml.measure(0, postselect=1)
        return qml.probs(wires=0)

    with pytest.raises(ValueError, match=r"[Pp]ostselect"):
        circuit()


def test_circuits_that_measure_in_the_middle() -> None:
    @ct.qelectron(executors=ct.executor.QiskitExecutor())
    @qml.qnode(qml.device("default.qubit"))
    def circuit() -> Any:
        qml.X(0)
        outcome = qml.measure(0)
        qml.cond(outcome, qml.X)(1)
        return qml.probs(wires=1)

    assert circuit().tolist() == [0, 1]


@pytest.mark.parametrize("single_job", [True, False])
def test_a_gradient(*, single_job: bool) -> None:
    @ct.qelectron(executors=ct.executor.QiskitExecutor(shots=None, single_job=single_job))
    @qml.qnode(qml.device("default.qubit", wires=2), diff_method="parameter-shift")
    def circuit(x: Any) -> Any:
        qml.RX(x[0], wires=0)
        qml.CRY(x[1], wires=[0, 1])
        return qml.expval(qml.Z(1) @ qml.Z(0))

    x = qml.numpy.array([0.3, 0.7])
    plain = qml.QNode(circuit.func, qml.device("default.qubit", wires=2))
    assert np.allclose(qml.grad(circuit)(x), qml.grad(plain)(x))


@pytest.mark.parametrize("single_job", [True, False])
def test_records_tell_times_and_shots(*, single_job: bool) -> None:
    @ct.qelectron(executors=ct.executor.QiskitExecutor(single_job=single_job))
    @qml.qnode(qml.device("default.qubit", wires=1))
    def circuit() -> Any:
        return qml.expval(qml.Z(0))

    with collecting() as kept:
        circuit()

    (record,) = kept
    assert (record.executor, record.shots, record.result) == ("QiskitExecutor", 1024, 1)
    assert record.started is not None
    assert record.ended is not None
    assert record.started <= record.ended


def test_executors_travel() -> None:
    runs = ct.executor.QiskitExecutor(ibmqx_token="secret", options={"optimization_level": 1})
    runs.execution_device()

    there = cloudpickle.loads(cloudpickle.dumps(runs))

    assert there == runs
    assert (there.ibmqx_token, there.options) == ("secret", {"optimization_level": 1})
    assert "secret" not in repr(there)


@pytest.mark.parametrize("package", ["pennylane_qiskit", "qiskit_ibm_runtime"])
@pytest.mark.parametrize("kind", ["QiskitExecutor", "IBMQExecutor"])
def test_a_missing_extra(kind: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def absent(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".", maxsplit=1)[0] == package:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        return importing(name, *args, **kwargs)

    monkeypatch.setattr("covalent._quantum.missing.import_module", absent)
    runs = getattr(ct.executor, kind)()

    with pytest.raises(MissingExtra, match=rf"{kind}.*pip install 'covalent-serverless\[qiskit\]'"):
        runs.execution_device()


def test_the_options_are_those_of_the_sampler() -> None:
    from dataclasses import fields, is_dataclass

    from qiskit_ibm_runtime import SamplerOptions

    there = SamplerOptions()
    names = {each.name for each in fields(there) if not each.name.startswith("_")}
    assert names == set(options.SAMPLER)
    for section, inner in options.SAMPLER.items():
        part = getattr(there, section)
        if is_dataclass(part):
            assert {each.name for each in fields(part)} == set(inner)


def test_the_transpiler_takes_the_options_for_it() -> None:
    import inspect

    from qiskit.transpiler import generate_preset_pass_manager

    known = set(inspect.signature(generate_preset_pass_manager).parameters)
    assert set(options.TRANSPILER) - {"skip_transpilation"} <= known


def test_a_layout_is_kept() -> None:
    how = options.settings({"transpilation": {"initial_layout": [3, 2], "seed_transpiler": 1}})
    fake = here.local("fake_manila", how, transpile=True)
    assert fake is not None
    tape = qml.tape.QuantumScript([qml.Hadamard(0), qml.CNOT([0, 1])], [qml.probs(wires=[0, 1])])
    from covalent._quantum.ibm.circuits import translated

    (ready,) = fake.prepared([translated(tape, [0, 1]).circuit])

    measured = [
        ready.find_bit(each.qubits[0]).index for each in ready.data if each.name == "measure"
    ]
    assert measured == [3, 2]


def test_default_shots_are_for_circuits_that_nobody_gave_any() -> None:
    some, options = qml.measurements.Shots, {"default_shots": 70}

    left = ct.executor.QiskitExecutor(shots=0, options=options)
    assert [left.overriding(each) for each in (some(None), some(5))] == [some(70), some(5)]
    assert ct.executor.QiskitExecutor(options=options).overriding(some(None)) == some(1024)
    exact = ct.executor.QiskitExecutor(shots=None, options=options)
    assert exact.overriding(some(5)) == some(None)
