"""What API Gateway says when it lets a request not through, and what to do about it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

import json
import re
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

import httpx

from covalent_contracts.api import GATEWAY, GATEWAY_BYTES

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
    (
        Refusal.ENDED,
        re.compile(r"security token included in the request is expired|expired_?token"),
    ),
    (Refusal.UNKNOWN_KEY, re.compile(r"security token included in the request is invalid")),
    (Refusal.REGION, re.compile(r"credential should be scoped to a valid region")),
    (
        Refusal.SIGNATURE,
        re.compile(r"request signature we calculated does not match|invalid_?signature"),
    ),
    (Refusal.NO_ROUTE, re.compile(r"missing authentication token|missing_?authentication_?token")),
    (Refusal.DENIED, re.compile(r"is not authorized to|access_?denied")),
    (Refusal.NO_API, re.compile(r"^forbidden\b")),
)
"""How each begins or reads, in the order in which one of them is the reason."""


_FUNCTION = "the log group /aws/lambda/<prefix>-api of the deployment tells why"
_ADVICE = MappingProxyType(
    {
        413: f"API Gateway takes {GATEWAY_BYTES // 1024 // 1024} MB at once, and the function behind it 6 MB. Values "
        "are not in it, so it is the number of electrons: divide them among several dispatches",
        429: "too many requests at once, from all clients together. Ask less often, or raise `throttle` of the "
        "deployment (`covalent deploy up`)",
        500: f"the API cannot ask its function: {_FUNCTION}",
        502: f"the function behind the API failed: {_FUNCTION}",
        504: f"the function behind the API did not answer in time: try again in a minute; {_FUNCTION}",
    }
)


@dataclass(frozen=True)
class Denied:
    """What a DENIED answer tells: who may not do it, and on what."""

    caller: str | None
    resource: str | None


def refusal_of(response: httpx.Response) -> Refusal | None:
    """Why API Gateway refused; None if the answer is not one of its own."""
    if response.status_code != 403:
        return None
    kind = _type_of(response) or response.headers.get("x-amzn-ErrorType", "")
    said = f"{message_of(response)} {kind}".lower().strip()
    return next((refusal for refusal, sign in _SIGNS if sign.search(said)), None)


def message_of(response: httpx.Response) -> str:
    """The message of an answer that API Gateway wrote; empty if it wrote none.

    It writes problem documents where it was told to (`covalent._deploy.gateway_responses`), else a `message` alone.
    """
    document = _document(response)
    if "code" in document:
        return str(document.get("detail") or "") if _type_of(response) else ""
    return str(document.get("message") or document.get("Message") or "")


def _type_of(response: httpx.Response) -> str:
    """API Gateway's type of an answer that it wrote as a problem document; empty for others."""
    extra = _document(response).get("extra")
    return str(extra.get(GATEWAY, "")) if isinstance(extra, dict) else ""


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        found = json.loads(response.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def advice_of(status: int) -> str:
    """What to do about an answer of API Gateway's other than a refusal; empty if there is nothing to say."""
    return _ADVICE.get(status, "")


def denied_of(response: httpx.Response) -> Denied:
    """Whom IAM does not allow what."""
    message = message_of(response)
    user, arn = _USER.search(message), _ARN.search(message)
    return Denied(user[1] if user else None, arn[0].rstrip(".") if arn else None)
