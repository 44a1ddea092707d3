"""UpdateItem requests, twice per electron, without moto's request objects, parameter parser and serializer.

Only requests that moto has checked before (`updates.is_checked`) and that succeed are answered here.
"""

import json
from io import BytesIO

from moto.core.exceptions import JsonRESTError, ServiceException
from moto.dynamodb.models import dynamodb_backends

from covalent_localstack import dynamodb, updates
from covalent_localstack.environment import ACCOUNT, REGION
from covalent_localstack.http_server import Environ
from covalent_localstack.journal import base64_text, with_bytes

TARGET = "DynamoDB_20120810.UpdateItem"
_HEADERS = [("Content-Type", "application/x-amz-json-1.0")]


def answer(environ: Environ) -> tuple[int, list[tuple[str, str]], list[bytes]] | None:
    """Answer a request; None leaves it, unread, to moto, which also words every error."""
    data = environ["wsgi.input"].read()
    environ["wsgi.input"] = BytesIO(data)
    try:
        body = json.loads(data)
        if not updates.is_checked(body):
            return None
        body["ExpressionAttributeValues"] = with_bytes(body.get("ExpressionAttributeValues") or {})
        backend = dynamodb_backends[ACCOUNT][REGION]
        with dynamodb.LOCK:
            item = updates.run(backend, body)
            dynamodb.record("UpdateItem", body, backend)
            shown = {}
            if body.get("ReturnValues") == "ALL_NEW":
                shown["Attributes"] = dynamodb.image(item)
    except (JsonRESTError, ServiceException, ValueError, KeyError, TypeError):
        return None
    return 200, _HEADERS, [json.dumps(shown, default=base64_text).encode()]
