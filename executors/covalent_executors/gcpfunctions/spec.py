"""What a user may set of a Google Functions executor."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from covalent_executors.gcpbatch.spec import PROJECT, REGION
from covalent_executors.spec import MAX_RETRIES, Spec

Text = Annotated[str, BeforeValidator(lambda given: "" if given is None else given)]
"""A setting that is None if it was not set."""
NAME = r"^[A-Za-z0-9-]{1,63}$"
MAX_TIME_LIMIT = 1800
"""Seconds for which Cloud Tasks waits for an answer: https://cloud.google.com/tasks/docs/creating-http-target-tasks"""


class GCPFunctionsSpec(Spec):
    """The attributes of `GCPFunctionsExecutor`."""

    project_id: Annotated[Text, Field(pattern=PROJECT)]
    region: Annotated[Text, Field(pattern=REGION)] = "us-east1"
    function_name: Annotated[Text, Field(pattern=NAME)] = "covalent-electron"
    queue_name: Annotated[Text, Field(pattern=NAME)] = "covalent"
    service_account_email: Annotated[Text, Field(min_length=1)]
    credentials: Text = ""
    """Where a service account's key is kept, as JSON: a file, or an ARN of AWS Secrets Manager."""

    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] = 3
    time_limit: Annotated[float, Field(le=MAX_TIME_LIMIT, allow_inf_nan=False)] = 300
    poll_freq: Annotated[float, Field(gt=0, le=3600)] = 5


SPEC = GCPFunctionsSpec
