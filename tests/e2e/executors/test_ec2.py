"""EC2Executor on the embedded AWS: an instance is a process that runs its user-data."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.executors.contract import BehaviourContract, _electrons, processes, sleep, square
from tests.running import Server

import covalent as ct
from covalent_contracts import records
from covalent_executors.ec2.place import ELECTRON_TAG

PATIENCE = 60.0
"""Seconds; only a failing run waits so long."""


def instances(server: Server, dispatch_id: str) -> list[dict[str, Any]]:
    """The instances that were started for a dispatch, whatever became of them."""
    answer = server.client("ec2").describe_instances(
        Filters=[{"Name": f"tag:{ELECTRON_TAG}", "Values": [f"{dispatch_id} *"]}]
    )
    return [each for found in answer["Reservations"] for each in found["Instances"]]


def has_terminated(server: Server, dispatch_id: str) -> bool:
    """Whether all of them terminate: they do by themselves, a moment after they have answered."""
    end = time.monotonic() + PATIENCE
    while any(each["State"]["Name"] != "terminated" for each in instances(server, dispatch_id)):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)  # EC2 tells nobody
    return bool(instances(server, dispatch_id))


class TestEC2(BehaviourContract):
    at_once = 3
    time_limit = 8  # it counts from the start of the process, which takes seconds on a busy machine

    def made(self, **settings: Any) -> Any:
        return ct.executor.EC2Executor(
            instance_type="t2.micro", volume_size=8, ssh_key_file="~/.ssh/ec2_key", **settings
        )

    def test_an_instance_for_each_try_that_ends_itself(self, server: Server) -> None:
        dispatch_id = self.dispatched(square, 3)
        assert ct.get_result(dispatch_id, wait=True).result == 9
        assert has_terminated(server, dispatch_id)
        (instance,) = instances(server, dispatch_id)
        assert (instance["InstanceType"], instance["KeyName"]) == ("t2.micro", "ec2_key")

    def test_cancel_leaves_no_instance(self, server: Server, tmp_path: Path) -> None:
        dispatch_id = self.dispatched(sleep, str(tmp_path))
        pids = processes(tmp_path)
        ct.cancel(dispatch_id)
        assert has_terminated(server, dispatch_id)
        assert self.has_ended(pids)

    def test_the_runner_tells_its_instance(self, server: Server, tmp_path: Path) -> None:
        dispatch_id = self.dispatched(sleep, str(tmp_path))
        processes(tmp_path)
        key = {"pk": {"S": records.dispatch_pk(dispatch_id)}, "sk": {"S": records.node_sk(0)}}
        item = server.client("dynamodb").get_item(TableName="covalent", Key=key)
        handle = json.loads(item["Item"]["job_handle"]["S"])
        (instance,) = instances(server, dispatch_id)
        assert handle == {"executor": "ec2", "instance": instance["InstanceId"]}
        ct.cancel(dispatch_id)
        assert has_terminated(server, dispatch_id)

    def test_a_terminated_instance_says_so(self, server: Server, tmp_path: Path) -> None:
        dispatch_id = self.dispatched(sleep, str(tmp_path))
        pids = processes(tmp_path)
        (instance,) = instances(server, dispatch_id)
        server.client("ec2").terminate_instances(InstanceIds=[instance["InstanceId"]])
        (node,) = _electrons(ct.get_result(dispatch_id, wait=True))
        assert node["status"] == "FAILED"
        assert "was shut down before it had ended" in node["error"]
        assert self.has_ended(pids)

    def test_a_lost_host_is_found_by_its_silence_and_swept(
        self, server: Server, tmp_path: Path
    ) -> None:
        dispatch_id = self.dispatched(sleep, str(tmp_path))
        pid, *_ = processes(tmp_path)
        os.killpg(os.getpgid(pid), signal.SIGKILL)  # the script, the runner and the electron
        (node,) = _electrons(ct.get_result(dispatch_id, wait=True))
        assert node["status"] == "FAILED"
        assert "fallen silent" in node["error"]
        assert "spot instance" in node["error"]
        (instance,) = instances(server, dispatch_id)
        assert instance["State"]["Name"] == "running", "nothing has shut it down"


@pytest.mark.usefixtures("server")
def test_a_second_delivery_starts_no_other_instance(server: Server) -> None:
    ec2 = server.client("ec2")
    asked = {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1, "ClientToken": "the-same"}
    first, second = (ec2.run_instances(**asked)["Instances"][0]["InstanceId"] for _ in range(2))
    assert first == second
    ec2.terminate_instances(InstanceIds=[first])
