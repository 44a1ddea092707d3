"""Electrons as tasks of ECS on Fargate."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from covalent.executor.dispatched import DispatchedExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTOR_PLUGIN_NAME = "ECSExecutor"


class ECSExecutor(DispatchedExecutor):
    """Runs electrons as tasks of ECS on Fargate, which Step Functions starts and waits for.

    Args:
        ecs_cluster_name: the cluster; the default stands for the deployment's own.
        ecs_task_family_name: the family of the task definition; the default stands for the deployment's own, which has
            an image with the runner for each Python. Another one must have a container `electron` with the runner.
        ecs_task_subnet_id: the subnet of a task; one of the deployment's if empty.
        ecs_task_security_group_id: the security group of a task; the deployment's if empty.
        vcpu: vCPUs of a task, as Fargate has them: 0.25, 0.5, 1, 2, 4, 8 or 16.
        memory: GB of memory of a task; Fargate has a few sizes for each number of vCPUs.
        ecs_task_log_group_name: log group of containers. On AWS that of the task definition counts.
        ecs_task_execution_role_name: accepted for compatibility: the task definition has its role already.
        ecs_task_role_name: accepted for compatibility: as above.
        ecr_repo_name: accepted for compatibility: no image is built, values travel through the deployment's bucket.
        s3_bucket_name: accepted for compatibility: as above.
        credentials: accepted for compatibility: AWS is called by the deployment.
        profile: accepted for compatibility: as above.
        region: accepted for compatibility: tasks run in the deployment's region.
        poll_freq: accepted for compatibility: nothing is polled, Step Functions is told.
        settings: those of every executor.

    """

    SHORT_NAME = "ecs"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
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
            "cache_dir": "/tmp/covalent",  # noqa: S108  # the documented default; nothing is written there
        }
    )

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
