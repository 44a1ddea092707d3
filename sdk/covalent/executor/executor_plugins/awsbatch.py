"""Electrons as jobs of AWS Batch."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from covalent.executor.dispatched import DispatchedExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTOR_PLUGIN_NAME = "AWSBatchExecutor"


class AWSBatchExecutor(DispatchedExecutor):
    """Runs electrons as jobs of AWS Batch, which Step Functions submits and waits for.

    Args:
        batch_queue: the job queue; the default stands for the deployment's own.
        batch_job_definition_name: the job definition; the default stands for the deployment's own, which has an image
            with the runner for each Python. The image of another one must have the runner too.
        vcpu: vCPUs of a job, whole ones unless the queue is one of Fargate.
        memory: GB of memory of a job.
        num_gpus: GPUs of a job.
        retry_attempts: times that Batch starts a job again whose machine was lost, as Spot instances are; at most 9. An
            electron that fails is tried again as `retries` says.
        time_limit: seconds that an electron may run once its job has started.
        batch_job_log_group_name: log group of containers. On AWS that of the job definition counts.
        batch_execution_role_name: accepted for compatibility: the job definition has its role already.
        batch_job_role_name: accepted for compatibility: as above.
        s3_bucket_name: accepted for compatibility: values lie in the deployment's bucket.
        credentials: accepted for compatibility: AWS is called by the deployment.
        profile: accepted for compatibility: as above.
        region: accepted for compatibility: jobs run in the deployment's region.
        poll_freq: accepted for compatibility: nothing is polled, Step Functions is told.
        settings: those of every executor.

    """

    SHORT_NAME = "awsbatch"
    _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "profile": "default",
            "region": "us-east-1",
            "credentials": "~/.aws/credentials",
            "batch_queue": "covalent-batch-queue",
            "s3_bucket_name": "covalent-batch-job-resources",
            "batch_job_definition_name": "covalent-batch-jobs",
            "batch_execution_role_name": "ecsTaskExecutionRole",
            "batch_job_role_name": "CovalentBatchJobRole",
            "batch_job_log_group_name": "covalent-batch-job-logs",
            "vcpu": 2,
            "memory": 3.75,
            "num_gpus": 0,
            "retry_attempts": 3,
            "time_limit": 300,
            "poll_freq": 10,
            "cache_dir": "/tmp/covalent",  # noqa: S108  # the documented default; nothing is written there
        }
    )

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
