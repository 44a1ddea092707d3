"""Signed requests to AWS with the standard library alone.

The process that hands out roles (`guard`) makes two small requests for a dispatch. botocore would take longer to import
than they take, and it is the other process that needs it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import os
import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, quote, urlsplit

TIMEOUT = 10.0
TRIES = 6
"""Tries of a request that AWS throttles or that breaks: about 10 s of pauses at most."""
_FIRST_PAUSE = 0.3
_THROTTLED = (b"Throttling", b"SlowDown", b"RequestLimitExceeded")


@dataclass(frozen=True)
class Credentials:
    """What AWS knows a caller by."""

    key: str
    secret: str
    token: str = ""

    @classmethod
    def of_process(cls) -> "Credentials":
        """Those that Lambda gives the process in its environment."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return cls(*(os.environ.get(name, "") for name in names))


@dataclass(frozen=True)
class Request:
    """A request to a service; `path` is not quoted yet."""

    service: str
    method: str
    path: str
    body: bytes = b""


class Refused(Exception):
    """AWS answered, and not with success."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body.decode(errors='replace')[:1000]}")
        self.status = status
        self.may_pass = status >= 500 or any(word in body for word in _THROTTLED)


def send(
    request: Request, credentials: Credentials, pause: Callable[[float], None] = time.sleep
) -> bytes:
    """Send a request, again while there is hope, and return the body of the answer.

    Raises:
        Refused: AWS does not want it.
        OSError, HTTPException: AWS could not be reached.

    """
    for attempt in range(TRIES - 1):
        try:
            return _sent(request, credentials)
        except Refused as exc:
            if not exc.may_pass:
                raise
        except (OSError, HTTPException):
            pass
        pause(random.uniform(0, _FIRST_PAUSE * 2**attempt))  # noqa: S311  # so that rivals part
    return _sent(request, credentials)


def _sent(request: Request, credentials: Credentials) -> bytes:
    place = urlsplit(_endpoint(request.service))
    connection = _connection(place)
    try:
        path = quote(request.path, safe="/-_.~")
        headers = _headers(request, path, place.netloc, credentials)
        connection.request(request.method, path, request.body, headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise Refused(answer.status, body)
    return body


def _endpoint(service: str) -> str:
    region = os.environ["AWS_REGION"]
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return os.environ.get("AWS_ENDPOINT_URL") or f"https://{service}.{region}.{domain}"


def _connection(place: SplitResult) -> HTTPConnection:
    host = place.hostname or ""
    if place.scheme == "http":
        return HTTPConnection(host, place.port, timeout=TIMEOUT)
    trust = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
    return HTTPSConnection(host, place.port, timeout=TIMEOUT, context=trust)


def _headers(request: Request, path: str, host: str, credentials: Credentials) -> dict[str, str]:
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    digest = sha256(request.body).hexdigest()
    headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": now}
    if request.body:
        headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    scope = f"{now[:8]}/{os.environ['AWS_REGION']}/{request.service}/aws4_request"
    signed = ";".join(sorted(headers))
    lines = [f"{name}:{headers[name]}" for name in sorted(headers)]
    canonical = "\n".join([request.method, path, "", *lines, "", signed, digest])
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    signature = _signature(credentials.secret, scope, text)
    headers["user-agent"] = "covalent-guard"
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.key}/{scope}, "
        f"SignedHeaders={signed}, Signature={signature}"
    )
    return headers


def _signature(secret: str, scope: str, text: str) -> str:
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()
