"""API Gateway: turns an HTTP request into the proxy event that the Chalice app gets on AWS, and its answer back."""

import base64
import getpass
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Protocol
from urllib.parse import parse_qsl

from covalent_localstack.environment import ACCOUNT
from covalent_localstack.http_server import Environ
from covalent_localstack.server import Answer, problem
from covalent_localstack.worker import Context

TIMEOUT = 29
"""Seconds that API Gateway waits for an integration."""


class App(Protocol):
    """What a Chalice app is to API Gateway."""

    @property
    def routes(self) -> Mapping[str, Mapping[str, Any]]:
        """Methods by path pattern, such as `/dispatches/{dispatch_id}`."""

    def __call__(self, event: dict[str, Any], context: Any) -> Mapping[str, Any]:
        """Answer a proxy event."""


@dataclass(frozen=True)
class Match:
    """A route of the app and what its path parameters are."""

    pattern: str
    parameters: dict[str, str]


class Gateway:
    """Calls a Chalice app with API Gateway's proxy event."""

    def __init__(self, load: Callable[[], App]) -> None:
        """Take a function that loads the app; it is called at every request and should cache."""
        self._load = load
        self._principal = f"arn:aws:iam::{ACCOUNT}:user/{_login()}"

    def __call__(self, environ: Environ) -> Answer:
        """Answer one request."""
        status, headers, body = self._answer(environ)
        return status, [*headers, ("Date", formatdate(usegmt=True))], body

    def _answer(self, environ: Environ) -> Answer:
        app = self._load()
        match = find_route(app.routes, environ["PATH_INFO"])
        if match is None:
            return problem(404, "NotFound", f"there is nothing at {environ['PATH_INFO']}")
        methods = app.routes[match.pattern]
        if environ["REQUEST_METHOD"] not in methods:
            return _not_allowed(sorted(methods))
        response = app(proxy_event(environ, match, self._principal), _context())
        body = response.get("body") or ""
        data = base64.b64decode(body) if response.get("isBase64Encoded") else body.encode()
        return int(response["statusCode"]), _headers(response), [data]


def _not_allowed(methods: list[str]) -> Answer:
    """What REST APIs of AWS answer with 403, which tells less."""
    allowed = ", ".join(methods)
    status, headers, body = problem(405, "CovalentError", f"only {allowed} can be asked here")
    return status, [*headers, ("Allow", allowed)], body


def find_route(routes: Mapping[str, Any], path: str) -> Match | None:
    """The route of a path; a literal segment goes before a parameter."""
    wanted = path.strip("/").split("/")
    for pattern in sorted(routes, key=lambda each: each.count("{")):
        parameters = _match(pattern.strip("/").split("/"), wanted)
        if parameters is not None:
            return Match(pattern, parameters)
    return None


def _match(pattern: list[str], path: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(path):
        return None
    found: dict[str, str] = {}
    for wanted, given in zip(pattern, path, strict=True):
        if wanted.startswith("{"):
            found[wanted[1:-1]] = given
        elif wanted != given:
            return None
    return found


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user id, in a container
        return "local"


def _context() -> Context:
    return Context(str(uuid.uuid4()), "covalent-api", "", 512, time.time() + TIMEOUT)


def _headers(response: Mapping[str, Any]) -> list[tuple[str, str]]:
    single = [(name, str(value)) for name, value in (response.get("headers") or {}).items()]
    several = [
        (name, str(value))
        for name, values in (response.get("multiValueHeaders") or {}).items()
        for value in values
    ]
    return [(name, value) for name, value in single + several if name.lower() != "content-length"]


def proxy_event(environ: Environ, match: Match, principal: str) -> dict[str, Any]:
    """The event of a Lambda proxy integration, IAM-authorised as `principal`."""
    headers = {
        name[5:].replace("_", "-").title(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") and name != "HTTP_AUTHORIZATION"
    }
    if environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = environ["CONTENT_TYPE"]
    data: bytes = environ["wsgi.input"].read()
    text, is_base64 = _body(data, headers)
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(environ["QUERY_STRING"], keep_blank_values=True):
        query.setdefault(name, []).append(value)
    path = environ["PATH_INFO"]
    return {
        "resource": match.pattern,
        "path": path,
        "httpMethod": environ["REQUEST_METHOD"],
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": match.parameters or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": match.pattern,
            "httpMethod": environ["REQUEST_METHOD"],
            "path": path,
            "accountId": ACCOUNT,
            "stage": "api",
            "requestId": str(uuid.uuid4()),
            "identity": {"userArn": principal, "accountId": ACCOUNT, "sourceIp": "127.0.0.1"},
        },
        "body": text,
        "isBase64Encoded": is_base64,
    }


def _body(data: bytes, headers: Mapping[str, str]) -> tuple[str | None, bool]:
    """Text as it is, anything else in base64, as API Gateway does for binary media types."""
    if not data:
        return None, False
    if "Content-Encoding" not in headers:
        try:
            return data.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(data).decode(), True
