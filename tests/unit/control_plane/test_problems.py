import json
import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from pynamodb.exceptions import GetError
from tests.unit.control_plane.conftest import Api

from covalent_contracts import errors
from covalent_contracts.api import Problem
from covalent_control_plane import dispatches, problems, store, telemetry
from covalent_control_plane.dispatches import MissingUploads

SECRET = "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=0123"


def _throttled() -> ClientError:
    response: Any = {"Error": {"Code": "ThrottlingException", "Message": "slower"}}
    return ClientError(response, "StartExecution")


def _answer(api: Api, monkeypatch: pytest.MonkeyPatch, exc: Exception) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise exc

    monkeypatch.setattr(dispatches, "listing", fail)
    answer = api.get("/api/v1/dispatches")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["status"] == answer.status
    Problem.model_validate(answer.body)
    return answer


@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (errors.InvalidWorkflow("x"), 400, "InvalidWorkflow"),
        (errors.UnpicklableValue("x"), 400, "UnpicklableValue"),
        (errors.UnknownExecutor("x"), 400, "UnknownExecutor"),
        (errors.UnsupportedPython("x"), 400, "UnsupportedPython"),
        (errors.LimitExceeded("x", limit="states", number=3), 422, "LimitExceeded"),
        (errors.NotFound("x"), 404, "NotFound"),
        (errors.Conflict("x"), 409, "Conflict"),
        (MissingUploads("x", ["a"]), 409, "Conflict"),
        (errors.Refused("x"), 403, "Refused"),
        (errors.NewerWire("x"), 400, "NewerWire"),
        (errors.Unavailable("x"), 503, "Unavailable"),
        (_throttled(), 503, "Unavailable"),
        (EndpointConnectionError(endpoint_url="http://x"), 503, "Unavailable"),
        (GetError("x", cause=_throttled()), 503, "Unavailable"),
        (errors.CorruptedObject("x"), 409, "CorruptedObject"),
        (ValueError("x"), 500, "CovalentError"),
    ],
)
def test_every_error_has_its_status_and_its_class(
    api: Api, monkeypatch: pytest.MonkeyPatch, exc: Exception, status: int, code: str
) -> None:
    answer = _answer(api, monkeypatch, exc)
    assert (answer.status, answer.body["code"]) == (status, code)
    assert issubclass(getattr(errors, code), errors.CovalentError)


def test_every_error_of_the_tree_is_mapped() -> None:
    mapped = tuple(kind for kind, _ in problems._STATUS)
    # Of `errors` only: the SDK, which other tests load, has subclasses of its own.
    of_executors = (errors.TaskRuntimeError, errors.TaskCancelledError)  # nothing raises them here
    tree = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.CovalentError)
        and kind not in of_executors
    ]
    assert errors.InvalidWorkflow in tree
    assert [
        kind for kind in tree if kind is not errors.CovalentError and not issubclass(kind, mapped)
    ] == []


def test_what_is_unexpected_is_logged_and_not_told(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger(telemetry.SERVICE), "handlers", [caplog.handler])
    answer = _answer(api, monkeypatch, RuntimeError("the password is 1234"))
    assert answer.status == 500
    assert "1234" not in json.dumps(answer.body)
    request_id = api.template["requestContext"]["requestId"]
    assert request_id in answer.body["detail"]
    logged = caplog.records[0]
    assert (logged.levelname, vars(logged)["request_id"]) == ("ERROR", request_id)
    assert logged.exc_info is not None
    assert logged.exc_info[0] is RuntimeError


def test_a_malformed_document_is_not_repeated(api: Api) -> None:
    answer = api.post("/api/v1/dispatches", {"dispatch_id": SECRET, "nodes": SECRET})
    assert answer.status == 400
    assert "X-Amz" not in json.dumps(answer.body)


@pytest.mark.parametrize(
    ("method", "kind", "status"), [("POST", "text/plain", 415), ("DELETE", "application/json", 405)]
)
def test_what_chalice_refuses_is_a_problem_too(
    api: Api, method: str, kind: str, status: int
) -> None:
    path = "/api/v1/dispatches"
    answer = api.call(method, path, "{}", headers={"Content-Type": kind})
    assert (answer.status, answer.body["status"]) == (status, status)
    assert answer.headers["Content-Type"] == "application/problem+json"
    Problem.model_validate(answer.body)


def test_nothing_is_printed_where_all_is_well(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.log().info("registered")
    telemetry.count("DispatchesRegistered")
    api.get("/api/v1/health")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert telemetry.log().log_level == logging.WARNING
    assert store.find("0") is None
