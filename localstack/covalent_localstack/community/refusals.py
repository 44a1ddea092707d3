"""What API Gateway answers by itself, as the description of the API wants it.

Defects of LocalStack's community edition that are repaired here:

- PutRestApi overlooks the gateway responses of a description -> kept by API
- gateway responses are never written as their templates are -> the message is put into the template
"""

import json
from collections.abc import Mapping
from typing import Any

from localstack.services.apigateway.next_gen.execute_api.handlers import gateway_exception

_EXTENSION = "x-amazon-apigateway-gateway-responses"
_MESSAGE = "$context.error.messageString"
_known: dict[str, Mapping[str, Any]] = {}
_stock_answer = gateway_exception.GatewayExceptionHandler.create_exception_response


def keep(api: str, description: Mapping[str, Any]) -> None:
    """Remember the gateway responses of an API, in place of those that it had."""
    _known[api] = description.get(_EXTENSION, {})


def written(template: str, message: str | None) -> str:
    """A template with the message in its place; API Gateway knows no other language there."""
    return template.replace(_MESSAGE, json.dumps(message))


def _answer(handler: Any, exception: Any, context: Any) -> Any:
    answer = _stock_answer(handler, exception, context)
    wanted = _known.get(context.api_id, {}).get(str(exception.type))
    if wanted:
        (template,) = wanted["responseTemplates"].values()
        answer.set_data(written(template, exception.message))
        for name, value in wanted.get("responseParameters", {}).items():
            answer.headers[name.removeprefix("gatewayresponse.header.")] = value.strip("'")
    return answer


def repair() -> None:
    """Have LocalStack answer so."""
    gateway_exception.GatewayExceptionHandler.create_exception_response = _answer
