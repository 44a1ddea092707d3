"""Reads a key or a password from where it is kept: AWS Secrets Manager, or offline a file of the user's."""

from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from covalent_executors.adapter import Refused

ARN = "arn:"


def read(place: str, *, reads_files: bool) -> str:
    """What is kept at a place.

    Args:
        place: the ARN of a secret, or the path of a file.
        reads_files: whether the files are those of the user, as they are offline.

    Raises:
        Refused: there is no such thing, or it may not be read.

    """
    if place.startswith(ARN) and place.count(":") >= 6:
        return _secret(place)
    if not reads_files:
        raise Refused(
            f"{place} is a file, and this deployment cannot read yours: "
            "store it with `covalent secret put` and name its ARN instead"
        )
    path = Path(place).expanduser()
    try:
        return path.read_text()
    except FileNotFoundError:
        raise Refused(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise Refused(f"{path} cannot be read: {exc}") from None


def _secret(arn: str) -> str:
    try:
        found = _client(arn.split(":")[3]).get_secret_value(SecretId=arn)
    except ClientError as exc:
        told = exc.response["Error"]
        raise Refused(f"the secret {arn} cannot be read: {told['Code']}") from None
    return str(found["SecretString"])


@cache
def _client(region: str) -> Any:
    return boto3.session.Session().client("secretsmanager", region_name=region)
