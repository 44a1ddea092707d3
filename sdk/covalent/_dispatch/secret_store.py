"""AWS Secrets Manager, where a deployment's bridge reads keys and passwords; with the user's own credentials."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from covalent._dispatch.credentials import login
from covalent._shared_files.exceptions import MissingExtra
from covalent_contracts.errors import Refused, Unavailable

if TYPE_CHECKING:
    from covalent._dispatch.address import Endpoint

LONGEST = 65_536
"""Bytes: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html"""
_LOCAL_REGION = "us-east-1"


def put(endpoint: "Endpoint", name: str, text: str) -> str:
    """Store a secret, in place of an older one of that name.

    Args:
        endpoint: the control plane whose bridge is to read it.
        name: it is stored as `<prefix of the deployment>/<name>`.
        text: the secret.

    Returns:
        The ARN.

    Raises:
        Refused: the credentials do not suffice, or no such secret can be.
        Unavailable: AWS cannot be asked.
        MissingExtra: botocore is not installed.

    """
    client = _client(endpoint)
    full = f"{endpoint.prefix or 'covalent'}/{name}"
    with _explained(full):
        try:
            return str(client.create_secret(Name=full, SecretString=text)["ARN"])
        except (
            client.exceptions.ResourceExistsException,
            client.exceptions.InvalidRequestException,  # it waits for being deleted
        ):
            return _replaced(client, full, text)


def _replaced(client: Any, name: str, text: str) -> str:
    if "DeletedDate" in client.describe_secret(SecretId=name):
        client.restore_secret(SecretId=name)
    return str(client.put_secret_value(SecretId=name, SecretString=text)["ARN"])


def _client(endpoint: "Endpoint") -> Any:
    try:
        from botocore.session import Session  # noqa: PLC0415  # only who stores secrets needs it
    except ModuleNotFoundError as exc:
        raise MissingExtra(
            "secrets are stored with botocore, which is not installed: pip install 'covalent-serverless[aws]'"
        ) from exc
    if endpoint.is_deployed:
        return Session().create_client("secretsmanager", region_name=endpoint.region)
    return Session().create_client(
        "secretsmanager",
        region_name=_LOCAL_REGION,
        endpoint_url=endpoint.url,
        aws_access_key_id=endpoint.token or "",
        aws_secret_access_key="unused",  # noqa: S106  # the offline AWS does not look at it
    )


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """What botocore raises, with its cure. It never holds the secret."""
    from botocore.exceptions import (  # noqa: PLC0415  # as above
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        TokenRetrievalError,
    )

    try:
        yield
    except ClientError as exc:
        told = exc.response["Error"]
        if "AccessDenied" in told["Code"]:
            raise Refused(
                f"AWS does not let you store {name}: you need secretsmanager:CreateSecret, DescribeSecret and"
                " PutSecretValue on it"
            ) from None
        raise Refused(
            f"{name} cannot be stored: {told['Code']}: {told.get('Message', '')}"
        ) from None
    except (NoCredentialsError, TokenRetrievalError) as exc:
        raise Refused(f"{exc}: run `aws configure`, or `{login()}`") from None
    except BotoCoreError as exc:
        raise Unavailable(f"Secrets Manager cannot be asked: {exc}") from None
