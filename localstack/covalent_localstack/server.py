"""One port: `/api/` is API Gateway in front of the Chalice app, everything else is AWS, served by moto.

DynamoDB and S3 objects, the two that every electron calls, skip moto's routing, which costs more than their work.
"""

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Protocol

from moto.core.request import Request
from moto.dynamodb.responses import DynamoHandler
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from covalent_contracts.ticket import TICKETS
from covalent_localstack import access, braket, item_requests
from covalent_localstack.http_server import Application, Environ
from covalent_localstack.sts import Sessions

API = "/api/"
HEALTH = "/api/v1/health"

Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, Iterable[bytes]]
StartResponse = Callable[[str, Headers], Any]


Told = Callable[[str, str, int], None]
"""Hears of every answer of the API: method, path and status."""


def _nobody(_method: str, _path: str, _status: int) -> None:
    """Who hears of answers where nobody wants to."""


class Objects(Protocol):
    """Serves the plain object requests of our bucket."""

    def __call__(self, environ: Environ) -> Answer | None:
        """Answer, or None for a request that moto must answer."""


class _DynamoRequest(Request):  # type: ignore[misc]  # moto is not type-checked
    from_wsgi_server = True


class Front:
    """The WSGI application of the embedded AWS."""

    def __init__(self, token: str, api: Callable[[Environ], Answer], objects: Objects) -> None:
        self.port = 0
        self.told: Told = _nobody
        self._token = token
        self._api = api
        self._objects = objects
        self.sessions = Sessions()
        self._moto: Application = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._refusal(environ) or self._answer(environ)
        if answer is None:
            return self._moto(environ, start_response)
        status, headers, body = answer
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return body

    def _refusal(self, environ: Environ) -> Answer | None:
        if not access.is_local(environ, self.port):
            return problem(403, "Refused", "only clients on this machine are served")
        path = environ["PATH_INFO"]
        if path.startswith(API):
            if path in (HEALTH, TICKETS) or access.has_bearer(environ, self._token):
                return None
            return problem(401, "Refused", "the token is missing or wrong")
        if access.has_credential(environ, self._token, self.sessions):
            return None
        return problem(403, "Refused", "the access key id is not the token of this server")

    def _answer(self, environ: Environ) -> Answer | None:
        if environ["PATH_INFO"].startswith(API):
            answer = self._api(environ)
            self.told(environ["REQUEST_METHOD"], environ["PATH_INFO"], answer[0])
            return answer
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith(item_requests.TARGET):
            return item_requests.answer(environ) or _dynamodb(environ)
        return self._objects(environ) or self.sessions.answer(environ) or braket.answer(environ)


def problem(status: int, code: str, detail: str) -> Answer:
    """An error as the API words it."""
    title = HTTPStatus(status).phrase
    document = {"title": title, "status": status, "detail": detail, "code": code}
    return (
        status,
        [("Content-Type", "application/problem+json")],
        [json.dumps(document).encode()],
    )


def _dynamodb(environ: Environ) -> Answer:
    status, headers, body = DynamoHandler.dispatch(_DynamoRequest(environ))
    data = body.encode() if isinstance(body, str) else body
    kept = [(name, str(value)) for name, value in headers.items() if name != "status"]
    return int(status), kept, [data]
