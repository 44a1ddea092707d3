import base64
import io
import json
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from covalent_localstack.api_gateway import Gateway, Match, find_route, proxy_event
from covalent_localstack.environment import ACCOUNT

ROUTES: dict[str, Mapping[str, Any]] = {
    "/api/v1/dispatches": {"GET": None, "POST": None},
    "/api/v1/dispatches/{dispatch_id}": {},
    "/api/v1/dispatches/latest": {},
    "/api/v1/dispatches/{dispatch_id}/nodes": {},
}


def environ(path: str = "/api/v1/dispatches", body: bytes = b"", **more: Any) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "wsgi.input": io.BytesIO(body),
        **more,
    }


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/api/v1/dispatches", Match("/api/v1/dispatches", {})),
        ("/api/v1/dispatches/", Match("/api/v1/dispatches", {})),
        ("/api/v1/dispatches/latest", Match("/api/v1/dispatches/latest", {})),
        ("/api/v1/dispatches/x", Match("/api/v1/dispatches/{dispatch_id}", {"dispatch_id": "x"})),
        (
            "/api/v1/dispatches/x/nodes",
            Match("/api/v1/dispatches/{dispatch_id}/nodes", {"dispatch_id": "x"}),
        ),
        ("/api/v1/dispatches/x/other", None),
        ("/", None),
    ],
)
def test_a_path_finds_its_route(path: str, found: Match | None) -> None:
    assert find_route(ROUTES, path) == found


def event(body: bytes = b"", **more: Any) -> dict[str, Any]:
    match = Match("/api/v1/dispatches/{dispatch_id}", {"dispatch_id": "x"})
    return proxy_event(environ(body=body, **more), match, "arn:me")


def test_the_caller_is_the_principal_and_the_token_stays_outside() -> None:
    made = event(HTTP_AUTHORIZATION="Bearer secret", HTTP_X_ONE="1", CONTENT_TYPE="a/b")
    assert made["requestContext"]["identity"]["userArn"] == "arn:me"
    assert made["requestContext"]["accountId"] == ACCOUNT
    assert made["headers"] == {"X-One": "1", "Content-Type": "a/b"}
    assert made["multiValueHeaders"]["X-One"] == ["1"]
    assert "secret" not in json.dumps(made)


def test_query_and_path_parameters() -> None:
    made = event(QUERY_STRING="a=1&a=2&b=")
    assert made["pathParameters"] == {"dispatch_id": "x"}
    assert made["queryStringParameters"] == {"a": "2", "b": ""}
    assert made["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert event()["queryStringParameters"] is None


def test_text_travels_as_text_and_bytes_in_base64() -> None:
    assert event("ü".encode())["body"] == "ü"
    binary = event(b"\xff\x00")
    assert binary["isBase64Encoded"]
    assert base64.b64decode(binary["body"]) == b"\xff\x00"
    packed = event(b"plain", HTTP_CONTENT_ENCODING="gzip")
    assert packed["isBase64Encoded"]
    assert event()["body"] is None


class App:
    """A Chalice app as far as API Gateway looks at it."""

    routes = ROUTES

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.answer = answer
        self.limits: list[int] = []

    def __call__(self, event: dict[str, Any], context: Any) -> Mapping[str, Any]:
        self.limits.append(context.get_remaining_time_in_millis())
        return self.answer


def test_an_answer_comes_back_with_its_headers() -> None:
    answer = {
        "statusCode": 201,
        "body": "made",
        "headers": {"Content-Type": "text/plain", "Content-Length": "99"},
        "multiValueHeaders": {"Set-Cookie": ["a", "b"]},
    }
    app = App(answer)
    status, headers, body = Gateway(lambda: app)(environ())
    assert (status, b"".join(body)) == (201, b"made")
    expected = [("Content-Type", "text/plain"), ("Set-Cookie", "a"), ("Set-Cookie", "b")]
    assert sorted(each for each in headers if each[0] != "Date") == expected
    assert parsedate_to_datetime(dict(headers)["Date"]).tzinfo is UTC  # clients look for clock skew
    assert 0 < app.limits[0] <= 29_000


def test_bytes_come_back_as_bytes() -> None:
    encoded = base64.b64encode(b"\x00\xff").decode()
    app = App({"statusCode": 200, "body": encoded, "isBase64Encoded": True})
    _, _, body = Gateway(lambda: app)(environ())
    assert b"".join(body) == b"\x00\xff"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE"])
def test_a_method_that_no_route_has_is_a_problem(method: str) -> None:
    app = App({"statusCode": 200})
    status, headers, body = Gateway(lambda: app)(environ(REQUEST_METHOD=method))
    assert (status, dict(headers)["Allow"]) == (405, "GET, POST")
    assert json.loads(b"".join(body))["status"] == 405
    assert app.limits == []


def test_a_path_without_a_route_is_a_problem() -> None:
    app = App({"statusCode": 200})
    status, headers, body = Gateway(lambda: app)(environ("/api/v2/other"))
    assert status == 404
    assert dict(headers)["Content-Type"] == "application/problem+json"
    assert json.loads(b"".join(body))["code"] == "NotFound"
    assert app.limits == []
