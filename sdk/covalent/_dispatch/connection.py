"""HTTP: the one place of the SDK that opens sockets.

Calls that may be repeated safely (all of ours: the id of a dispatch comes from the client) are tried again when the
service is busy or the connection breaks, with exponential back-off and full jitter.
"""

import gzip
import random
import ssl
import time
from collections.abc import Callable, Mapping

import httpx

from covalent._dispatch.address import Endpoint
from covalent._dispatch.problems import error_of, is_busy
from covalent_contracts.errors import Unavailable

ATTEMPTS = 5
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
COMPRESS_OVER = 64 * 1024
"""Bytes of a request body from which gzip pays: manifests shrink to a tenth."""

PARALLEL = 16
"""Requests that one process has under way at most."""

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
    ) -> None:
        self.endpoint = endpoint
        self._sleep = sleep
        self._http = httpx.Client(
            transport=transport,
            timeout=_TIMEOUT,
            limits=_LIMITS,
            verify=_trust(endpoint),
            trust_env=not endpoint.is_loopback,  # a proxy cannot reach this machine's own server
        )

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        params: Mapping[str, str] | None = None,
    ) -> bytes:
        """Ask the API.

        Raises:
            CovalentError: the error that the control plane meant; Unavailable where nothing answers.

        """
        headers = {"Accept": "application/json"}
        if self.endpoint.token:
            headers["Authorization"] = f"Bearer {self.endpoint.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
            if len(body) > COMPRESS_OVER:
                headers["Content-Encoding"] = "gzip"
                body = gzip.compress(body, compresslevel=1, mtime=0)
        url = self.endpoint.url + path
        response = self._send(
            self._http.build_request(method, url, content=body, params=params, headers=headers)
        )
        if not response.is_success:
            raise error_of(response)
        return response.content

    def get(self, url: str) -> httpx.Response:
        """GET a presigned address. No token goes along: the address is the permission."""
        return self._send(self._http.build_request("GET", url))

    def put(self, url: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """PUT to a presigned address."""
        return self._send(self._http.build_request("PUT", url, content=content, headers=headers))

    def close(self) -> None:
        """Close every socket."""
        self._http.close()

    def _send(self, request: httpx.Request) -> httpx.Response:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = self._http.send(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
                raise self._nobody_there(request, exc) from None  # 60 lines that say no more
            except httpx.TransportError as exc:
                if attempt == ATTEMPTS:
                    raise Unavailable(
                        f"the connection to {_origin(request)} broke {ATTEMPTS} times: {exc!r}"
                    ) from exc
                self._pause(attempt)
            else:
                if attempt == ATTEMPTS or not is_busy(response):
                    return response
                self._pause(attempt, response.headers.get("Retry-After"))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _pause(self, attempt: int, retry_after: str | None = None) -> None:
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
        pause = random.uniform(0, ceiling)  # noqa: S311  # jitter, not a secret
        if retry_after and retry_after.isdecimal():
            pause += min(int(retry_after), LONGEST_PAUSE)
        self._sleep(pause)

    def _nobody_there(self, request: httpx.Request, exc: httpx.TransportError) -> Unavailable:
        if _origin(request) != _origin(httpx.Request("GET", self.endpoint.url)):
            return Unavailable(f"the object store at {_origin(request)} cannot be reached: {exc}")
        return Unavailable(
            f"no Covalent server answers at {self.endpoint.url} ({exc}): start one with `covalent start`, or set "
            "`dispatcher.address` in the configuration (or pass `dispatcher_addr`) to where one runs"
        )


def _trust(endpoint: Endpoint) -> ssl.SSLContext:
    """Which certificates to believe: those of the machine, and none for a local server.

    A local server hands out local addresses without TLS. Loading the certificates costs 0.1 s, half of what a whole
    dispatch to it may take.
    """
    if endpoint.is_loopback:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.create_default_context()


def _origin(request: httpx.Request) -> str:
    url = request.url
    return f"{url.scheme}://{url.netloc.decode()}"
