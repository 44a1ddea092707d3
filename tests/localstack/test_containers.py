"""Jobs of Batch and tasks of ECS inside a real LocalStack, as its Step Functions waits for them."""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.localstack.running import Aws

from covalent_executors.awsbatch import template as awsbatch
from covalent_executors.ecs import template as ecs
from covalent_executors.task import JOB_ERRORS, TaskTemplate
from covalent_step_functions.retrying import retries_of

pytestmark = pytest.mark.localstack

NAME = "containers"
ROLE = "arn:aws:iam::000000000000:role/any"
LOGS = {"logDriver": "awslogs", "options": {"awslogs-group": f"/{NAME}"}}
SECONDS = 60
DESCRIBED = {"image": "anything", "command": ["false"], "logConfiguration": LOGS}


def _until(has_happened: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not has_happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def subnet(aws: Aws) -> str:
    """A subnet of the default VPC."""
    return str(aws.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"])


@pytest.fixture(scope="module")
def group(aws: Aws) -> str:
    """A security group."""
    return str(aws.client("ec2").describe_security_groups()["SecurityGroups"][0]["GroupId"])


@pytest.fixture(scope="module")
def queue(aws: Aws, subnet: str, group: str) -> str:
    """A queue, and a job definition of its name; no role is named, as the project's Terraform names none."""
    batch = aws.client("batch")
    machines = batch.create_compute_environment(
        computeEnvironmentName=NAME,
        type="MANAGED",
        computeResources={
            "type": "FARGATE",
            "maxvCpus": 4,
            "subnets": [subnet],
            "securityGroupIds": [group],
        },
    )
    batch.create_job_queue(
        jobQueueName=NAME,
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[
            {"order": 1, "computeEnvironment": machines["computeEnvironmentArn"]}
        ],
    )
    batch.register_job_definition(
        jobDefinitionName=NAME,
        type="container",
        containerProperties={
            **DESCRIBED,
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": "2048"},
            ],
        },
    )
    return NAME


@pytest.fixture(scope="module")
def cluster(aws: Aws) -> str:
    """A cluster, and a task definition of its name whose container has no size of its own."""
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName=NAME)
    ecs.register_task_definition(
        family=NAME,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "electron", **DESCRIBED}],
    )
    return NAME


def _submit(queue: str, *command: str) -> Mapping[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::batch:submitJob.sync",
        "Parameters": {
            "JobName": NAME,
            "JobQueue": queue,
            "JobDefinition": NAME,
            "ContainerOverrides": {"Command": list(command)},
        },
        "End": True,
    }


def _run_task(subnet: str, cluster: str, *command: str) -> Mapping[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Parameters": {
            "LaunchType": "FARGATE",
            "Cluster": cluster,
            "TaskDefinition": NAME,
            "NetworkConfiguration": {
                "AwsvpcConfiguration": {"Subnets": [subnet], "SecurityGroups": []}
            },
            "Overrides": {
                "ContainerOverrides": [{"Name": "electron", "Command": list(command)}],
            },
        },
        "End": True,
    }


class Machines:
    """Runs machines of one state."""

    def __init__(self, aws: Aws) -> None:
        self.client = aws.client("stepfunctions")
        self._made = 0

    def start(self, state: Mapping[str, Any]) -> str:
        """Start one."""
        self._made += 1
        machine = self.client.create_state_machine(
            name=f"{NAME}-{self._made}-{uuid.uuid4().hex[:6]}",
            definition=json.dumps({"StartAt": "Only", "States": {"Only": state}}),
            roleArn=ROLE,
        )["stateMachineArn"]
        arn: str = self.client.start_execution(stateMachineArn=machine)["executionArn"]
        return arn

    def ended(self, arn: str) -> dict[str, Any]:
        """What became of it."""
        _until(lambda: self.client.describe_execution(executionArn=arn)["status"] != "RUNNING")
        found: dict[str, Any] = self.client.describe_execution(executionArn=arn)
        return found

    def run(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Start one, and wait until it has ended."""
        return self.ended(self.start(state))

    def calls(self, execution: Mapping[str, Any]) -> int:
        """How often an execution has called a service."""
        told = self.client.get_execution_history(executionArn=execution["executionArn"])
        return sum(event["type"] == "TaskScheduled" for event in told["events"])


@pytest.fixture(scope="module")
def machines(aws: Aws) -> Machines:
    return Machines(aws)


def _retries(refused: Sequence[str]) -> list[dict[str, Any]]:
    """As the compiler writes them."""
    task = TaskTemplate("", {}, retries=2, failures=JOB_ERRORS, refused=tuple(refused))
    found: list[dict[str, Any]] = retries_of(task)["Retry"]
    return found


def _logged(aws: Aws) -> list[str]:
    events = aws.client("logs").filter_log_events(logGroupName=f"/{NAME}")["events"]
    return [event["message"] for event in events]


def test_a_job_ends_well(aws: Aws, machines: Machines, queue: str) -> None:
    found = machines.run(_submit(queue, "echo", "from a job"))
    assert found["status"] == "SUCCEEDED"
    assert json.loads(found["output"])["Status"] == "SUCCEEDED"
    assert "from a job" in _logged(aws)


def test_a_task_ends_well(aws: Aws, machines: Machines, subnet: str, cluster: str) -> None:
    found = machines.run(_run_task(subnet, cluster, "echo", "from a task"))
    assert found["status"] == "SUCCEEDED"
    assert json.loads(found["output"])["Containers"][0]["ExitCode"] == 0
    assert "from a task" in _logged(aws)


def test_a_job_that_fails_is_the_cause(machines: Machines, queue: str) -> None:
    found = machines.run(_submit(queue, "sh", "-c", "exit 3"))
    assert (found["status"], found["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(found["cause"])["Container"]["ExitCode"] == 3


def test_a_task_that_fails_is_the_cause(machines: Machines, subnet: str, cluster: str) -> None:
    found = machines.run(_run_task(subnet, cluster, "sh", "-c", "exit 3"))
    assert (found["status"], found["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(found["cause"])["Containers"][0]["ExitCode"] == 3


def test_a_queue_that_nobody_has_made_is_refused(machines: Machines, queue: str) -> None:
    state = _submit(f"{queue}-of-nobody", "true")
    found = machines.run({**state, "Retry": _retries(awsbatch.REFUSED)})
    assert (found["status"], found["error"]) == ("FAILED", "Batch.ClientException")
    assert "of-nobody" in found["cause"]
    assert machines.calls(found) == 1


def test_a_cluster_that_nobody_has_made_is_refused(
    machines: Machines, subnet: str, cluster: str
) -> None:
    state = _run_task(subnet, f"{cluster}-of-nobody", "true")
    found = machines.run({**state, "Retry": _retries(ecs.REFUSED)})
    assert (found["status"], found["error"]) == ("FAILED", "ECS.ClusterNotFoundException")
    assert machines.calls(found) == 1


@pytest.mark.parametrize("kind", ["job", "task"])
def test_a_stopped_execution_ends_what_it_waits_for(  # fixtures
    machines: Machines, queue: str, subnet: str, cluster: str, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "alive"
    command = ["sh", "-c", f"while true; do date +%N > {file}; sleep 0.1; done"]
    states = {"job": _submit(queue, *command), "task": _run_task(subnet, cluster, *command)}
    arn = machines.start(states[kind])
    _until(file.exists)
    machines.client.stop_execution(executionArn=arn)
    assert machines.ended(arn)["status"] == "ABORTED"
    _until(lambda: _is_still(file))


def _is_still(file: Path) -> bool:
    before = file.stat().st_mtime_ns
    time.sleep(1)
    return file.stat().st_mtime_ns == before
