"""The role of user code, and who may use its keys."""

from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest

from covalent_localstack import access, environment
from covalent_localstack.stack import EmbeddedAws
from covalent_localstack.sts import Sessions

ROLE = environment.role_arn(environment.ELECTRON_ROLE)
SIGNED = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/sts/aws4_request, SignedHeaders=host"


def asked(**fields: str) -> dict[str, Any]:
    body = urlencode({"Action": "AssumeRole", "RoleSessionName": "s", "RoleArn": ROLE, **fields})
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "HTTP_AUTHORIZATION": SIGNED,
        "wsgi.input": BytesIO(body.encode()),
    }


def test_a_session_knows_its_tags_and_its_key_may_sign() -> None:
    sessions = Sessions()
    tags = {"Tags.member.1.Key": "dispatch", "Tags.member.1.Value": "d"}
    answer = sessions.answer(asked(**tags))
    assert answer is not None
    key = answer[2][0].decode().partition("<AccessKeyId>")[2].partition("<")[0]
    assert (sessions[key].role, sessions[key].tags) == ("covalent-electron", {"dispatch": "d"})
    request = {"HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/s3"}
    assert access.has_credential(request, "token", sessions)
    assert not access.has_credential(request, "token")


def test_a_session_does_not_presign() -> None:
    """Addresses for clients are the API's to sign."""
    request = {"QUERY_STRING": "X-Amz-Credential=key/20260101/us-east-1/s3/aws4_request"}
    assert not access.has_credential(request, "token", {"key"})


@pytest.mark.parametrize(
    "environ",
    [
        asked(RoleArn=environment.role_arn("another")),
        asked(Action="GetCallerIdentity"),
        asked() | {"REQUEST_METHOD": "GET"},
        asked() | {"PATH_INFO": "/bucket"},
        asked() | {"HTTP_AUTHORIZATION": SIGNED.replace("/sts/", "/sqs/")},
    ],
)
def test_the_rest_is_for_moto(environ: dict[str, Any]) -> None:
    before = environ["wsgi.input"].getvalue()
    assert Sessions().answer(environ) is None
    assert environ["wsgi.input"].read() == before


def test_botocore_understands_the_answer(aws: EmbeddedAws) -> None:
    sts = boto3.client("sts", endpoint_url=aws.address)
    found = sts.assume_role(RoleArn=ROLE, RoleSessionName="session", DurationSeconds=900)
    given = found["Credentials"]
    s3 = boto3.client(
        "s3",
        endpoint_url=aws.address,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    s3.put_object(Bucket=environment.BUCKET, Key="a", Body=b"b")
    assert sts.get_caller_identity()["Account"] == environment.ACCOUNT
