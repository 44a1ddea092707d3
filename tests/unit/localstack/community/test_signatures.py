"""What wants a signature, and who gave one."""

from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from covalent_localstack.community.signatures import access_key, signed_methods

Paths = dict[str, dict[str, Any]]
SIGV4 = {"type": "apiKey", "name": "Authorization", "x-amazon-apigateway-authtype": "awsSigv4"}


def test_the_key_of_a_request_that_botocore_signed() -> None:
    request = AWSRequest("GET", "http://127.0.0.1:4566/x")
    SigV4Auth(Credentials("AKIDEXAMPLE", "secret"), "execute-api", "us-east-1").add_auth(request)
    assert access_key(request.headers["Authorization"]) == "AKIDEXAMPLE"


@pytest.mark.parametrize("header", [None, "", "Bearer abc", "AWS4-HMAC-SHA256 nothing"])
def test_no_signature(header: str | None) -> None:
    assert access_key(header) is None


@pytest.mark.parametrize(
    "schemes",
    [{"securityDefinitions": {"s": SIGV4}}, {"components": {"securitySchemes": {"s": SIGV4}}}],
)
def test_operations_that_name_the_scheme(schemes: dict[str, object]) -> None:
    paths: Paths = {
        "/a": {"get": {"security": [{"s": []}]}, "post": {}},
        "/b": {"parameters": []},
    }
    assert list(signed_methods({**schemes, "paths": paths})) == [("/a", "GET")]


def test_a_scheme_for_all_and_an_operation_without() -> None:
    paths: Paths = {"/a": {"get": {}, "post": {"security": []}}}
    document = {"securityDefinitions": {"s": SIGV4}, "security": [{"s": []}], "paths": paths}
    assert list(signed_methods(document)) == [("/a", "GET")]


def test_the_extension_of_an_operation() -> None:
    paths = {"/a": {"put": {"x-amazon-apigateway-auth": {"type": "AWS_IAM"}}}}
    assert list(signed_methods({"paths": paths})) == [("/a", "PUT")]


def test_other_schemes_do_not_count() -> None:
    paths = {"/a": {"get": {"security": [{"key": []}]}}}
    key = {"type": "apiKey", "name": "x-api-key", "in": "header"}
    assert list(signed_methods({"securityDefinitions": {"key": key}, "paths": paths})) == []
