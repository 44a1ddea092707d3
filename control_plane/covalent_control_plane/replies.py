"""What every handler needs: the request that is being answered, who calls, and documents as answers."""

from http import HTTPStatus

from chalice.app import Blueprint, Request, Response
from pydantic import BaseModel

from covalent_control_plane import answers, requests
from covalent_control_plane.aws import aws
from covalent_control_plane.callers import Caller

routes = Blueprint("covalent_control_plane.routes")


def request() -> Request:
    """The request that this thread is answering."""
    return routes.current_request


def caller() -> Caller:
    """Who calls.

    Raises:
        Refused: nobody was authenticated.

    """
    return requests.caller(request(), people=aws().settings.people)


def owner() -> str:
    """Whose dispatches are theirs; raises as `caller`."""
    return caller().owner


def render(document: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """A document as an answer."""
    return as_json(document.model_dump_json(), status)


def as_json(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """JSON as an answer.

    Raises:
        LimitExceeded: Lambda would not give it.

    """
    answers.check(text)
    return Response(text, {"Content-Type": "application/json"}, status.value)
