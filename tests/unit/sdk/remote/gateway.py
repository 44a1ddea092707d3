"""An API Gateway on this machine: it checks signatures with botocore and refuses in AWS's own words.

Behind it are the in-memory control plane and its object store; an STS answers too.
"""

from __future__ import annotations

import json
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.unit.sdk.remote.conftest import STORE, TOKEN, ControlPlane

from covalent._deploy import gateway_responses

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ARN = f"arn:aws:iam::{ACCOUNT}:user/ada"
TOLERANCE = 300
TYPES = {
    "AccessDeniedException": "ACCESS_DENIED",
    "ExpiredTokenException": "EXPIRED_TOKEN",
    "MissingAuthenticationTokenException": "MISSING_AUTHENTICATION_TOKEN",
    "TooManyRequestsException": "THROTTLED",
    "RequestTooLargeException": "REQUEST_TOO_LARGE",
    "InternalServerErrorException": "INTEGRATION_TIMEOUT",
}
"""Which of its answers it is, by the kind that a header tells."""
NO_API = "ForbiddenException"
"""Where there is no API nothing could be set."""


class Refused(Exception):
    """An answer that API Gateway gives by itself."""

    def __init__(self, status: int, message: str, kind: str, key: str = "message") -> None:
        super().__init__(message)
        self.status, self.kind, self.document = status, kind, {key: message}

    @property
    def problem(self) -> bytes:
        """The answer as the deployment has API Gateway write it."""
        name = TYPES.get(self.kind, "INVALID_SIGNATURE")
        template = gateway_responses.extension()[name]["responseTemplates"]["application/json"]
        message = json.dumps(str(self))
        text: str = template.replace("$context.error.messageString", message)
        return text.encode()


class Key(NamedTuple):
    """A secret, and the token of its session."""

    secret: str
    token: str = ""
    has_ended: bool = False


@dataclass
class Gateway:
    """What it knows and how it behaves; `port` is set once it listens."""

    plane: ControlPlane
    keys: dict[str, Key] = field(default_factory=lambda: {"AKIATEST": Key("secret")})
    ahead: float = 0
    """Seconds that its clock is ahead of this machine's."""
    denied: bool = False
    writes_problems: bool = True
    """Whether it answers as a deployment of ours, or in its own format."""
    is_there: bool = True
    faults: list[Refused] = field(default_factory=list)
    """What the next signed requests get, whatever they are."""
    used: list[str] = field(default_factory=list)
    """The access keys that were accepted, in order."""
    unsigned: list[bool] = field(default_factory=list)
    on_refusal: Callable[[], object] = lambda: None
    scheme: str = "http"
    port: int = 0

    @property
    def url(self) -> str:
        return (
            f"{self.scheme}://{'localhost' if self.scheme == 'https' else '127.0.0.1'}:{self.port}"
        )

    def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> httpx.Response:
        try:
            if path.startswith("/store/"):
                return self._behind(
                    method, f"{STORE}/{path.removeprefix('/store/')}", headers, body
                )
            if path.startswith("/sts"):
                return self._sts(headers)
            self._admit(method, path, headers, body)
            kept = headers | {"Authorization": f"Bearer {TOKEN}"}
            return self._behind(method, f"{self.url}{path}", kept, body)
        except Refused as exc:
            self.on_refusal()
            if self.writes_problems and exc.kind != NO_API:
                return httpx.Response(exc.status, content=exc.problem)
            headers = {"x-amzn-ErrorType": exc.kind}
            return httpx.Response(exc.status, json=exc.document, headers=headers)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def _behind(
        self, method: str, url: str, headers: dict[str, str], body: bytes
    ) -> httpx.Response:
        response = self.plane.handle(httpx.Request(method, url, headers=headers, content=body))
        here = response.content.replace(STORE.encode(), f"{self.url}/store".encode())
        return httpx.Response(response.status_code, content=here)

    def _admit(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        if not self.is_there:
            raise Refused(403, "Forbidden", NO_API)
        if path.startswith("/api/v1/health"):
            self.unsigned.append("Authorization" not in headers)
            return
        if not path.startswith("/api/v1/"):
            raise Refused(
                403, "Missing Authentication Token", "MissingAuthenticationTokenException"
            )
        if self.faults:
            raise self.faults.pop(0)
        key = self._identify(method, path, headers, body)
        if self.denied:
            raise Refused(
                403,
                f"User: {ARN} is not authorized to perform: execute-api:Invoke on resource: "
                f"arn:aws:execute-api:{REGION}:********9012:abc123/api/{method}{path.partition('?')[0]}",
                "AccessDeniedException",
                "Message",
            )
        self.used.append(key)

    def _identify(self, method: str, path: str, headers: dict[str, str], body: bytes) -> str:
        lower = {key.lower(): value for key, value in headers.items()}
        proof = lower.get("authorization", "")
        if not proof.startswith("AWS4-HMAC-SHA256 "):
            raise Refused(
                403, "Missing Authentication Token", "MissingAuthenticationTokenException"
            )
        parts = dict(part.split("=", 1) for part in proof.split(" ", 1)[1].split(", "))
        name, _, region, service, _ = parts["Credential"].split("/")
        key = self._key(name, lower)
        if (region, service) != (REGION, "execute-api"):
            raise Refused(
                403, "Credential should be scoped to a valid region. ", "InvalidSignatureException"
            )
        self._in_time(lower["x-amz-date"])
        signed = {each: lower[each] for each in parts["SignedHeaders"].split(";")}
        assert {"host", "x-amz-date"} <= set(signed)
        if self._signature(name, key, (method, path, signed, body)) != parts["Signature"]:
            raise Refused(
                403,
                "The request signature we calculated does not match the signature you provided. Check your AWS "
                "Secret Access Key and signing method. Consult the service documentation for details.",
                "InvalidSignatureException",
            )
        return name

    def _key(self, name: str, headers: dict[str, str]) -> Key:
        key = self.keys.get(name)
        if key is None or key.token != headers.get("x-amz-security-token", ""):
            raise Refused(
                403,
                "The security token included in the request is invalid.",
                "UnrecognizedClientException",
            )
        if key.has_ended:
            raise Refused(
                403,
                "The security token included in the request is expired",
                "ExpiredTokenException",
            )
        return key

    def _in_time(self, stamp: str) -> None:
        signed = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        now = self.now()
        text = now.strftime("%Y%m%dT%H%M%SZ")
        if (now - signed).total_seconds() > TOLERANCE:
            message = f"Signature expired: {stamp} is now earlier than {text} ({text} - 5 min.)"
            raise Refused(403, message, "InvalidSignatureException")
        if (signed - now).total_seconds() > TOLERANCE:
            message = (
                f"Signature not yet current: {stamp} is still later than {text} ({text} + 5 min.)"
            )
            raise Refused(403, message, "InvalidSignatureException")

    def _signature(
        self, name: str, key: Key, request: tuple[str, str, dict[str, str], bytes]
    ) -> str:
        method, path, headers, body = request
        aws = AWSRequest(method, f"{self.url}{path}", headers=headers, data=body)
        aws.context["timestamp"] = headers["x-amz-date"]
        signer: Any = SigV4Auth(Credentials(name, key.secret), "execute-api", REGION)
        text = signer.string_to_sign(aws, signer.canonical_request(aws))
        return str(signer.signature(text, aws))

    def _sts(self, headers: dict[str, str]) -> httpx.Response:
        name = headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        if name not in self.keys or self.keys[name].has_ended:
            error = "<Code>ExpiredToken</Code><Message>The security token is expired</Message>"
            return httpx.Response(
                403, text=f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
            )
        return httpx.Response(
            200,
            text="<GetCallerIdentityResponse><GetCallerIdentityResult>"
            f"<Arn>{ARN}</Arn><Account>{ACCOUNT}</Account><UserId>AIDA</UserId>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>",
        )


def serve(gateway: Gateway, certificate: Path | None = None) -> ThreadingHTTPServer:
    """Listen on a free port, with TLS if there is a certificate."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            response = gateway.answer(self.command, self.path, dict(self.headers.items()), body)
            self.send_response(response.status_code)
            for name, value in response.headers.items():
                if name not in ("content-length", "date"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.content)))
            self.end_headers()
            self.wfile.write(response.content)

        do_GET = do_POST = do_PUT = handle_any  # noqa: N815  # the library's

        def do_CONNECT(self) -> None:
            """As a proxy that wants a password."""
            self.send_response(407)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(gateway.now(), usegmt=True)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        gateway.scheme = "https"
    gateway.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


def document(finding: Any) -> str:
    """A finding in a line, for messages of failing tests."""
    return json.dumps([finding.name, finding.state, finding.detail, finding.cure])
