"""Errors as answers: the one place that knows which HTTP status an error has (RFC 9457, `application/problem+json`)."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from chalice.app import Request, Response
from pydantic import ValidationError

from covalent_contracts import errors
from covalent_contracts.api import Problem
from covalent_control_plane.dispatches import MissingUploads
from covalent_control_plane.requests import TooLarge
from covalent_control_plane.telemetry import log
from covalent_control_plane.transient import will_pass

CONTENT_TYPE = "application/problem+json"
_STATUS: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (errors.LimitExceeded, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.InvalidWorkflow, HTTPStatus.BAD_REQUEST),
    (errors.NewerWire, HTTPStatus.BAD_REQUEST),
    (errors.NotFound, HTTPStatus.NOT_FOUND),
    (errors.Conflict, HTTPStatus.CONFLICT),
    (errors.CorruptedObject, HTTPStatus.CONFLICT),  # not a 5xx: asking again does not help
    (errors.Refused, HTTPStatus.FORBIDDEN),
    (errors.Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)
_PUBLIC = frozenset(vars(errors))
_REFUSALS = {
    HTTPStatus.METHOD_NOT_ALLOWED: "there is no such operation here",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "the body must be JSON, and say so in Content-Type",
}
MAX_LISTED = 100
"""Malformed fields that a problem names."""

Handler = Callable[..., Response]


def guarded(handler: Handler, request: Callable[[], Request]) -> Handler:
    """Make a handler answer with a problem where it raises."""

    @wraps(handler)
    def answer(**arguments: str) -> Response:
        try:
            return handler(**arguments)
        except Exception as exc:  # noqa: BLE001  # whatever it is, the client gets a document
            return respond(problem(exc, request()))

    return answer


def worded(answer: dict[str, Any]) -> dict[str, Any]:
    """What the application answers; where Chalice refused the request itself, in our words."""
    headers = answer.get("headers") or {}
    status = int(answer.get("statusCode", HTTPStatus.OK))
    if status < HTTPStatus.BAD_REQUEST or headers.get("Content-Type") == CONTENT_TYPE:
        return answer
    told = errors.CovalentError(_REFUSALS.get(HTTPStatus(status), HTTPStatus(status).phrase))
    document = _describe(told, HTTPStatus(status)).model_dump_json()
    return answer | {"headers": headers | {"Content-Type": CONTENT_TYPE}, "body": document}


def respond(document: Problem) -> Response:
    """A problem as an answer."""
    return Response(
        body=document.model_dump_json(),
        status_code=document.status,
        headers={"Content-Type": CONTENT_TYPE},
    )


def problem(exc: Exception, request: Request) -> Problem:
    """What to tell of an error. Of an unexpected one: only under which id the log has it."""
    if isinstance(exc, ValidationError):
        return _describe(_invalid(exc), HTTPStatus.BAD_REQUEST)
    for kind, status in _STATUS:
        if isinstance(exc, kind):
            return _describe(exc, status)
    if will_pass(exc):
        log().warning("AWS did not answer", exc_info=exc)
        told = errors.Unavailable("AWS did not answer in time: try again later")
        return _describe(told, HTTPStatus.SERVICE_UNAVAILABLE)
    request_id = request.context.get("requestId", "")
    log().error("unexpected error", exc_info=exc, request_id=request_id, path=request.path)
    hidden = errors.CovalentError(f"internal error; the log has it under request {request_id}")
    return _describe(hidden, HTTPStatus.INTERNAL_SERVER_ERROR)


def _describe(exc: Exception, status: HTTPStatus) -> Problem:
    return Problem(
        title=status.phrase,
        status=status.value,
        detail=str(exc),
        code=_code(exc),
        extra=_extra(exc),
    )


def _code(exc: Exception) -> str:
    """The class that the SDK raises: the nearest one that `covalent_contracts.errors` has."""
    names = (kind.__name__ for kind in type(exc).__mro__)
    return next((name for name in names if name in _PUBLIC), "CovalentError")


def _extra(exc: Exception) -> dict[str, Any]:
    match exc:
        case errors.LimitExceeded():
            return {"limit": exc.limit, "number": exc.number}
        case MissingUploads():
            return {"missing": exc.digests}
        case _:
            return {}


def _invalid(exc: ValidationError) -> errors.InvalidWorkflow:
    """Where the document is wrong, without repeating what is in it."""
    found = exc.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{'.'.join(map(str, each['loc'])) or 'document'}: {each['msg']}" for each in found]
    return errors.InvalidWorkflow("; ".join(lines[:MAX_LISTED]))
