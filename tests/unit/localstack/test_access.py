import base64
from datetime import UTC, datetime, timedelta

import pytest

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


@pytest.mark.parametrize(("age", "passes"), [(0, True), (899, True), (905, False)])
def test_a_presigned_address_expires(age: int, passes: bool) -> None:
    signed = datetime.now(UTC) - timedelta(seconds=age)
    query = (
        f"X-Amz-Credential={TOKEN}%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
        f"&X-Amz-Date={signed:%Y%m%dT%H%M%SZ}&X-Amz-Expires=900"
    )
    assert access.has_credential({"QUERY_STRING": query}, TOKEN) is passes
