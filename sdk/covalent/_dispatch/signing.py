"""AWS Signature Version 4 for the API of a deployment: who asks, signed with the body and the time.

botocore makes the signature, with the credentials that the user has for AWS anyway. If the clock of this machine is
wrong, the time of AWS is taken instead, and the user told.
"""

import threading
import time
import warnings
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx

from covalent._dispatch.address import Endpoint
from covalent._dispatch.credentials import Credentials, login
from covalent._dispatch.gateway import Refusal, denied_of, message_of, refusal_of
from covalent_contracts.errors import CovalentError, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import ReadOnlyCredentials

SERVICE = "execute-api"
SKEW = 120
"""Seconds that a clock may be wrong before it is worth a word. AWS takes five minutes."""
_STAMP = "%Y%m%dT%H%M%SZ"
_SIGNED = "Content-Type"
"""The header that goes into the signature beside the host and those of the signature; proxies may change the others."""


class WrongClock(UserWarning):
    """The clock of this machine is wrong."""


class Signature:
    """Signs requests to one endpoint, and to no other. Threads may share it."""

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials | None = None,
        clock: "Callable[[], float]" = time.time,
    ) -> None:
        self.credentials = credentials or Credentials()
        self._endpoint = endpoint
        self._base = f"{str(httpx.URL(endpoint.url)).rstrip('/')}/"
        self._region = endpoint.region or ""
        self._clock = clock
        self._offset = 0.0
        self._lock = threading.Lock()

    def prove(self, request: httpx.Request) -> None:
        """Sign a request: method, address, type and hash of the body, and the time.

        Raises:
            Refused: there are no credentials; or the address is not the endpoint's.

        """
        if not str(request.url).startswith(self._base):
            raise Refused(
                f"a request to {request.url.host} is not signed: it is not part of {self._endpoint.url}"
            )
        credentials = self.credentials.current()
        now = datetime.fromtimestamp(self._clock() + self._offset, UTC)
        request.headers.update(_signed(request, credentials, self._region, now.strftime(_STAMP)))

    def mend(self, refused: httpx.Response) -> bool:
        """Take AWS's time, or new credentials, if that is what the answer asks for and there are any."""
        match refusal_of(refused):
            case Refusal.SKEWED | Refusal.SIGNATURE:
                return self._correct(refused)
            case Refusal.ENDED | Refusal.UNKNOWN_KEY:
                return self.credentials.renew(_access_key(refused.request))
            case _:
                return False

    def error(self, refused: httpx.Response) -> CovalentError | None:
        """What API Gateway's refusal means."""
        message = message_of(refused)
        match refusal_of(refused):
            case None:
                return None
            case Refusal.DENIED:
                return self._denied(refused)
            case Refusal.NO_API:
                return Unavailable(
                    f"{self._endpoint.url} is no API, or its resource policy does not let this caller in ({message}): "
                    "compare the address with the endpoint of the deployment, which `covalent deploy status` shows"
                )
            case Refusal.NO_ROUTE:
                return Unavailable(
                    f"{self._endpoint.url} has no {refused.request.method} {refused.request.url.path} ({message}): "
                    "the address is wrong, or the deployment is of another version; `covalent doctor` shows both"
                )
            case refusal:
                return Refused(
                    f"AWS does not accept the signature: {message.rstrip('. ')}. {self._cure(refusal)}"
                )

    def _cure(self, refusal: Refusal) -> str:
        match refusal:
            case Refusal.SKEWED:
                return "The clock of this machine is wrong: set it"
            case Refusal.ENDED:
                return f"The session has ended: run `{login()}`, or get new credentials as you got these"
            case Refusal.UNKNOWN_KEY:
                return (
                    "These credentials are deleted, disabled or of another partition: "
                    "`aws sts get-caller-identity` and `aws configure list` show which are in use"
                )
            case Refusal.REGION:
                return (
                    f"It was made for {self._region}: set `profiles.{self._endpoint.profile}.region` "
                    "to the region of the deployment"
                )
            case _:
                return (
                    "The secret key does not belong to the access key, or a proxy changes requests: "
                    "`aws sts get-caller-identity` tells which"
                )

    def _denied(self, refused: httpx.Response) -> Refused:
        denied = denied_of(refused)
        caller = denied.caller or self._caller()
        resource = denied.resource or self._arn(refused.request)
        message = message_of(refused)
        cure = f"Attach a policy that allows execute-api:Invoke on {_whole_api(resource)}"
        if "explicit deny" in message:
            cure = "Another policy denies that explicitly: it has to go, no permission outweighs it"
        return Refused(
            f"{caller} may not call the API: it lacks the permission execute-api:Invoke on {resource}. "
            f"{cure} ({message})"
        )

    def _caller(self) -> str:
        try:
            return self.credentials.caller(self._region)
        except CovalentError:
            return "your identity"

    def _arn(self, request: httpx.Request) -> str:
        api = self._endpoint.host.partition(".")[0]
        stage, _, rest = request.url.path.lstrip("/").partition("/")
        partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(
            self._region.rsplit("-", 2)[0], "aws"
        )
        return f"arn:{partition}:{SERVICE}:{self._region}:*:{api}/{stage}/{request.method}/{rest}"

    def _correct(self, refused: httpx.Response) -> bool:
        """Sign with the time of the answer from now on, if it differs much from what was signed."""
        server, signed = server_time(refused), _signed_at(refused.request)
        if server is None or signed is None or abs(server - signed) < SKEW:
            return False
        offset = server - self._clock()
        with self._lock:
            known, self._offset = self._offset, offset
        # Another thread was first; or the clock was set meanwhile.
        if abs(offset - known) < SKEW or abs(offset) < SKEW:
            return True
        warnings.warn(
            f"the clock of this machine is {abs(offset) / 60:.0f} minutes {'slow' if offset > 0 else 'fast'}; "
            "requests are signed with the time of AWS instead. Set the clock",
            WrongClock,
            stacklevel=2,
        )
        return True


def _signed(
    request: httpx.Request, credentials: "ReadOnlyCredentials", region: str, stamp: str
) -> dict[str, str]:
    """The headers of a signature. botocore's own way to add them takes the time of this machine."""
    from botocore.auth import SigV4Auth  # noqa: PLC0415  # loaded by the credentials
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415  # loaded by the credentials

    added = {"X-Amz-Date": stamp}
    if credentials.token:
        added["X-Amz-Security-Token"] = credentials.token
    kept = {_SIGNED: request.headers[_SIGNED]} if _SIGNED in request.headers else {}
    url = str(request.url)
    aws = AWSRequest(request.method, url, headers={**kept, **added}, data=request.content)
    aws.context["timestamp"] = stamp
    signer: Any = SigV4Auth(credentials, SERVICE, region)
    signature = signer.signature(signer.string_to_sign(aws, signer.canonical_request(aws)), aws)
    names = signer.signed_headers(signer.headers_to_sign(aws))
    added["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(aws)}, SignedHeaders={names}, Signature={signature}"
    )
    return added


def server_time(response: httpx.Response) -> float | None:
    """When the server answered, by its own clock, in seconds since the epoch; None if it does not say."""
    try:
        return parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
    except ValueError:
        return None


def _signed_at(request: httpx.Request) -> float | None:
    try:
        stamp = datetime.strptime(request.headers.get("X-Amz-Date", ""), _STAMP)
    except ValueError:
        return None
    return stamp.replace(tzinfo=UTC).timestamp()


def _access_key(request: httpx.Request) -> str:
    proof = str(request.headers.get("Authorization", ""))
    return proof.partition("Credential=")[2].partition("/")[0]


def _whole_api(resource: str) -> str:
    """The ARN of every route of the stage."""
    api, *rest = resource.split("/")
    return f"{api}/{rest[0]}/*" if rest else resource
