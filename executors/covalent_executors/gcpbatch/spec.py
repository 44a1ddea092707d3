"""What a user may set of a Google Batch executor."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from covalent_executors.spec import MAX_RETRIES, Spec

Text = Annotated[str, BeforeValidator(lambda given: "" if given is None else given)]
"""A setting that is None if it was not set."""
PROJECT = r"^[a-z0-9.:-]+$"
REGION = r"^[a-z]+-[a-z]+[0-9]+$"
MAX_TIME_LIMIT = 14 * 24 * 3600
"""Seconds a job may run: https://cloud.google.com/batch/quotas#max-job-duration"""


class GCPBatchSpec(Spec):
    """The attributes of `GCPBatchExecutor`."""

    project_id: Annotated[Text, Field(pattern=PROJECT)]
    region: Annotated[Text, Field(pattern=REGION)] = "us-east1"
    container_image_uri: Annotated[Text, Field(min_length=1)]
    service_account_email: Annotated[Text, Field(min_length=1)]
    credentials: Text = ""
    """Where a service account's key is kept, as JSON: a file, or an ARN of AWS Secrets Manager."""

    vcpus: Annotated[int, Field(ge=1, le=1024)] = 2
    memory: Annotated[int, Field(ge=1, le=32 * 1024 * 1024)] = 256
    """Megabytes."""

    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] = 3
    time_limit: Annotated[float, Field(le=MAX_TIME_LIMIT, allow_inf_nan=False)] = 300
    poll_freq: Annotated[float, Field(gt=0, le=3600)] = 5


SPEC = GCPBatchSpec
