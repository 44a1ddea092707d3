"""What a user may set of an Azure Functions executor."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from covalent_executors.spec import MAX_RETRIES, MAX_TIME_LIMIT, Spec

Text = Annotated[str, BeforeValidator(lambda given: "" if given is None else given)]
"""A setting that is None if it was not set."""


class AzureFunctionsSpec(Spec):
    """The attributes of `AzureFunctionsExecutor`."""

    function_app_url: Annotated[Text, Field(pattern=r"^https://[A-Za-z0-9.-]+(:\d+)?/?$")]
    system_key: Annotated[Text, Field(min_length=1)]
    """Where the key is kept: a file, or an ARN of AWS Secrets Manager."""

    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] = 3
    time_limit: Annotated[float, Field(le=MAX_TIME_LIMIT, allow_inf_nan=False)] = 300
    poll_freq: Annotated[float, Field(gt=0, le=3600)] = 5


SPEC = AzureFunctionsSpec
