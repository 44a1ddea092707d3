"""HTTP: the one place of the SDK that opens sockets.

Calls that may be repeated safely (all of ours: the id of a dispatch comes from the client) are tried again when the
service is busy or the connection breaks, with exponential back-off and full jitter. Each try is signed anew.
"""

import gzip
import os
import random
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, urlencode

import httpx

from covalent._dispatch.address import Endpoint
from covalent._dispatch.permission import Permission, permission_for
from covalent._dispatch.problems import error_of, is_busy
from covalent._dispatch.reception import Watch, received
from covalent._dispatch.unreachable import broken, is_hopeless
from covalent_contracts.errors import Unavailable

ATTEMPTS = 5
THROTTLED_ATTEMPTS = 8
"""Tries where the service only says that there are too many: others wait too, and it takes a while to get in turn."""
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
COMPRESS_OVER = 64 * 1024
"""Bytes of a request body from which gzip pays: manifests shrink to a tenth."""

PARALLEL = 16
"""Requests that one process has under way at most."""
_MENDS = 3
"""Times that a refused request is proven anew: the clock may be wrong, and the session have ended."""

_TIMEOUT = httpx.Timeout(60, connect=10, pool=None)
# httpx forgets an idle connection after 5 s; two dispatches of a notebook are further apart.
_LIMITS = httpx.Limits(
    max_connections=PARALLEL, max_keepalive_connections=PARALLEL, keepalive_expiry=60
)


class Connection:
    """Speaks HTTP to one control plane and to the object store behind it. Threads may share it."""

    def __init__(
        self,
        endpoint: Endpoint,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        *,
        permission: Permission | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        self.endpoint = endpoint
        self.permission = permission or permission_for(endpoint)
        self._attempts = attempts
        self._sleep = sleep
        self._http = httpx.Client(
            transport=transport,
            timeout=_TIMEOUT,
            limits=_LIMITS,
            verify=trust(endpoint),
            trust_env=not endpoint.is_loopback,  # a proxy cannot reach this machine's own server
        )

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        params: Mapping[str, str] | None = None,
        *,
        is_public: bool = False,
    ) -> bytes:
        """Ask the API; the arguments are those of `ask`.

        Raises:
            CovalentError: the error that the control plane meant; Unavailable where nothing answers.

        """
        response = self.ask(method, path, body, params, is_public=is_public)
        if not response.is_success:
            raise self.permission.error(response) or error_of(response)
        return response.content

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        params: Mapping[str, str] | None = None,
        *,
        is_public: bool = False,
    ) -> httpx.Response:
        """Ask the API, and give what it answers whatever that is.

        Args:
            method: Of HTTP.
            path: Below the endpoint's address.
            body: JSON.
            params: Go into the query.
            is_public: A deployment answers it without a signature.

        Raises:
            Unavailable: nothing answers.
            Refused: there is nothing to prove with who asks.

        """
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
            if len(body) > COMPRESS_OVER:
                # A media type and not an encoding: API Gateway would unpack that, and Lambda takes 6 MB.
                headers["Content-Type"] = "application/gzip"
                body = gzip.compress(body, compresslevel=1, mtime=0)
        # %20, never +: a signature is over the bytes of the query
        query = f"?{urlencode(params, quote_via=quote)}" if params else ""
        url = f"{self.endpoint.url}{path}{query}"

        def build() -> httpx.Request:
            request = self._http.build_request(method, url, content=body, headers=headers)
            if not (is_public and self.endpoint.is_deployed):
                self.permission.prove(request)
            return request

        response = self._send(build)
        for _ in range(_MENDS):
            if response.status_code != 403 or not self.permission.mend(response):
                break
            response = self._send(build)
        return response

    def get(
        self, url: str, headers: Mapping[str, str] | None = None, watch: Watch | None = None
    ) -> httpx.Response:
        """GET a presigned address. No token goes along: the address is the permission."""
        return self._send(lambda: self._http.build_request("GET", url, headers=headers), watch)

    def put(
        self, url: str, content: bytes | Iterable[bytes], headers: Mapping[str, str]
    ) -> httpx.Response:
        """PUT to a presigned address; pieces need a `Content-Length`."""
        return self._send(
            lambda: self._http.build_request("PUT", url, content=content, headers=headers)
        )

    def close(self) -> None:
        """Close every socket."""
        self._http.close()

    def _send(
        self, build: Callable[[], httpx.Request], watch: Watch | None = None
    ) -> httpx.Response:
        attempt = 0
        while True:
            attempt += 1
            request = build()
            try:
                response = self._answer(request, watch)
            except httpx.TransportError as exc:
                if attempt >= self._attempts or is_hopeless(exc, self.endpoint):
                    # Not from exc: 60 lines that say no more.
                    raise broken(request, self.endpoint, exc, attempt) from None
                self._pause(attempt)
            else:
                if not is_busy(response) or attempt >= self._patience(response):
                    return response
                self._pause(attempt, response.headers.get("Retry-After"))

    def _answer(self, request: httpx.Request, watch: Watch | None) -> httpx.Response:
        if watch is None:
            return self._http.send(request)
        response = self._http.send(request, stream=True)
        try:
            return received(response, watch)
        finally:
            response.close()

    def _patience(self, response: httpx.Response) -> int:
        """How often to try."""
        is_throttled = response.status_code == 429 and self.endpoint.is_deployed
        return max(self._attempts, THROTTLED_ATTEMPTS) if is_throttled else self._attempts

    def _pause(self, attempt: int, retry_after: str | None = None) -> None:
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
        pause = random.uniform(0, ceiling)  # noqa: S311  # jitter, not a secret
        if retry_after and retry_after.isdecimal():
            pause += min(int(retry_after), LONGEST_PAUSE)
        self._sleep(pause)


def trust(endpoint: Endpoint) -> ssl.SSLContext:
    """Which certificates to believe: those of the machine and of `AWS_CA_BUNDLE`, and none for a local server.

    A local server hands out local addresses without TLS. Loading the certificates costs 0.1 s, half of what a whole
    dispatch to it may take.

    Raises:
        Unavailable: `AWS_CA_BUNDLE` cannot be read.

    """
    if endpoint.is_loopback:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.create_default_context()
    if not context.get_ca_certs():  # a Python that does not know where this system keeps them
        import certifi  # noqa: PLC0415  # rarely needed

        context.load_verify_locations(certifi.where())
    bundle = os.environ.get("AWS_CA_BUNDLE")
    if bundle:
        try:
            context.load_verify_locations(bundle)
        except OSError as exc:
            raise Unavailable(
                f"AWS_CA_BUNDLE names {bundle}, which has no certificates: {exc}"
            ) from exc
    return context
