"""What botocore sends without a socket arrives, and comes back, as over one."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from covalent_localstack.loopback import Loopback
from covalent_localstack.stack import EmbeddedAws

BUCKET = "covalent-local"


@pytest.fixture
def near(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Makes clients that cannot reach the stack over a socket."""

    def make(service: str) -> Any:
        anyhow: Any = boto3.session.Session().client
        made = anyhow(service, endpoint_url=aws.address)
        monkeypatch.setattr(made._endpoint.http_session, "send", None)
        return made

    return make


def test_objects_go_both_ways(near: Callable[[str], Any], client: Callable[[str], Any]) -> None:
    for number, body in enumerate((b"", b"x" * 3_000_000, BytesIO(b"a file"))):
        near("s3").put_object(Bucket=BUCKET, Key=f"near/{number}", Body=body)
        here = near("s3").get_object(Bucket=BUCKET, Key=f"near/{number}")
        there = client("s3").get_object(Bucket=BUCKET, Key=f"near/{number}")
        assert here["ETag"] == there["ETag"]
        assert here["Body"].read() == there["Body"].read()
    head = near("s3").head_object(Bucket=BUCKET, Key="near/1")
    assert head["ContentLength"] == 3_000_000


def test_an_error_is_the_same_error(
    near: Callable[[str], Any], client: Callable[[str], Any]
) -> None:
    def refusal(make: Callable[[str], Any]) -> Any:
        with pytest.raises(ClientError) as caught:
            make("s3").get_object(Bucket=BUCKET, Key="nothing")
        return caught.value.response["Error"]

    assert refusal(near) == refusal(client)


def test_the_token_is_wanted_here_too(aws: EmbeddedAws) -> None:
    anyhow: Any = boto3.session.Session().client
    stranger = anyhow(
        "s3",
        endpoint_url=aws.address,
        aws_access_key_id="stranger",
        aws_secret_access_key="stranger",
    )
    with pytest.raises(ClientError, match="403"):
        stranger.list_objects_v2(Bucket=BUCKET)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://127.0.0.1:40001/x", {"Content-Length": "0"}),
        ("https://s3.amazonaws.com/x", {"Content-Length": "0"}),
        ("http://127.0.0.1:4000/x", {"Transfer-Encoding": "chunked"}),
    ],
)
def test_what_is_meant_for_others_travels(url: str, headers: dict[str, str]) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError

    given = HTTPHeaders()
    for name, value in headers.items():
        given[name] = value
    request = AWSPreparedRequest("PUT", url, given, b"", stream_output=False)
    assert Loopback("http://127.0.0.1:4000", never)(request) is None
