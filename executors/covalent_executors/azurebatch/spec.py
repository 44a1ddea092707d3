"""What a user may set of an Azure Batch executor."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from covalent_executors.spec import MAX_RETRIES, MAX_TIME_LIMIT, Spec

Text = Annotated[str, BeforeValidator(lambda given: "" if given is None else given)]
"""A setting that is None if it was not set."""
NAME = r"^[A-Za-z0-9_-]{1,64}$"
"""What Azure Batch takes as an id: https://learn.microsoft.com/rest/api/batchservice/pool/add-pool"""
HOST = r"^[a-z0-9.-]+$"


class AzureBatchSpec(Spec):
    """The attributes of `AzureBatchExecutor`."""

    tenant_id: Text = ""
    client_id: Text = ""
    client_secret: Text = ""
    """Where the secret is kept: a file, or an ARN of AWS Secrets Manager."""

    batch_account_url: Annotated[Text, Field(pattern=r"^https://[A-Za-z0-9.-]+(:\d+)?/?$")]
    batch_account_domain: Annotated[str, Field(pattern=HOST)] = "batch.core.windows.net"
    pool_id: Annotated[Text, Field(pattern=NAME)]
    container_image_uri: Text = ""
    """The image that tasks run in, if the pool runs containers; the first that it has fetched if empty."""

    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] = 3
    time_limit: Annotated[float, Field(le=MAX_TIME_LIMIT, allow_inf_nan=False)] = 300
    poll_freq: Annotated[float, Field(gt=0, le=3600)] = 10


SPEC = AzureBatchSpec
