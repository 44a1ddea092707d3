import base64
from hashlib import sha256
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from covalent_localstack.stack import EmbeddedAws

BUCKET = "covalent-local"


@pytest.fixture
def s3(aws: EmbeddedAws) -> Any:
    make: Any = boto3.client
    return make("s3", endpoint_url=aws.address, config=Config(signature_version="s3v4"))


def checksum(data: bytes) -> str:
    return base64.b64encode(sha256(data).digest()).decode()


def presigned(s3: Any, key: str, data: bytes) -> str:
    params = {"Bucket": BUCKET, "Key": key, "ChecksumSHA256": checksum(data)}
    return str(s3.generate_presigned_url("put_object", Params=params, ExpiresIn=60))


def test_objects_come_and_go(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="a/ü b", Body=b"0123456789", Metadata={"x": "y"})
    found = s3.get_object(Bucket=BUCKET, Key="a/ü b")
    assert found["Body"].read() == b"0123456789"
    assert found["Metadata"] == {"x": "y"}
    assert s3.head_object(Bucket=BUCKET, Key="a/ü b")["ContentLength"] == 10
    part = s3.get_object(Bucket=BUCKET, Key="a/ü b", Range="bytes=2-4")["Body"].read()
    assert part == b"234"
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="a/")["Contents"]
    assert [each["Key"] for each in listed] == ["a/ü b"]
    s3.delete_object(Bucket=BUCKET, Key="a/ü b")
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=BUCKET, Key="a/ü b")


def test_what_moto_writes_is_kept_too(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="one", Body=b"content")
    s3.copy_object(Bucket=BUCKET, Key="two", CopySource={"Bucket": BUCKET, "Key": "one"})
    assert s3.get_object(Bucket=BUCKET, Key="two")["Body"].read() == b"content"


def test_only_the_first_of_two_may_create(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="once", Body=b"1", IfNoneMatch="*")
    with pytest.raises(s3.exceptions.ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=BUCKET, Key="once", Body=b"2", IfNoneMatch="*")
    assert s3.get_object(Bucket=BUCKET, Key="once")["Body"].read() == b"1"


def test_a_presigned_put_takes_the_promised_bytes_only(s3: Any) -> None:
    url = presigned(s3, "signed", b"right")
    headers = {"x-amz-checksum-sha256": checksum(b"right")}
    assert httpx.put(url, content=b"wrong", headers=headers).status_code == 400
    assert httpx.head(url.split("?")[0]).status_code == 403
    assert httpx.put(url, content=b"right", headers=headers).status_code == 200
    assert s3.get_object(Bucket=BUCKET, Key="signed")["Body"].read() == b"right"


def test_another_checksum_than_the_signed_one_does_not_help(s3: Any) -> None:
    url = presigned(s3, "other", b"right")
    headers = {"x-amz-checksum-sha256": checksum(b"wrong")}
    assert httpx.put(url, content=b"wrong", headers=headers).status_code in (400, 403)
