"""Objects in S3: documents of a dispatch, checks of uploads, and addresses for the client.

An address is presigned for one key and one method, for 15 minutes at most; an upload's also for its exact length and
SHA-256, which S3 itself enforces.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from covalent_contracts import keys
from covalent_contracts.api import Put
from covalent_contracts.errors import Conflict, NotFound
from covalent_contracts.manifest import Upload
from covalent_control_plane.aws import Aws

if TYPE_CHECKING:
    from concurrent.futures import Future

ADDRESS_LIFETIME = 900
"""Seconds for which a presigned address is valid."""
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


def missing(aws: Aws, owner: str, uploads: Iterable[Upload]) -> list[Upload]:
    """Those uploads that S3 lacks or has in another size, in the order given."""
    uploads = list(uploads)
    sizes = aws.threads.map(lambda each: _size(aws, keys.asset(owner, each.digest)), uploads)
    return [upload for upload, size in zip(uploads, sizes, strict=True) if size != upload.size]


def write(aws: Aws, documents: Mapping[str, bytes]) -> None:
    """Write documents by key, at the same time."""
    writes: list[Future[object]] = [
        aws.threads.submit(
            aws.objects.put_object,
            Bucket=aws.settings.bucket,
            Key=key,
            Body=body,
            ContentType="application/json",
        )
        for key, body in documents.items()
    ]
    for each in writes:
        each.result()


def read(aws: Aws, key: str) -> bytes:
    """Read an object.

    Raises:
        NotFound: there is none.

    """
    try:
        return aws.objects.get_object(Bucket=aws.settings.bucket, Key=key)["Body"].read()
    except ClientError as exc:
        if exc.response["Error"]["Code"] in _MISSING:
            raise NotFound(f"the object {key} does not exist") from exc
        raise


def copy(aws: Aws, source: str, target: str) -> None:
    """Copy an object within the bucket.

    Raises:
        Conflict: it is not there any more.

    """
    bucket = aws.settings.bucket
    try:
        aws.objects.copy_object(
            Bucket=bucket, Key=target, CopySource={"Bucket": bucket, "Key": source}
        )
    except ClientError as exc:
        if exc.response["Error"]["Code"] in _MISSING:
            raise Conflict(f"the object {source} is no longer there to be reused") from exc
        raise


def put_address(aws: Aws, owner: str, upload: Upload) -> Put:
    """Where and how to upload one object."""
    checksum = b64encode(bytes.fromhex(upload.digest)).decode()
    url = aws.objects.generate_presigned_url(
        "put_object",
        Params={
            "Bucket": aws.settings.bucket,
            "Key": keys.asset(owner, upload.digest),
            "ContentLength": upload.size,
            "ChecksumSHA256": checksum,
        },
        ExpiresIn=ADDRESS_LIFETIME,
        HttpMethod="PUT",
    )
    headers = {"Content-Length": str(upload.size), "x-amz-checksum-sha256": checksum}
    return Put(digest=upload.digest, url=url, headers=headers)


def get_address(aws: Aws, key: str) -> str:
    """Where to download one object."""
    return address(aws, "GET", key)


def address(aws: Aws, method: Literal["GET", "PUT"], key: str) -> str:
    """Where one method may be used on one object, whatever its content."""
    return aws.objects.generate_presigned_url(
        "put_object" if method == "PUT" else "get_object",
        Params={"Bucket": aws.settings.bucket, "Key": key},
        ExpiresIn=ADDRESS_LIFETIME,
        HttpMethod=method,
    )


def _size(aws: Aws, key: str) -> int | None:
    try:
        return aws.objects.head_object(Bucket=aws.settings.bucket, Key=key)["ContentLength"]
    except ClientError as exc:
        if exc.response["Error"]["Code"] in _MISSING:
            return None
        raise
