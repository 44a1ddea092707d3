import base64
from datetime import datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from covalent_localstack import access

TOKEN = "secret-token"


@pytest.mark.parametrize("host", ["127.0.0.1:80", "localhost:80", "[::1]:80"])
def test_this_machine_is_served(host: str) -> None:
    assert access.is_local({"HTTP_HOST": host}, 80)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"HTTP_HOST": "127.0.0.1:81"},
        {"HTTP_HOST": "evil.example:80"},
        {"HTTP_HOST": "127.0.0.1.evil.example:80"},
        {"HTTP_HOST": "127.0.0.1:80", "HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_HOST": "127.0.0.1:80", "HTTP_SEC_FETCH_SITE": "cross-site"},
    ],
)
def test_browsers_and_other_names_are_not(environ: dict[str, str]) -> None:
    assert not access.is_local(environ, 80)


@pytest.mark.parametrize(
    ("header", "passes"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer {TOKEN}", True),
        (f"Bearer {TOKEN}x", False),
        (f"Basic {base64.b64encode(TOKEN.encode()).decode()}", False),
        ("", False),
    ],
)
def test_the_api_needs_the_token(header: str, passes: bool) -> None:
    assert access.has_bearer({"HTTP_AUTHORIZATION": header}, TOKEN) is passes


def test_a_signature_names_the_token() -> None:
    header = "AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host"
    assert access.has_credential({"HTTP_AUTHORIZATION": header.format(TOKEN)}, TOKEN)
    assert not access.has_credential({"HTTP_AUTHORIZATION": header.format("other")}, TOKEN)
    assert not access.has_credential({}, TOKEN)


class Clock(datetime):
    """A clock that is late."""

    behind = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Clock":
        return cls.fromtimestamp((datetime.now(tz) + cls.behind).timestamp(), tz)


def presigned(method: str = "put_object") -> dict[str, str]:
    """The request that a presigned address is for."""
    make: Any = boto3.client
    s3 = make(
        "s3",
        endpoint_url="http://127.0.0.1:48008",
        region_name="us-east-1",
        aws_access_key_id=TOKEN,
        aws_secret_access_key=TOKEN,
        config=Config(signature_version="s3v4"),
    )
    params = {"Bucket": "b", "Key": "a/ü b"}
    url = urlsplit(s3.generate_presigned_url(method, Params=params, ExpiresIn=900))
    return {
        "REQUEST_METHOD": "PUT" if method == "put_object" else "GET",
        "RAW_URI": f"{url.path}?{url.query}",
        "QUERY_STRING": url.query,
        "HTTP_HOST": url.netloc,
    }


@pytest.mark.parametrize("method", ["put_object", "get_object"])
def test_a_presigned_address_opens(method: str) -> None:
    assert access.has_credential(presigned(method), TOKEN)


def test_a_presigned_address_is_for_one_key_and_one_method() -> None:
    request = presigned()
    assert not access.has_credential({**request, "REQUEST_METHOD": "GET"}, TOKEN)
    other = request["RAW_URI"].replace("/b/a", "/b/c")
    assert not access.has_credential({**request, "RAW_URI": other}, TOKEN)
    assert not access.has_credential(request, "other")


@pytest.mark.parametrize(("age", "passes"), [(0, True), (890, True), (905, False)])
def test_a_presigned_address_expires(
    age: int, passes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = presigned()
    monkeypatch.setattr(Clock, "behind", timedelta(seconds=age))
    monkeypatch.setattr(access, "datetime", Clock)
    assert access.has_credential(request, TOKEN) is passes
