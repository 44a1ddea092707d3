from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from botocore.session import Session
from tests.unit.executors.contract import PYTHON, ExecutorContract

from covalent.executor import ECSExecutor
from covalent_contracts.errors import UnsupportedPython
from covalent_executors import registry
from covalent_executors.place import Ecs, Place
from covalent_executors.task import JOB_ERRORS

ECS = Ecs(
    "covalent",
    {"3.11": "covalent-py311"},
    subnets=["subnet-a", "subnet-b"],
    security_groups=["sg-a"],
    environment={"COVALENT_TABLE": "table"},
)
PLACE = Place({"3.11": "runner-311"}, ecs=ECS)


class TestEcs(ExecutorContract):
    executor = ECSExecutor
    place = PLACE
    bare = (Place({"3.11": "runner-311"}), "Terraform variable `ecs`")
    failures = JOB_ERRORS
    defaults: ClassVar[Mapping[str, Any]] = {
        "credentials": "~/.aws/credentials",
        "profile": "default",
        "region": "us-east-1",
        "s3_bucket_name": "covalent-fargate-task-resources",
        "ecr_repo_name": "covalent-fargate-task-images",
        "ecs_cluster_name": "covalent-fargate-cluster",
        "ecs_task_family_name": "covalent-fargate-tasks",
        "ecs_task_execution_role_name": "ecsTaskExecutionRole",
        "ecs_task_role_name": "CovalentFargateTaskRole",
        "ecs_task_subnet_id": "",
        "ecs_task_security_group_id": "",
        "ecs_task_log_group_name": "covalent-fargate-task-logs",
        "vcpu": 0.25,
        "memory": 0.5,
        "poll_freq": 10,
        "cache_dir": "/tmp/covalent",
        "time_limit": -1,
        "retries": 0,
    }
    example: ClassVar[Mapping[str, Any]] = {
        "credentials": "my_custom_credentials",
        "profile": "my_custom_profile",
        "s3_bucket_name": "my_s3_bucket",
        "ecr_repo_name": "my_ecr_repo",
        "ecs_cluster_name": "my_ecs_cluster",
        "ecs_task_family_name": "my_custom_task_family",
        "ecs_task_execution_role_name": "myCustomTaskExecutionRole",
        "ecs_task_role_name": "myCustomTaskRole",
        "ecs_task_subnet_id": "my-subnet-id",
        "ecs_task_security_group_id": "my-security-group-id",
        "ecs_task_log_group_name": "my-task-log-group",
        "vcpu": 1,
        "memory": 2,
        "cache_dir": "/home/<user>/covalent/cache",
        "poll_freq": 10,
    }
    misspelt: ClassVar[Mapping[str, str]] = {
        "vcpus": "vcpu",
        "ecs_cluster": "ecs_cluster_name",
        "ecs_subnet_id": "ecs_task_subnet_id",
        "ecr_repo": "ecr_repo_name",
    }
    refused = (
        ({"vcpu": 3}, "Fargate has no 3 vCPU: choose 0.25, 0.5, 1, 2, 4, 8 or 16"),
        ({"vcpu": 0.25, "memory": 4}, "with 0.25 vCPU: choose 0.5, 1 or 2 GB, or vcpu=0.5, 1 or 2"),
        ({"vcpu": 8, "memory": 18}, "choose 16 to 60 in steps of 4 GB, or vcpu=4"),
        ({"vcpu": 16, "memory": 1000}, "choose 32 to 120 in steps of 8 GB .got"),
        ({"vcpu": "one"}, "number"),
        ({"ecs_cluster_name": "no spaces"}, "match pattern"),
    )
    secrets = ("credentials", "profile")

    def time_limit_of(self, state: Mapping[str, Any]) -> float:
        assert "TimeoutSeconds" not in state, "it would count from the submission"
        (electron,) = state["Parameters"]["Overrides"]["ContainerOverrides"]
        return float(electron["Environment"][1]["Value"])

    def test_every_error_of_run_task_is_refused_or_tried_again(self) -> None:
        """Or `States.TaskFailed` would match it, and spend the electron's retries."""
        model = Session().get_service_model("ecs").operation_model("RunTask")
        known = {f"ECS.{each.name}" for each in model.error_shapes}
        task = self.task()
        assert known <= {*task.refused, *task.transient, *task.full}

    def test_the_task_of_an_electron(self) -> None:
        assert self.state()["Parameters"] == {
            "LaunchType": "FARGATE",
            "Cluster": "covalent",
            "TaskDefinition": "covalent-py311",
            "NetworkConfiguration": {
                "AwsvpcConfiguration": {
                    "Subnets": ["subnet-a", "subnet-b"],
                    "SecurityGroups": ["sg-a"],
                    "AssignPublicIp": "DISABLED",
                }
            },
            "Overrides": {
                "Cpu": "256",
                "Memory": "512",
                "ContainerOverrides": [
                    {
                        "Name": "electron",
                        "Command": ["python", "-m", "covalent_runner"],
                        "Environment": [
                            {
                                "Name": "COVALENT_ELECTRON",
                                "Value.$": "States.Format('{} {} {}',$.dispatch_id,0,$$.State.RetryCount)",
                            },
                            {"Name": "COVALENT_TIME_LIMIT", "Value": "0"},
                        ],
                    }
                ],
            },
        }

    def test_names_of_the_users_own_win(self) -> None:
        parameters = self.state(**self.example)["Parameters"]
        assert parameters["Cluster"] == "my_ecs_cluster"
        assert parameters["TaskDefinition"] == "my_custom_task_family"
        assert parameters["NetworkConfiguration"]["AwsvpcConfiguration"] == {
            "Subnets": ["my-subnet-id"],
            "SecurityGroups": ["my-security-group-id"],
            "AssignPublicIp": "ENABLED",
        }
        (electron,) = parameters["Overrides"]["ContainerOverrides"]
        assert {"Name": "COVALENT_TABLE", "Value": "table"} in electron["Environment"]

    @pytest.mark.parametrize(
        ("vcpu", "memory", "sent"),
        [(0.5, 1, ("512", "1024")), (16, 120, ("16384", "122880")), (1, 8, ("1024", "8192"))],
    )
    def test_the_size(self, vcpu: float, memory: float, sent: tuple[str, str]) -> None:
        overrides = self.state(vcpu=vcpu, memory=memory)["Parameters"]["Overrides"]
        assert (overrides["Cpu"], overrides["Memory"]) == sent


def test_there_must_be_a_definition_for_the_python() -> None:
    assert registry.task("ecs", {}, PLACE, PYTHON)
    with pytest.raises(UnsupportedPython, match=r"no task definition for Python 3\.12"):
        registry.task("ecs", {}, PLACE, "3.12.1")
