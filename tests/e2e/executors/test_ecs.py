from pathlib import Path
from typing import Any

import pytest
from tests.e2e.executors.contract import (
    BehaviourContract,
    excite,
    join_words,
    processes,
    sleep,
    square,
)
from tests.running import Server

import covalent as ct
from covalent.executor import ECSExecutor
from covalent_contracts.errors import InvalidWorkflow

NAMED = {
    "s3_bucket_name": "covalent-fargate-task-resources",
    "ecr_repo_name": "covalent-fargate-task-images",
    "ecs_cluster_name": "someones-fargate-cluster",
    "ecs_task_family_name": "someones-fargate-tasks",
    "ecs_task_subnet_id": "subnet-871545e1",
    "ecs_task_security_group_id": "sg-0043541a",
    "ecs_task_log_group_name": "someones-fargate-task-logs",
    "vcpu": 1,
    "memory": 2,
    "poll_freq": 10,
}


class TestEcs(BehaviourContract):
    killed = "the ECS task .* exit code 137, it was killed"
    left = "the ECS task .* exit code 7 before the electron had a result"

    def made(self, **settings: Any) -> Any:
        return ECSExecutor(**settings)

    def test_what_the_user_names_is_there(self, server: Server) -> None:
        result = self.ran(join_words, "Hello", "World", **NAMED)
        assert result.result == "Hello, World"
        ecs = server.client("ecs")
        cluster = NAMED["ecs_cluster_name"]
        (arn,) = ecs.list_tasks(cluster=cluster)["taskArns"]
        (task,) = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
        assert NAMED["ecs_task_family_name"] in task["taskDefinitionArn"]
        assert (task["overrides"]["cpu"], task["overrides"]["memory"]) == ("1024", "2048")
        (details,) = (each["details"] for each in task["attachments"])
        assert {"name": "subnetId", "value": "subnet-871545e1"} in details
        groups = server.client("logs").describe_log_groups()["logGroups"]
        assert NAMED["ecs_task_log_group_name"] in [each["logGroupName"] for each in groups]

    def test_a_task_that_someone_stops(self, server: Server, tmp_path: Path) -> None:
        cluster = "one-of-ones-own"
        dispatch_id = self.dispatched(sleep, str(tmp_path), ecs_cluster_name=cluster)
        pids, ecs = processes(tmp_path), server.client("ecs")
        (arn,) = ecs.list_tasks(cluster=cluster)["taskArns"]
        ecs.stop_task(cluster=cluster, task=arn, reason="the budget is used up")
        result = ct.get_result(dispatch_id, wait=True)
        assert result.status == "FAILED"
        assert "the budget is used up" in str(result.error)
        assert self.has_ended(pids)

    def test_a_sublattice(self) -> None:
        shout = self.electron(excite)

        @ct.electron(executor=self.made())
        @ct.lattice
        def inner(word: str) -> Any:
            return shout(word)

        @ct.lattice
        def outer(word: str) -> Any:
            return shout(inner(word))

        result = ct.get_result(ct.dispatch(outer)("Hello"), wait=True)
        assert (result.status, result.result) == ("COMPLETED", "Hello!!")

    def test_sizes_that_fargate_has_not_got_are_refused_at_dispatch(self) -> None:
        with pytest.raises(InvalidWorkflow, match="executor 'ecs': memory: Fargate has no 4 GB"):
            self.dispatched(square, 1, vcpu=0.25, memory=4)
