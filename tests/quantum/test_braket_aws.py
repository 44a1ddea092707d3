"""Circuits on Braket's devices: the SDK talks to the offline Braket, over the same calls as to AWS."""

import logging
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import cloudpickle
import pennylane as qml
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from braket.aws import AwsSession
from pennylane import numpy as np

import covalent as ct
from covalent._quantum import records
from covalent._quantum.amazon import plugin
from covalent._quantum.amazon.errors import (
    BraketError,
    QuantumTaskCancelled,
    QuantumTaskFailed,
    QuantumTaskTimeout,
)
from covalent._shared_files.logger import app_log
from covalent_localstack import braket_faults
from covalent_localstack.stack import EmbeddedAws

pytestmark = pytest.mark.quantum
SIMULATORS = "arn:aws:braket:::device/quantum-simulator/amazon"
SV1, TN1, DM1 = (f"{SIMULATORS}/{name}" for name in ("sv1", "tn1", "dm1"))
EXACT = [0, np.cos(0.1) * np.cos(0.05)]
"""What the example gives for [0.5, 0.1]."""
TOKEN = "local-braket-token"
EXPIRED = ClientError({"Error": {"Code": "ExpiredTokenException"}}, "GetQuantumTask")
UNREACHABLE = EndpointConnectionError(endpoint_url="https://braket.us-east-1.amazonaws.com")
PATIENCE = 60.0
"""Seconds; only a failing run waits so long."""


def own_session(**settings: Any) -> Any:
    """A session as users make one."""
    plugin.load("the test")  # Braket's SDK alone cannot be imported where IPython has been
    from braket.aws import AwsSession

    return AwsSession(**settings)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """The offline AWS; its settings are in the environment meanwhile."""
    with EmbeddedAws(tmp_path_factory.mktemp("aws"), workers=1, token=TOKEN) as stack:
        yield stack


@pytest.fixture(autouse=True)
def service(aws: EmbeddedAws) -> Iterator[Any]:
    """A client of Braket. Nothing goes wrong before a test says so."""
    yield boto3.Session().client("braket")
    braket_faults.clear()


def made(arn: str = SV1, **settings: Any) -> Any:
    """An executor that does not wait for long."""
    return ct.executor.BraketQubitExecutor(
        **{"device_arn": arn, "poll_interval_seconds": 0.05, **settings}
    )


def example(executors: Any, shots: int | None = 1000) -> Any:
    """The circuit of the reference."""

    @ct.qelectron(executors=executors)
    @qml.set_shots(shots)
    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(x: Sequence[float]) -> Any:
        qml.IQPEmbedding(features=x, wires=[0, 1])
        qml.Hadamard(wires=1)
        return [qml.expval(qml.PauliZ(0)), qml.expval(qml.PauliZ(1))]

    return circuit


def gradient(executor: Any) -> Any:
    """Two parameter shifts, that is four circuits at once."""

    @ct.qelectron(executors=executor)
    @qml.qnode(qml.device("default.qubit", wires=2), diff_method="parameter-shift")
    def circuit(a: Any, b: Any) -> Any:
        qml.RX(a, wires=0)
        qml.RY(b, wires=1)
        qml.CNOT(wires=[0, 1])
        return qml.expval(qml.PauliZ(1))

    a, b = np.array(0.3, requires_grad=True), np.array(0.4, requires_grad=True)
    assert np.allclose(qml.grad(circuit)(a, b), [-np.sin(a) * np.cos(b), -np.cos(a) * np.sin(b)])


def tasks(service: Any, **equal: str) -> list[dict[str, Any]]:
    """The tasks that there are, or those with such a device or status."""
    filters = [
        {"name": name, "operator": "EQUAL", "values": [value]} for name, value in equal.items()
    ]
    found: list[dict[str, Any]] = service.search_quantum_tasks(filters=filters)["quantumTasks"]
    return found


def new(service: Any, before: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tasks that were not there before."""
    old = {each["quantumTaskArn"] for each in before}
    return [each for each in tasks(service) if each["quantumTaskArn"] not in old]


def eventually(is_so: Any) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


class TestExample:
    def test_as_it_is_written(self, service: Any) -> None:
        sv1 = ct.executor.BraketQubitExecutor(device_arn=SV1, shots=1024, s3_destination_folder=())
        tn1 = ct.executor.BraketQubitExecutor(device_arn=TN1, shots=1024, s3_destination_folder=())
        circuit = example([sv1, tn1])
        assert np.allclose(circuit([0.5, 0.1]), [0, 0.99], atol=0.15)
        futures = [circuit.run_later([0.6, -1.57]) for _ in range(3)]
        for future in futures:
            assert np.allclose(future.result(), [0, 0], atol=0.15)
        assert len(tasks(service, deviceArn=SV1)) == len(tasks(service, deviceArn=TN1)) == 2
        assert {each["shots"] for each in tasks(service)} == {1024}
        buckets = {each["outputS3Bucket"] for each in tasks(service)}
        assert buckets == {"amazon-braket-us-east-1-123456789012"}


class TestCircuits:
    def test_shots_of_the_qnode(self, service: Any) -> None:
        before = tasks(service)
        example(made(), shots=50)([0.5, 0.1])
        example(made(shots=0), shots=60)([0.5, 0.1])
        assert [each["shots"] for each in new(service, before)] == [50, 60]

    def test_exact(self) -> None:
        assert np.allclose(example(made(shots=None))([0.5, 0.1]), EXACT)

    @pytest.mark.parametrize("parallel", [False, True])
    def test_gradients(self, service: Any, parallel: bool) -> None:
        before = tasks(service)
        gradient(made(parallel=parallel, max_parallel=2))
        assert len(new(service, before)) == 5, "a forward pass and four shifts"

    def test_circuits_of_a_batch_keep_their_shots(self) -> None:
        executor = made(parallel=True)
        scripts = [
            qml.tape.QuantumScript([qml.PauliX(0)], [qml.sample(qml.PauliZ(0))], shots=shots)
            for shots in (3, 5, 3)
        ]
        found = executor.batch_get_results(executor.batch_submit(scripts))
        assert [np.ravel(each).tolist() for each in found] == [[-1] * 3, [-1] * 5, [-1] * 3]

    def test_a_state(self) -> None:
        @ct.qelectron(executors=made(shots=None))
        @qml.qnode(qml.device("default.qubit", wires=1))
        def circuit() -> Any:
            qml.RX(np.pi / 2, wires=0)
            return qml.state()

        assert np.allclose(circuit(), np.array([1, -1j]) / np.sqrt(2))

    @pytest.mark.parametrize("measure", [qml.probs, qml.counts, qml.sample])
    def test_what_is_measured(self, measure: Any) -> None:
        @ct.qelectron(executors=made())
        @qml.set_shots(4)
        @qml.qnode(qml.device("default.qubit", wires=1))
        def circuit() -> Any:
            qml.PauliX(0)
            return measure(op=qml.PauliZ(0))

        found = circuit()
        expected = {qml.counts: {-1: 4}, qml.probs: [0, 1], qml.sample: [-1] * 4}[measure]
        assert found == expected if measure is qml.counts else np.allclose(found, expected)

    def test_a_hamiltonian_with_shots(self) -> None:
        @ct.qelectron(executors=made(shots=2000, parallel=True))
        @qml.qnode(qml.device("default.qubit", wires=2))
        def circuit() -> Any:
            qml.Hadamard(0)
            hamiltonian = qml.Hamiltonian([2.0, 3.0], [qml.PauliX(0), qml.PauliZ(1)])
            return qml.expval(hamiltonian)

        assert np.isclose(circuit(), 5)

    def test_noise(self) -> None:
        @ct.qelectron(executors=made(DM1, shots=None))
        @qml.qnode(qml.device("default.mixed", wires=1))
        def circuit() -> Any:
            qml.BitFlip(0.1, wires=0)
            return qml.expval(qml.PauliZ(0))

        assert np.isclose(circuit(), 0.8)

    def test_where_results_go(self, service: Any) -> None:
        boto3.Session().client("s3").create_bucket(Bucket="my-bucket")
        before = tasks(service)
        circuit = example(made(s3_destination_folder=("my-bucket", "my-prefix")))
        circuit([0.5, 0.1])
        (task,) = new(service, before)
        assert task["outputS3Bucket"] == "my-bucket"
        assert task["outputS3Directory"].startswith("my-prefix/")

    def test_what_run_is_told(self, service: Any) -> None:
        before = tasks(service)
        example(made(run_kwargs={"tags": {"who": "test"}}))([0.5, 0.1])
        assert [each["tags"] for each in new(service, before)] == [{"who": "test"}]

    def test_a_session_of_ones_own(self, service: Any) -> None:
        boto3.Session().client("s3").create_bucket(Bucket="of-the-session")
        session = own_session(default_bucket="of-the-session")
        before = tasks(service)
        example(made(aws_session=session))([0.5, 0.1])
        assert [each["outputS3Bucket"] for each in new(service, before)] == ["of-the-session"]


class TestAgain:
    def test_a_task_that_failed_is_sent_again(self, service: Any) -> None:
        before = tasks(service)
        braket_faults.failures.extend(["the device was recalibrated"] * 2)
        assert np.allclose(example(made(shots=None))([0.5, 0.1]), EXACT)
        statuses = [each["status"] for each in new(service, before)]
        assert statuses == ["FAILED", "FAILED", "COMPLETED"]

    @pytest.mark.parametrize("parallel", [False, True])
    def test_in_a_batch(self, parallel: bool) -> None:
        braket_faults.failures.extend(["the device was recalibrated"] * 3)
        gradient(made(parallel=parallel))

    @pytest.mark.parametrize("retries", [0, 1])
    def test_no_more_often_than_told(self, service: Any, retries: int) -> None:
        before = tasks(service)
        braket_faults.failures.extend(["the laser is off"] * 9)
        with pytest.raises(QuantumTaskFailed, match=f"sent {retries + 1} times.*the laser is off"):
            example(made(max_retries=retries))([0.5, 0.1])
        assert [each["status"] for each in new(service, before)] == ["FAILED"] * (retries + 1)
        assert len(braket_faults.failures) == 8 - retries, "nothing else was sent"

    @pytest.mark.parametrize("operation", ["CreateQuantumTask", "GetQuantumTask"])
    def test_too_many_requests(
        self, operation: str, service: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # or botocore itself would ask again
        before = tasks(service)
        braket_faults.throttled[operation] = 3
        assert np.allclose(example(made(shots=None))([0.5, 0.1]), EXACT)
        assert braket_faults.throttled[operation] < 0, "it was refused three times, and asked again"
        assert [each["status"] for each in new(service, before)] == ["COMPLETED"]

    def test_too_many_requests_for_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        braket_faults.throttled["CreateQuantumTask"] = 99
        with pytest.raises(BraketError, match=r"ThrottlingException.*lower `max_jobs`"):
            example(made(poll_timeout_seconds=0.2))([0.5, 0.1])

    def test_no_room_for_more_tasks(self, service: Any) -> None:
        braket_faults.free.clear()
        circuit = example(made(TN1, max_jobs=12), shots=10)
        futures = [circuit.run_later([0.5, 0.1]) for _ in range(12)]
        eventually(lambda: len(tasks(service, deviceArn=TN1, status="QUEUED")) == 10)
        braket_faults.free.set()
        assert len([future.result() for future in futures]) == 12


class TestErrors:
    def test_no_device_is_named(self) -> None:
        with pytest.raises(ValueError, match="device_arn is not set"):
            example(made(arn=None))([0.5, 0.1])  # type: ignore[arg-type]  # that is the point

    @pytest.mark.parametrize("kind", ["quantum-simulator/amazon/sv9", "qpu/nobody/nothing"])
    def test_no_such_device(self, kind: str) -> None:
        with pytest.raises(ValueError, match=f"device_arn=.*{kind}.* not found"):
            example(made(f"arn:aws:braket:::device/{kind}"))([0.5, 0.1])

    @pytest.mark.parametrize("status", ["OFFLINE", "RETIRED"])
    def test_a_device_that_takes_no_tasks(self, status: str) -> None:
        braket_faults.statuses[SV1] = status
        with pytest.raises(BraketError, match=f"SV1 is {status}: choose another `device_arn`"):
            example(made())([0.5, 0.1])

    def test_a_device_that_goes_offline(self) -> None:
        circuit = example(made())
        circuit([0.5, 0.1])
        braket_faults.statuses[SV1] = "OFFLINE"
        with pytest.raises(BraketError, match=r"DeviceOfflineException.*choose another"):
            circuit([0.5, 0.1])

    def test_a_bucket_of_somebody_else(self) -> None:
        circuit = example(made(s3_destination_folder=("not-ours", "there")))
        with pytest.raises(BraketError, match=r"not-ours.*see `s3_destination_folder`"):
            circuit([0.5, 0.1])

    @pytest.mark.parametrize(("arn", "shots"), [(SV1, 100_001), (TN1, None)])
    def test_shots_that_the_device_has_not(self, arn: str, shots: int | None) -> None:
        with pytest.raises(ValueError, match=f"shots={shots or 0} is not between .*set `shots`"):
            example(made(arn, shots=shots))([0.5, 0.1])

    def test_more_wires_than_qubits(self) -> None:
        @ct.qelectron(executors=made(DM1))
        @qml.qnode(qml.device("default.qubit", wires=18))
        def circuit() -> Any:
            return qml.expval(qml.PauliZ(17))

        with pytest.raises(ValueError, match="the circuit has 18 wires, DM1 has 17 qubits"):
            circuit()

    def test_shot_vectors(self) -> None:
        with pytest.raises(ValueError, match="no shot vectors"):
            example(made(), shots=(10, 20))([0.5, 0.1])  # type: ignore[arg-type]  # PennyLane takes it

    def test_no_credentials(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        with pytest.raises(BraketError, match="there are no AWS credentials: set AWS_ACCESS_KEY"):
            example(made())([0.5, 0.1])

    def test_credentials_that_are_not_taken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFNOBODY")
        with pytest.raises(BraketError) as caught:
            example(made())([0.5, 0.1])
        assert "AKIAOFNOBODY" not in str(caught.value)

    def test_no_region(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(BraketError, match="no AWS region is set: set AWS_DEFAULT_REGION"):
            example(made())([0.5, 0.1])

    def test_an_aws_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(BraketError, match=r"AWS cannot be reached: .*127\.0\.0\.1:9"):
            example(made())([0.5, 0.1])

    def test_no_such_profile(self) -> None:
        with pytest.raises(BraketError, match=r"nobody.*aws_session"):
            example(made(aws_session="nobody"))([0.5, 0.1])


class TestCancel:
    def test_a_task_that_takes_too_long(self, service: Any) -> None:
        braket_faults.free.clear()
        before = tasks(service)
        with pytest.raises(QuantumTaskTimeout, match="raise `poll_timeout_seconds`"):
            example(made(poll_timeout_seconds=0.3))([0.5, 0.1])
        (task,) = new(service, before)
        eventually(lambda: new(service, before)[0]["status"] == "CANCELLED")
        assert task["quantumTaskArn"]

    def test_a_task_that_someone_cancels(self, service: Any) -> None:
        braket_faults.free.clear()
        before = tasks(service)
        future = example(made()).run_later([0.5, 0.1])
        eventually(lambda: new(service, before))
        service.cancel_quantum_task(quantumTaskArn=new(service, before)[0]["quantumTaskArn"])
        with pytest.raises(QuantumTaskCancelled, match="was cancelled"):
            future.result()
        assert len(new(service, before)) == 1, "it is not sent again"

    @pytest.mark.parametrize("parallel", [False, True])
    def test_one_error_ends_the_batch(self, service: Any, parallel: bool) -> None:
        before = tasks(service)
        executor = made(max_retries=0, parallel=parallel)
        script = qml.tape.QuantumScript([qml.RX(0.1, 0)], [qml.expval(qml.PauliZ(0))])
        braket_faults.free.clear()
        futures = executor.batch_submit([script] * 3)
        eventually(lambda: len(new(service, before)) == 3)
        for task in new(service, before)[: 1 if parallel else 3]:
            service.cancel_quantum_task(quantumTaskArn=task["quantumTaskArn"])
        with pytest.raises(QuantumTaskCancelled):
            executor.batch_get_results(futures)
        eventually(lambda: {each["status"] for each in new(service, before)} == {"CANCELLED"})

    @pytest.mark.parametrize("parallel", [False, True])
    def test_nobody_waits_any_more(
        self, service: Any, parallel: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = tasks(service)
        executor = made(parallel=parallel)
        script = qml.tape.QuantumScript([qml.RX(0.1, 0)], [qml.expval(qml.PauliZ(0))])
        braket_faults.free.clear()
        futures = executor.batch_submit([script] * 3)
        eventually(lambda: len(new(service, before)) == 3)

        threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt):
            executor.batch_get_results(futures)
        eventually(lambda: {each["status"] for each in new(service, before)} == {"CANCELLED"})
        eventually(lambda: all(each.done() for each in futures))
        assert len(new(service, before)) == 3, "none is sent again"

    @pytest.mark.parametrize("parallel", [False, True])
    def test_a_call_that_is_cancelled(self, service: Any, parallel: bool) -> None:
        braket_faults.free.clear()
        before = tasks(service)
        future = example(made(parallel=parallel)).run_later([0.5, 0.1])
        eventually(lambda: new(service, before))
        assert future.cancel()
        eventually(lambda: new(service, before)[0]["status"] == "CANCELLED")

    @pytest.mark.parametrize("error", [EXPIRED, UNREACHABLE])
    def test_a_task_that_cannot_be_looked_at(
        self, service: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        braket_faults.free.clear()
        before = tasks(service)
        monkeypatch.setattr(AwsSession, "get_quantum_task", refusing(error))
        with pytest.raises(BraketError) as caught:
            example(made())([0.5, 0.1])
        (task,) = new(service, before)
        eventually(lambda: new(service, before)[0]["status"] == "CANCELLED")
        notes = getattr(caught.value.__cause__, "__notes__", ())
        assert any(task["quantumTaskArn"] in each for each in notes)

    @pytest.mark.parametrize("error", [EXPIRED, UNREACHABLE])
    def test_a_task_that_cannot_be_cancelled_is_named(
        self,
        service: Any,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        error: Exception,
    ) -> None:
        braket_faults.free.clear()
        before = tasks(service)
        monkeypatch.setattr(app_log, "propagate", True)
        monkeypatch.setattr(AwsSession, "cancel_quantum_task", refusing(error))
        with pytest.raises(QuantumTaskTimeout):
            example(made(poll_timeout_seconds=0.3))([0.5, 0.1])
        (task,) = new(service, before)
        assert f"{task['quantumTaskArn']} could not be cancelled" in caplog.text


def refusing(error: Exception) -> Any:
    """A request that AWS does not answer."""

    def request(*_: Any) -> None:
        raise error

    return request


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_secret_is_told(
    fails: bool,
    service: Any,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app_log, "propagate", True)
    secret = "wJalrXUtnFEMI-K7MDENG"
    boto = boto3.Session(aws_access_key_id=TOKEN, aws_secret_access_key=secret)
    session = own_session(boto_session=boto)
    executor = made(aws_session=session, max_retries=0)
    circuit = example(executor)
    told: list[Any] = []
    if fails:
        braket_faults.failures.append("the laser is off")
    with caplog.at_level(logging.DEBUG, logger="covalent"), records.collecting() as kept:
        app_log.debug("what is logged can be seen here")
        try:
            told.append(circuit([0.5, 0.1]))
        except QuantumTaskFailed:
            told.append(traceback.format_exc())
    assert ("QuantumTaskFailed" in str(told)) == fails
    assert [each.executor for each in kept] == ["BraketQubitExecutor"]
    shown = [*told, *kept, executor, executor.json_text()]
    text = "\n".join(map(repr, shown)) + caplog.text + "".join(capsys.readouterr())
    assert "what is logged can be seen here" in text
    assert secret not in text
    assert TOKEN not in text
    assert secret.encode() not in cloudpickle.dumps(executor)
