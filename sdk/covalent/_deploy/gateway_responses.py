"""What API Gateway answers by itself, as problem documents: requests that it does not let through to the function.

They are a part of the API's description, so that a change of them is deployed like one of the routes.
https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from covalent_contracts.api import GATEWAY, GATEWAY_BYTES, Problem

_REFUSED, _UNAVAILABLE, _INVALID = "Refused", "Unavailable", "InvalidWorkflow"
RESPONSES: dict[str, tuple[HTTPStatus, str]] = {
    # No route of that name, or one that needs a signature and got none: API Gateway does not tell them apart.
    "MISSING_AUTHENTICATION_TOKEN": (HTTPStatus.FORBIDDEN, _REFUSED),
    "INVALID_SIGNATURE": (HTTPStatus.FORBIDDEN, _REFUSED),
    "EXPIRED_TOKEN": (HTTPStatus.FORBIDDEN, _REFUSED),
    "ACCESS_DENIED": (HTTPStatus.FORBIDDEN, _REFUSED),
    "WAF_FILTERED": (HTTPStatus.FORBIDDEN, _REFUSED),
    "RESOURCE_NOT_FOUND": (HTTPStatus.NOT_FOUND, "NotFound"),
    "BAD_REQUEST_PARAMETERS": (HTTPStatus.BAD_REQUEST, _INVALID),
    "BAD_REQUEST_BODY": (HTTPStatus.BAD_REQUEST, _INVALID),
    "UNSUPPORTED_MEDIA_TYPE": (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, _INVALID),
    "REQUEST_TOO_LARGE": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "LimitExceeded"),
    "THROTTLED": (HTTPStatus.TOO_MANY_REQUESTS, _UNAVAILABLE),
    "QUOTA_EXCEEDED": (HTTPStatus.TOO_MANY_REQUESTS, _UNAVAILABLE),
    "INTEGRATION_FAILURE": (HTTPStatus.GATEWAY_TIMEOUT, _UNAVAILABLE),
    "INTEGRATION_TIMEOUT": (HTTPStatus.GATEWAY_TIMEOUT, _UNAVAILABLE),
}
"""Status and `code` by type. The status is API Gateway's own. The defaults have many, so they stay as they are."""
_MESSAGE = "$context.error.messageString"
"""API Gateway puts its message in its place, with quotes around it. No other language is understood there."""
_PROBLEM = "'application/problem+json'"


def extension() -> dict[str, Any]:
    """The value of `x-amazon-apigateway-gateway-responses`."""
    return {
        name: {
            "statusCode": str(status.value),
            "responseParameters": {"gatewayresponse.header.Content-Type": _PROBLEM},
            "responseTemplates": {"application/json": _template(name, status, code)},
        }
        for name, (status, code) in RESPONSES.items()
    }


def _template(name: str, status: HTTPStatus, code: str) -> str:
    document = Problem(
        title=status.phrase, status=status, detail=_MESSAGE, code=code, extra=dict(_extra(name))
    )
    return document.model_dump_json().replace(json.dumps(_MESSAGE), _MESSAGE)


def _extra(name: str) -> Iterator[tuple[str, object]]:
    yield GATEWAY, name
    if name == "REQUEST_TOO_LARGE":
        yield "limit", "size of a request"
        yield "number", GATEWAY_BYTES
