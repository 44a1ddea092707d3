"""The reference's example of BraketExecutor: a hybrid job that runs a circuit on SV1."""

import os
import secrets
from collections.abc import Iterator
from typing import Any

import pennylane as qml
import pytest
from tests.running import Server

import covalent as ct

pytestmark = pytest.mark.quantum
SV1 = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The offline AWS, in a process of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COVALENT_CONFIG_DIR", str(tmp_path_factory.mktemp("config")))
        ct.reload_config()
        made = Server(data_dir=tmp_path_factory.mktemp("aws"), token=secrets.token_hex(16))
        made.start()
        yield made
        made.stop()
    ct.reload_config()


def tasks(server: Server) -> Any:
    """The quantum tasks that there were."""
    return server.client("braket").search_quantum_tasks(filters=[])["quantumTasks"]


def simple_quantum_task(num_qubits: int) -> float:
    """The electron of the reference."""
    device_arn = os.environ["AMZN_BRAKET_DEVICE_ARN"]
    s3_bucket = os.environ["AMZN_BRAKET_OUT_S3_BUCKET"]
    s3_task_dir = os.environ["AMZN_BRAKET_TASK_RESULTS_S3_URI"].split(s3_bucket)[1]
    device = qml.device(
        "braket.aws.qubit",
        device_arn=device_arn,
        s3_destination_folder=(s3_bucket, s3_task_dir),
        wires=num_qubits,
    )

    @qml.qnode(device=device)
    def simple_circuit() -> Any:
        qml.Hadamard(wires=[0])
        return qml.expval(qml.PauliZ(wires=[0]))

    # The reference has `.numpy()`, which results without gradients have no more.
    return float(simple_circuit())


def test_a_circuit_in_a_hybrid_job(server: Server) -> None:
    executor = ct.executor.BraketExecutor(
        s3_bucket_name="braket_s3_bucket",
        ecr_image_uri="123456789012.dkr.ecr.us-east-1.amazonaws.com/repo:stable",
        braket_job_execution_role_name="covalent-braket-iam-role",
        quantum_device=SV1,
        classical_device="ml.m5.large",
        storage=30,
        time_limit=300,
    )
    electron = ct.electron(executor=executor)(simple_quantum_task)

    @ct.lattice
    def simple_quantum_workflow(num_qubits: int) -> Any:
        return electron(num_qubits=num_qubits)

    dispatch_id = ct.dispatch(simple_quantum_workflow)(1)
    result = ct.get_result(dispatch_id, wait=True)
    assert result.result == pytest.approx(0, abs=1e-9), str(result.get_node_result(0))
    (task,) = tasks(server)
    assert task["outputS3Bucket"] == "braket_s3_bucket"
    shown = server.client("braket").get_quantum_task(quantumTaskArn=task["quantumTaskArn"])
    (job,) = server.client("braket").search_jobs(filters=[])["jobs"]
    assert shown["jobArn"] == job["jobArn"]
