"""The first try of a DynamoDB request, past most of botocore.

A small electron is hardly more than its two writes, and botocore spends on a call what it takes to do seven of them
here (CPU per call in a loop: 0.84 ms against 0.12 ms): user agent, endpoint rules, hooks, models, urllib3.

Request and answer are JSON already. botocore's signer signs with botocore's credentials; the connections are kept.
Only a success that arrived whole counts. Whatever else happens (a condition that does not hold, a throttle, a
token that expired, a clock that is off, a broken connection), nothing is decided here: the caller lets
botocore make the request, with its retries and its errors. So requests must bear being repeated, as for any retry.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zlib import crc32

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.utils import get_environ_proxies

from covalent_runner.http_post import Answer, Poster

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.credentials import ReadOnlyCredentials
    from mypy_boto3_dynamodb import DynamoDBClient

_TARGETS = MappingProxyType(
    {
        "put_item": "DynamoDB_20120810.PutItem",
        "update_item": "DynamoDB_20120810.UpdateItem",
        "batch_get_item": "DynamoDB_20120810.BatchGetItem",
    }
)

MOST_FAILURES = 3
"""Failures in a row (of certificate, connection, or reading the answer) after which botocore makes all requests."""


class Direct:
    """The way to one DynamoDB endpoint. Threads may share it."""

    def __init__(self, session: "Session", client: "DynamoDBClient") -> None:
        self._credentials = session.get_credentials()
        self._region = client.meta.region_name
        self._url = client.meta.endpoint_url
        self._has_proxy = bool(get_environ_proxies(self._url))
        self._poster = Poster(self._url)
        self._failures = 0

    def answer(self, action: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Make the request once.

        Args:
            action: The name of the client's method: `put_item`, `update_item` or `batch_get_item`.
            request: Its keyword arguments.

        Returns:
            What the client's method would return; None if botocore must make the request instead.

        """
        if self._credentials is None or self._has_proxy or self._failures >= MOST_FAILURES:
            return None
        try:
            body = json.dumps(request, default=_to_wire).encode()
            credentials = self._credentials.get_frozen_credentials()
            found = _checked(self._poster.post(self._headers(credentials, action, body), body))
        except (OSError, BotoCoreError, ValueError):
            self._failures += 1
            return None
        self._failures = 0
        return found

    def _headers(
        self, credentials: "ReadOnlyCredentials", action: str, body: bytes
    ) -> dict[str, str]:
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": _TARGETS[action]}
        request = AWSRequest("POST", self._url, headers, body)
        SigV4Auth(credentials, "dynamodb", self._region).add_auth(request)
        return dict(request.headers.items())


def _checked(answer: Answer) -> dict[str, Any] | None:
    """The document of an answer that succeeded and arrived whole."""
    checksum = answer.headers.get(b"x-amz-crc32")
    if answer.status != 200 or (checksum is not None and int(checksum) != crc32(answer.body)):
        return None
    document: dict[str, Any] = json.loads(answer.body, object_hook=_from_wire)
    return document


def _to_wire(value: bytes) -> str:
    return b64encode(value).decode()


def _from_wire(found: dict[str, Any]) -> dict[str, Any]:
    """Attributes of binary type as bytes; an attribute that is called B holds a document, never text."""
    if found.keys() == {"B"} and isinstance(found["B"], str):
        return {"B": b64decode(found["B"])}
    return found
