"""The first try of a DynamoDB request, past most of botocore.

An electron without code of its own is hardly more than its two writes, and botocore spends three times as much on a
call as this does (CPU per call in a loop: 0.86 ms against 0.28 ms): user agent, endpoint rules, hooks, models.

Request and answer are JSON already. botocore's signer signs with botocore's credentials; the connections are kept.
Only a success that arrived whole counts. Whatever else happens (a condition that does not hold, a throttle, a
token that expired, a clock that is off, a broken connection), nothing is decided here: the caller lets
botocore make the request, with its retries and its errors. So requests must bear being repeated, as for any retry.
"""

import json
import select
import ssl
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Mapping
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from os import environ
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zlib import crc32

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.credentials import ReadOnlyCredentials
    from mypy_boto3_dynamodb import DynamoDBClient

TIMEOUT = 60.0
"""Seconds for connecting and for each read: botocore's own."""
_TARGETS = MappingProxyType(
    {
        "put_item": "DynamoDB_20120810.PutItem",
        "update_item": "DynamoDB_20120810.UpdateItem",
        "batch_get_item": "DynamoDB_20120810.BatchGetItem",
    }
)
_OWN_CERTIFICATES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


class Direct:
    """The way to one DynamoDB endpoint. Threads may share it."""

    def __init__(self, session: "Session", client: "DynamoDBClient") -> None:
        self._credentials = session.get_credentials()
        self._region = client.meta.region_name
        self._url = client.meta.endpoint_url
        self._idle: deque[HTTPConnection] = deque()

    @cached_property
    def is_open(self) -> bool:
        """Whether nothing stands in between that only botocore knows how to deal with."""
        asked_for = any(environ.get(name) for name in _OWN_CERTIFICATES)
        return not asked_for and not get_environ_proxies(self._url)

    def answer(self, action: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Make the request once.

        Args:
            action: The name of the client's method: `put_item`, `update_item` or `batch_get_item`.
            request: Its keyword arguments.

        Returns:
            What the client's method would return; None if botocore must make the request instead.

        """
        if self._credentials is None or not self.is_open:
            return None
        try:
            body = json.dumps(request, default=_to_wire).encode()
            credentials = self._credentials.get_frozen_credentials()
            return self._sent(body, self._headers(credentials, action, body))
        except (OSError, HTTPException, BotoCoreError, ValueError):
            return None

    def _headers(
        self, credentials: "ReadOnlyCredentials", action: str, body: bytes
    ) -> dict[str, str]:
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": _TARGETS[action]}
        request = AWSRequest("POST", self._url, headers, body)
        SigV4Auth(credentials, "dynamodb", self._region).add_auth(request)
        return dict(request.headers.items())

    def _sent(self, body: bytes, headers: Mapping[str, str]) -> dict[str, Any] | None:
        connection = self._connection()
        try:
            connection.request("POST", urlsplit(self._url).path or "/", body, headers)
            response = connection.getresponse()
            data = response.read()
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:  # the other side keeps it open too
            self._idle.append(connection)
        checksum = response.getheader("x-amz-crc32")
        if response.status != 200 or (checksum is not None and int(checksum) != crc32(data)):
            return None
        answer: dict[str, Any] = json.loads(data, object_hook=_from_wire)
        return answer

    def _connection(self) -> HTTPConnection:
        while self._idle:
            connection = self._idle.pop()
            if _is_quiet(connection):
                return connection
            connection.close()
        return self._connect()

    def _connect(self) -> HTTPConnection:
        place = urlsplit(self._url)
        host = place.hostname or ""
        if place.scheme == "http":
            return HTTPConnection(host, place.port, timeout=TIMEOUT)
        return HTTPSConnection(host, place.port, timeout=TIMEOUT, context=self._trust)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=get_cert_path(True))


def _is_quiet(connection: HTTPConnection) -> bool:
    """Whether an idle connection is still good: one that has something to read was closed by the other side."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)


def _to_wire(value: bytes) -> str:
    return b64encode(value).decode()


def _from_wire(found: dict[str, Any]) -> dict[str, Any]:
    """Attributes of binary type as bytes; an attribute that is called B holds a document, never text."""
    if found.keys() == {"B"} and isinstance(found["B"], str):
        return {"B": b64decode(found["B"])}
    return found
