"""What API Gateway says when it lets a request not through, and what to do about it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

import json
import re
from dataclasses import dataclass
from enum import Enum, auto

import httpx

_ARN = re.compile(r"arn:aws[a-z-]*:execute-api:\S+")
_USER = re.compile(r"User: (\S+) is not authorized")


class Refusal(Enum):
    """Why."""

    SKEWED = auto()
    """The time in the signature is too far from AWS's."""
    ENDED = auto()
    """The session's credentials are past their time."""
    UNKNOWN_KEY = auto()
    """AWS knows no such credentials."""
    REGION = auto()
    """The signature is for another region."""
    SIGNATURE = auto()
    """It was made with another secret, or the request was changed on the way."""
    NO_ROUTE = auto()
    """The API has no such route; API Gateway calls that a missing token."""
    NO_API = auto()
    """There is no such API or stage, or its resource policy keeps the caller out."""
    DENIED = auto()
    """IAM does not allow it."""


_SIGNS = (
    (Refusal.SKEWED, re.compile(r"signature (expired|not yet current)|requesttimetooskewed")),
    (Refusal.ENDED, re.compile(r"security token included in the request is expired|expiredtoken")),
    (Refusal.UNKNOWN_KEY, re.compile(r"security token included in the request is invalid")),
    (Refusal.REGION, re.compile(r"credential should be scoped to a valid region")),
    (
        Refusal.SIGNATURE,
        re.compile(r"request signature we calculated does not match|invalidsignature"),
    ),
    (Refusal.NO_ROUTE, re.compile(r"missing authentication token|missingauthenticationtoken")),
    (Refusal.DENIED, re.compile(r"is not authorized to|accessdenied")),
    (Refusal.NO_API, re.compile(r"^forbidden\b")),
)
"""How each begins or reads, in the order in which one of them is the reason."""


@dataclass(frozen=True)
class Denied:
    """What a DENIED answer tells: who may not do it, and on what."""

    caller: str | None
    resource: str | None


def refusal_of(response: httpx.Response) -> Refusal | None:
    """Why API Gateway refused; None if the answer is not one of its own."""
    if response.status_code != 403:
        return None
    said = f"{message_of(response)} {response.headers.get('x-amzn-ErrorType', '')}".lower().strip()
    return next((refusal for refusal, sign in _SIGNS if sign.search(said)), None)


def message_of(response: httpx.Response) -> str:
    """The message of an answer that API Gateway wrote; empty if it wrote none."""
    try:
        document = json.loads(response.content)
    except ValueError:
        return ""
    # The latter is our own problem document.
    if not isinstance(document, dict) or "code" in document:
        return ""
    return str(document.get("message") or document.get("Message") or "")


def denied_of(response: httpx.Response) -> Denied:
    """Whom IAM does not allow what."""
    message = message_of(response)
    user, arn = _USER.search(message), _ARN.search(message)
    return Denied(user[1] if user else None, arn[0].rstrip(".") if arn else None)
