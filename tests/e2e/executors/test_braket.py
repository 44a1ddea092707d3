"""BraketExecutor on the embedded AWS: a hybrid job is a process with the variables that Braket sets."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest
from tests.e2e.executors.contract import BehaviourContract, _electrons, processes, sleep, square
from tests.running import Server

import covalent as ct
from covalent_localstack.braket import LIMIT

PATIENCE = 60.0
"""Seconds; only a failing run waits so long."""
DEVICE = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"
FINAL = ("COMPLETED", "FAILED", "CANCELLED")


def variables() -> dict[str, str]:
    """What Braket tells a job."""
    found = {name: value for name, value in os.environ.items() if name.startswith("AMZN_BRAKET_")}
    for name, path in found.items():
        if name.endswith(("_DIR", "_FILE")):
            assert Path(path).exists(), name
    return found


def jobs(server: Server, dispatch_id: str) -> list[dict[str, Any]]:
    """The hybrid jobs of a dispatch, whatever became of them."""
    found = server.client("braket").search_jobs(filters=[])["jobs"]
    return [each for each in found if each["jobName"].startswith(dispatch_id)]


def ended(server: Server, dispatch_id: str) -> list[str]:
    """Their states, once all of them have ended."""
    end = time.monotonic() + PATIENCE
    while not all(each["status"] in FINAL for each in jobs(server, dispatch_id)):
        assert time.monotonic() < end
        time.sleep(0.1)  # a job ends a moment after its runner has answered
    return [each["status"] for each in jobs(server, dispatch_id)]


class TestBraket(BehaviourContract):
    at_once = LIMIT + 1
    time_limit = 8  # it counts from the start of the process, which takes seconds on a busy machine

    def made(self, **settings: Any) -> Any:
        return ct.executor.BraketExecutor(
            s3_bucket_name="braket-s3-bucket",
            ecr_repo_name="braket_ecr_repo",
            braket_job_execution_role_name="covalent-braket-iam-role",
            quantum_device=DEVICE,
            classical_device="ml.m5.large",
            storage=30,
            **settings,
        )

    def test_the_variables_of_a_hybrid_job_are_there(self, server: Server) -> None:
        dispatch_id = self.dispatched(variables)
        found = ct.get_result(dispatch_id, wait=True).result
        name = f"{dispatch_id}-0-0"
        assert found["AMZN_BRAKET_DEVICE_ARN"] == DEVICE
        assert found["AMZN_BRAKET_OUT_S3_BUCKET"] == "braket-s3-bucket"
        assert found["AMZN_BRAKET_JOB_NAME"] == name
        assert found["AMZN_BRAKET_SCRIPT_ENTRY_POINT"] == "covalent_runner"
        results = found["AMZN_BRAKET_TASK_RESULTS_S3_URI"]
        assert results.split("braket-s3-bucket")[1] == f"/jobs/{name}/tasks", "as the example does"
        others = {"HP_FILE", "INPUT_DIR", "JOB_RESULTS_DIR", "CHECKPOINT_DIR", "JOB_TOKEN"}
        others |= {"SCRIPT_S3_URI", "SCRIPT_COMPRESSION_TYPE", "JOB_RESULTS_S3_PATH"}
        assert {f"AMZN_BRAKET_{each}" for each in others} <= found.keys()

    def test_a_job_for_each_try(self, server: Server) -> None:
        dispatch_id = self.dispatched(square, 3)
        assert ct.get_result(dispatch_id, wait=True).result == 9
        assert ended(server, dispatch_id) == ["COMPLETED"]
        (job,) = jobs(server, dispatch_id)
        shown = server.client("braket").get_job(jobArn=job["jobArn"])
        assert shown["instanceConfig"] == {"instanceType": "ml.m5.large", "volumeSizeInGb": 30}
        assert shown["stoppingCondition"] == {"maxRuntimeInSeconds": 360}

    def test_more_than_the_account_may_run_wait_on_our_side(self, server: Server) -> None:
        run = self.electron(square)

        @ct.lattice
        def wide(n: int) -> Any:
            return [run(x) for x in range(n)]

        dispatch_id = ct.dispatch(wide)(LIMIT + 2)
        result = ct.get_result(dispatch_id, wait=True)
        assert result.result == [x * x for x in range(LIMIT + 2)]
        errors = [
            event["taskFailedEventDetails"]["error"]
            for event in server.history(dispatch_id)
            if "taskFailedEventDetails" in event
        ]
        assert errors, "no job was refused"
        assert {*errors} == {"Braket.ServiceQuotaExceededException"}
        assert ended(server, dispatch_id) == ["COMPLETED"] * (LIMIT + 2)

    def test_cancel_leaves_no_job(self, server: Server, tmp_path: Path) -> None:
        dispatch_id = self.dispatched(sleep, str(tmp_path))
        pids = processes(tmp_path)
        ct.cancel(dispatch_id)
        assert self.has_ended(pids)
        assert len(ended(server, dispatch_id)) == 1

    def test_a_job_whose_runner_is_killed_is_answered_for(
        self, server: Server, tmp_path: Path
    ) -> None:
        dispatch_id = self.dispatched(sleep, str(tmp_path))
        pid, *_ = processes(tmp_path)
        os.killpg(os.getpgid(pid), signal.SIGKILL)  # the runner and the electron
        (node,) = _electrons(ct.get_result(dispatch_id, wait=True))
        assert node["status"] == "FAILED"
        assert "ElectronLost" in node["error"]
        assert "choose a larger classical_device" in node["error"]
        assert ended(server, dispatch_id) == ["FAILED"]

    def test_a_job_that_someone_cancels_at_braket(self, server: Server, tmp_path: Path) -> None:
        dispatch_id = self.dispatched(sleep, str(tmp_path))
        pids = processes(tmp_path)
        (job,) = jobs(server, dispatch_id)
        server.client("braket").cancel_job(jobArn=job["jobArn"])
        (node,) = _electrons(ct.get_result(dispatch_id, wait=True))
        assert node["status"] == "FAILED"
        assert "was shut down before it had ended" in node["error"] or "cancelled" in node["error"]
        assert self.has_ended(pids)
        assert ended(server, dispatch_id) == ["CANCELLED"]

    def test_a_killed_job_is_tried_again(self, server: Server, tmp_path: Path) -> None:
        run = self.electron(kill_group_once, retries=1)

        @ct.lattice
        def alone() -> Any:
            return run(str(tmp_path))

        dispatch_id = ct.dispatch(alone)()
        assert ct.get_result(dispatch_id, wait=True).result == "survived"
        assert sorted(ended(server, dispatch_id)) == ["COMPLETED", "FAILED"]


def kill_group_once(folder: str) -> str:
    """Kill the whole job, the first time."""
    mark = Path(folder, "killed")
    if not mark.exists():
        mark.touch()
        os.killpg(os.getpgrp(), signal.SIGKILL)
    return "survived"


REQUEST = {
    "algorithmSpecification": {
        "scriptModeConfig": {"entryPoint": "this", "s3Uri": "s3://bucket/this.py"}
    },
    "outputDataConfig": {"s3Path": "s3://bucket/jobs"},
    "roleArn": "arn:aws:iam::123456789012:role/jobs",
    "instanceConfig": {"instanceType": "ml.m5.large", "volumeSizeInGb": 1},
    "deviceConfig": {"device": DEVICE},
}


def test_a_second_delivery_starts_no_other_job(server: Server) -> None:
    braket = server.client("braket")
    asked: Any = {**REQUEST, "jobName": "this-once", "clientToken": "this-once"}
    first, second = (braket.create_job(**asked)["jobArn"] for _ in range(2))
    assert first == second
    with pytest.raises(botocore.exceptions.ClientError, match="ConflictException"):
        braket.create_job(**asked, tags={"another": "request"})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"jobName": "not a name"}, "jobName"),
        ({"roleArn": "admin"}, "roleArn"),
        ({"instanceConfig": {"instanceType": "t2.micro", "volumeSizeInGb": 1}}, "instanceType"),
        ({"hyperParameters": {"x": "y" * 2501}}, "2501"),
    ],
)
def test_what_braket_does_not_take(server: Server, changed: dict[str, Any], told: str) -> None:
    asked: Any = {**REQUEST, "jobName": "wrong", "clientToken": "wrong", **changed}
    with pytest.raises(botocore.exceptions.ClientError, match=f"ValidationException.*{told}"):
        server.client("braket").create_job(**asked)


def test_there_is_no_such_job(server: Server) -> None:
    arn = "arn:aws:braket:us-east-1:123456789012:job/none"
    for ask in ("get_job", "cancel_job"):
        with pytest.raises(botocore.exceptions.ClientError, match="ResourceNotFoundException"):
            getattr(server.client("braket"), ask)(jobArn=arn)
