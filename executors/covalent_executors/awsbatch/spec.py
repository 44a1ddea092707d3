"""What a user may set of an AWS Batch executor."""

from typing import Annotated

from pydantic import Field

from covalent_executors.spec import MAX_TIME_LIMIT, Spec

QUEUE = "covalent-batch-queue"
DEFINITION = "covalent-batch-jobs"
LOG_GROUP = "covalent-batch-job-logs"
"""What the reference calls them. Who has not named others means those of the deployment."""

_NAME = r"^[A-Za-z0-9_:/-]{1,256}$"
"""Also ARNs, and a definition with its revision."""


class BatchSpec(Spec):
    """The attributes of `AWSBatchExecutor`."""

    batch_queue: Annotated[str, Field(pattern=_NAME)] = QUEUE
    batch_job_definition_name: Annotated[str, Field(pattern=_NAME)] = DEFINITION
    batch_job_log_group_name: str = LOG_GROUP
    vcpu: Annotated[float, Field(gt=0, le=256)] = 2
    memory: Annotated[float, Field(ge=4 / 1024, le=24 * 1024)] = 3.75
    """GB; Batch takes 4 MiB and more."""
    num_gpus: Annotated[int, Field(ge=0, le=16)] = 0
    retry_attempts: Annotated[int, Field(ge=0, le=10)] = 3
    """How often Batch itself starts a job again that has lost its machine; it takes up to ten attempts."""
    time_limit: Annotated[float, Field(le=MAX_TIME_LIMIT, allow_inf_nan=False)] = 300


SPEC = BatchSpec
