"""What AWS and Braket's SDK say when something is wrong, in the words of the executor's fields."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from covalent_contracts.errors import CovalentError

NAME = "BraketQubitExecutor"
_CREDENTIALS = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or give `aws_session`"
)


class BraketError(CovalentError, RuntimeError):
    """AWS did not run a circuit; the message says why, and what helps."""


class QuantumTaskFailed(BraketError):
    """A quantum task failed on the device, each time that it was sent. The message has the reason that Braket gave."""


class QuantumTaskCancelled(BraketError):
    """Someone cancelled a quantum task."""


class QuantumTaskTimeout(BraketError, TimeoutError):
    """A quantum task did not end within `poll_timeout_seconds`."""


_CURES: Mapping[str, str] = MappingProxyType(
    {
        "DeviceOfflineException": "the device is offline: choose another `device_arn`, or wait",
        "DeviceRetiredException": "the device was retired: choose another `device_arn`",
        "AccessDeniedException": "the credentials may not do that: see the policy AmazonBraketFullAccess",
        "ServiceQuotaExceededException": "too many tasks at a time: lower `max_jobs`, or ask AWS for more",
        "ThrottlingException": "too many requests: lower `max_jobs`, or raise `poll_interval_seconds`",
    }
)
_REFUSED = (
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "UnrecognizedClientException",
)


@contextmanager
def told(arn: str) -> Iterator[None]:
    """Say what went wrong inside in our words.

    Raises:
        BraketError: AWS has refused something, or cannot be asked.

    """
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError) as exc:
        raise BraketError(f"{NAME}: there are no AWS credentials: {_CREDENTIALS}") from exc
    except NoRegionError as exc:
        raise BraketError(f"{NAME}: no AWS region is set: set AWS_DEFAULT_REGION") from exc
    except ProfileNotFound as exc:
        raise BraketError(f"{NAME}: {exc}: see `aws_session` and AWS_PROFILE") from exc
    except ClientError as exc:
        raise BraketError(f"{NAME}(device_arn={arn!r}): {_of(exc)}") from exc
    except BotoCoreError as exc:
        raise BraketError(f"{NAME}(device_arn={arn!r}): AWS cannot be reached: {exc}") from exc


def code(exc: ClientError) -> str:
    """The name of an error of AWS."""
    return str(exc.response["Error"]["Code"])


def _of(exc: ClientError) -> str:
    message = exc.response["Error"].get("Message", "")
    if code(exc) in _REFUSED:
        return f"AWS does not take the credentials ({message}): {_CREDENTIALS}"
    cure: Any = _CURES.get(code(exc))
    if "bucket" in message.lower():
        cure = "see `s3_destination_folder`"
    return f"{code(exc)}: {message}{f' - {cure}' if cure else ''}"
