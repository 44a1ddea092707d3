"""API Gateway with IAM authorization: a method that asks for it sees who signed the request, or refuses it.

Defect of LocalStack's community edition: it runs such methods for everybody, and `requestContext.identity` is empty.
Signatures are not verified, as nowhere in LocalStack: the access key says who it is.
"""

import re
from functools import lru_cache
from typing import Any

from localstack.aws.connect import connect_to
from localstack.runtime import hooks
from localstack.services.apigateway.next_gen.execute_api import handlers
from localstack.services.apigateway.next_gen.execute_api.gateway_response import (
    MissingAuthTokenError,
)

_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 .*?Credential=([^/,\s]+)/")


def access_key(headers: Any) -> str | None:
    """The access key id that a request is signed with; None if it is not signed."""
    found = _CREDENTIAL.match(headers.get("Authorization") or "")
    return found[1] if found else None


def identify(_chain: Any, context: Any, _response: Any) -> None:
    """Say who calls, if the method wants to know.

    Raises:
        MissingAuthTokenError: the method wants a signature, and there is none.

    """
    if context.resource_method.get("authorizationType") != "AWS_IAM":
        return
    key = access_key(context.request.headers)
    if key is None:
        raise MissingAuthTokenError("Missing Authentication Token")
    context.context_variables["identity"].update(_principal(key, context.region))


@lru_cache(1024)
def _principal(key: str, region: str) -> dict[str, str]:
    caller = connect_to(
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key="unused",  # noqa: S106  # nothing looks at it
    ).sts.get_caller_identity()
    return {
        "accessKey": key,
        "accountId": caller["Account"],
        "caller": caller["UserId"],
        "user": caller["UserId"],
        "userArn": caller["Arn"],
    }


@hooks.on_infra_start()
def install() -> None:
    """Put the question between routing and integration."""
    handlers.preprocess_request.append(identify)
