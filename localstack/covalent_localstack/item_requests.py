"""DynamoDB's item requests without moto's request objects, parameter parser and serializer.

Defect of moto: around the half millisecond that an action needs it spends one to two more. Here moto's own
actions run on the JSON of the request, under the same lock and into the same journal. What fails is asked of
moto once more, which words the error.
"""

import json
from io import BytesIO
from typing import Any

from moto.core.exceptions import JsonRESTError, ServiceException
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler

from covalent_localstack import dynamodb
from covalent_localstack.environment import ACCOUNT, REGION
from covalent_localstack.http_server import Environ
from covalent_localstack.journal import base64_text, with_bytes

TARGET = "DynamoDB_20120810."
_ACTIONS = {
    "BatchGetItem": "batch_get_item",
    "GetItem": "get_item",
    "PutItem": "put_item",
    "Query": "query",
    "TransactWriteItems": "transact_write_items",
    "UpdateItem": "update_item",
}
_HEADERS = [("Content-Type", "application/x-amz-json-1.0")]


class _Handler(DynamoHandler):  # type: ignore[misc]  # moto has no types here
    """moto's actions on a request that has been read already."""

    dynamodb_backend: Any = None
    """In place of moto's property, which looks through all accounts each of the several times it is asked."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.dynamodb_backend = dynamodb_backends[ACCOUNT][REGION]


def answer(environ: Environ) -> tuple[int, list[tuple[str, str]], list[bytes]] | None:
    """Answer a request; None leaves it, unread, to moto, which also words every error."""
    action = environ["HTTP_X_AMZ_TARGET"].removeprefix(TARGET)
    if action not in _ACTIONS:
        return None
    data = environ["wsgi.input"].read()
    environ["wsgi.input"] = BytesIO(data)
    try:
        handler = _Handler(with_bytes(json.loads(data)))
        with dynamodb.LOCK:
            result = getattr(handler, _ACTIONS[action])().result
            dynamodb.record(action, handler.body, handler.dynamodb_backend)
    except (JsonRESTError, ServiceException, ValueError, KeyError, TypeError):
        return None
    return 200, _HEADERS, [json.dumps(result, default=base64_text).encode()]
