"""An answer that is not a success becomes the error that the control plane meant."""

import httpx
from pydantic import ValidationError

from covalent._dispatch.gateway import advice_of, message_of
from covalent._shared_files.config import get_config
from covalent_contracts import errors
from covalent_contracts.api import GATEWAY_BYTES, Problem

_BY_STATUS: dict[int, type[errors.CovalentError]] = {
    400: errors.InvalidWorkflow,
    401: errors.Refused,
    403: errors.Refused,
    404: errors.NotFound,
    409: errors.Conflict,
    422: errors.InvalidWorkflow,
    429: errors.Unavailable,
}
"""What an answer means that a gateway in between wrote, without a `code`."""


class Overloaded(errors.Unavailable):
    """The service answered that it cannot serve now (429 or 5xx): it is there, and asking again helps."""


def error_of(response: httpx.Response) -> errors.CovalentError:
    """The error that a response stands for."""
    problem = _problem(response)
    message = problem.detail or problem.title
    kind = _kind(problem)
    if kind is errors.LimitExceeded:
        return errors.LimitExceeded(
            message,
            limit=str(problem.extra.get("limit", "size of a request")),
            number=int(problem.extra.get("number", GATEWAY_BYTES)),
        )
    if kind in (errors.Unavailable, errors.CovalentError) and is_busy(response):
        return Overloaded(message)
    if kind is errors.Refused:
        return errors.Refused(f"{message} ({_cure(response.request)})")
    return kind(message)


def is_busy(response: httpx.Response) -> bool:
    """Whether the same request may succeed a little later."""
    if response.status_code == 400:  # what S3 calls a body that came too slowly
        return b"<Code>RequestTimeout</Code>" in response.content
    return response.status_code == 429 or response.status_code >= 500


def is_expired(response: httpx.Response) -> bool:
    """Whether the object store may have refused a presigned address for its age.

    Its time is over, or that of the session it was signed with, which S3 calls a bad request.
    """
    ended = response.status_code == 400 and b"<Code>ExpiredToken</Code>" in response.content
    return response.status_code == 403 or ended


def _problem(response: httpx.Response) -> Problem:
    """The problem document, or one made of what came instead."""
    said = message_of(response)
    if not said:
        try:
            return Problem.model_validate_json(response.content)
        except ValidationError:
            pass
    status = response.status_code
    detail = (
        f"{response.request.method} {response.request.url.copy_with(query=None)} answered {status}: "
        f"{said or response.text[:200]}{_request_id(response)}"
    )
    if advice := advice_of(status):
        detail = f"{detail}: {advice}"
    return Problem(title=response.reason_phrase, status=status, detail=detail, code="")


def _request_id(response: httpx.Response) -> str:
    """By what the logs of API Gateway know the request."""
    found = response.headers.get("x-amzn-RequestId")
    return f" (request {found})" if found else ""


def _kind(problem: Problem) -> type[errors.CovalentError]:
    """The class that `code` names; a class that this version does not know goes by the status."""
    named = getattr(errors, problem.code, None)
    if isinstance(named, type) and issubclass(named, errors.CovalentError):
        return named
    if problem.status == 413:
        return errors.LimitExceeded
    if problem.status >= 500:
        return errors.Unavailable
    return _BY_STATUS.get(problem.status, errors.CovalentError)


def _cure(request: httpx.Request) -> str:
    if request.headers.get("Authorization", "").startswith("AWS4-"):
        return "it was signed with your AWS credentials; `covalent doctor` shows whose they are"
    file = get_config("sdk.config_file")
    if "Authorization" not in request.headers:
        return f"no token was sent: `dispatcher.token` in {file} is empty, or is meant for another address"
    return (
        f"the control plane did not accept the token `dispatcher.token` of {file}; "
        "`covalent start` writes a valid one for a local server"
    )
