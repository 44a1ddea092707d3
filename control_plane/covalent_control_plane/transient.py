"""Which errors of AWS pass by themselves, so that the same call may succeed later."""

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from pynamodb.exceptions import PynamoDBException

_LATER = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Codes of AWS that mean: try again."""


def will_pass(exc: BaseException | None) -> bool:
    """Whether the error says nothing about the request, only about the moment."""
    if isinstance(exc, PynamoDBException):
        return exc.cause_response_code in _LATER or will_pass(exc.cause)
    if isinstance(exc, ClientError):
        return exc.response["Error"]["Code"] in _LATER
    return isinstance(exc, NoConnection | HTTPClientError)
