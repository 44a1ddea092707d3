"""Amazon S3, and whatever speaks its language."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from covalent_runner.transfers import objects
from covalent_runner.transfers.credentials import Secret
from covalent_runner.transfers.errors import explained, package
from covalent_runner.transfers.places import Place

if TYPE_CHECKING:
    from boto3.s3.transfer import TransferConfig
    from mypy_boto3_s3 import S3Client

_REASONS = {
    "404": "does not exist",
    "NoSuchKey": "does not exist",
    "NoSuchBucket": "is in a bucket that does not exist",
    "403": "may not be used: who transfers needs s3:GetObject, s3:PutObject and, for folders, s3:ListBucket",
    "AccessDenied": "may not be used: who transfers needs s3:GetObject, s3:PutObject and, for folders, s3:ListBucket",
    "InvalidAccessKeyId": "is refused: AWS does not know the access key",
    "SignatureDoesNotMatch": "is refused: the secret key does not belong to the access key",
    "ExpiredToken": "is refused: the credentials have expired",
}


@dataclass(frozen=True)
class BucketWay:
    """To or from a bucket, with the electron's own role, or with what the user named.

    Attributes:
        credentials: where a credentials file is kept. Without one, and without a profile, the process's own are taken.
        profile: of that file, or of ~/.aws.
        region: of the bucket.

    """

    credentials: Secret | None = None
    profile: str | None = None
    region: str | None = None

    def copy(self, source: Place, target: Place) -> None:
        """Copy objects, large ones in parts."""
        bucket, key = _split(source.path if source.remote else target.path)
        with ExitStack() as opened:
            with explained("remote", _reason):
                client = self._client(opened)
            objects.copy(_Bucket(client, bucket), key, source, target)

    def _client(self, opened: ExitStack) -> "S3Client":
        boto3 = package("boto3", "boto3", "local")
        if self.credentials is None and self.profile is None:
            # A session of its own: that of the process may have kept credentials of an earlier electron.
            client: S3Client = boto3.session.Session().client("s3", region_name=self.region)
            return client
        return self._own_client(opened)

    def _own_client(self, opened: ExitStack) -> "S3Client":
        """A client of what the files say alone: the environment is that of somebody else, the deployment's role."""
        from boto3.session import Session  # noqa: PLC0415  # loaded when first used
        from botocore.config import Config  # noqa: PLC0415
        from botocore.configprovider import ConfiguredEndpointProvider  # noqa: PLC0415
        from botocore.session import Session as Core  # noqa: PLC0415

        core = Core(profile=self.profile or "default")
        home = Path("~/.aws").expanduser()
        file = (
            home / "credentials"
            if self.credentials is None
            else opened.enter_context(self.credentials.file())
        )
        core.set_config_variable("credentials_file", str(file))
        core.set_config_variable("config_file", str(home / "config"))
        scoped = core.get_scoped_config()
        region = self.region or scoped.get("region") or os.environ.get("AWS_REGION")
        endpoints = ConfiguredEndpointProvider(core.full_config, scoped, "s3", environ={})
        client: S3Client = Session(botocore_session=core, region_name=region).client(
            "s3",
            endpoint_url=endpoints.provide(),
            config=Config(**cast("Any", {"ignore_configured_endpoint_urls": True})),
        )
        return client


@dataclass(frozen=True)
class _Bucket:
    client: "S3Client"
    name: str

    def keys(self, prefix: str) -> Iterator[str]:
        with explained("remote", _reason):
            for page in self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix
            ):
                yield from (each["Key"] for each in page.get("Contents", ()))

    def fetch(self, key: str, file: Path) -> None:
        with explained("remote", self._missing(key)):
            self.client.download_file(self.name, key, str(file), Config=_bounded())

    def send(self, file: Path, key: str) -> None:
        with explained("remote", _reason):
            self.client.upload_file(str(file), self.name, key, Config=_bounded())

    def _missing(self, key: str) -> Callable[[Exception], str | None]:
        """Tell more of an object that is not there."""

        def reason(exc: Exception) -> str | None:
            found = _reason(exc)
            return self._hint(key) if found == _REASONS["404"] else found

        return reason

    def _hint(self, key: str) -> str:
        with explained("remote", _reason):
            listed = self.client.list_objects_v2(Bucket=self.name, Prefix=f"{key}/", MaxKeys=1)
        if listed.get("Contents"):
            return f"does not exist; a folder s3://{self.name}/{key}/ does: end it with a slash"
        return _REASONS["404"]


def _bounded() -> "TransferConfig":
    """Few parts at a time, and little that waits for the disk: by default 256 MB may."""
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415  # loaded when first used

    return TransferConfig(max_concurrency=4, max_io_queue=64)


def _split(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


def _reason(exc: Exception) -> str | None:
    from boto3.exceptions import S3UploadFailedError  # noqa: PLC0415  # loaded when first used
    from botocore import exceptions  # noqa: PLC0415

    match exc:
        case exceptions.ClientError():
            error = exc.response.get("Error", {})
            return _REASONS.get(error.get("Code", ""), f"is refused by S3: {exc}")
        case S3UploadFailedError():
            cause = exc.__cause__ or exc.__context__
            return (
                _reason(cause) if isinstance(cause, Exception) else None
            ) or f"is refused by S3: {exc}"
        case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError():
            return "cannot be reached: there are no AWS credentials where the electron ran, nor a profile of that name"
        case exceptions.BotoCoreError():
            return f"cannot be reached: {exc}"
        case _:
            return None
