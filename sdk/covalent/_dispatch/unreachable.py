"""Why nothing answers, and what to do about it."""

import os
import socket
import ssl
from collections.abc import Iterator
from urllib.request import getproxies

import httpx

from covalent._dispatch.address import Endpoint
from covalent_contracts.errors import Unavailable


def broken(
    request: httpx.Request, endpoint: Endpoint, exc: httpx.TransportError, attempts: int
) -> Unavailable:
    """The error for a request that got no answer."""
    where = origin(request)
    reason = cause_of(exc)
    if isinstance(reason, ssl.SSLError):
        return Unavailable(not_trusted(where, reason))
    if isinstance(exc, httpx.ProxyError):
        return Unavailable(
            f"the proxy on the way to {where} does not let it through ({exc}): {proxies()}"
        )
    if not isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout):
        return Unavailable(f"the connection to {where} broke {attempts} times: {exc!r}")
    if where != origin(httpx.Request("GET", endpoint.url)):
        return Unavailable(f"the object store at {where} cannot be reached: {exc}")
    if endpoint.is_deployed:
        return Unavailable(no_deployment(endpoint, reason))
    return Unavailable(
        f"no Covalent server answers at {endpoint.url} ({exc}): start one with `covalent start`, or set "
        "`dispatcher.address` in the configuration (or pass `dispatcher_addr`) to where one runs"
    )


def is_hopeless(exc: httpx.TransportError, endpoint: Endpoint) -> bool:
    """Whether trying again cannot help: no server on this machine or under that address, or a false certificate.

    To a deployment the way is long, and a connection that was not made may well be made a moment later.
    """
    reason = cause_of(exc)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return True
    if isinstance(reason, socket.gaierror) and reason.errno != socket.EAI_AGAIN:
        return True
    connecting = isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout)
    return connecting and not endpoint.is_deployed


def cause_of(exc: BaseException) -> BaseException:
    """What really happened, under the layers of the HTTP library."""
    for each in _chain(exc):
        if isinstance(each, ssl.SSLError | socket.gaierror):
            return each
    return exc


def proxies() -> str:
    """Which proxies the environment names, without their passwords."""
    found = [f"{key} -> {httpx.URL(url).host}" for key, url in getproxies().items() if key != "no"]
    return (
        f"the environment names {', '.join(found) or 'none'} (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY); "
        f"hosts in NO_PROXY ({os.environ.get('NO_PROXY') or os.environ.get('no_proxy') or 'empty'}) are asked directly"
    )


def origin(request: httpx.Request) -> str:
    """Scheme, host and port."""
    url = request.url
    return f"{url.scheme}://{url.netloc.decode()}"


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__


def not_trusted(where: str, reason: ssl.SSLError) -> str:
    """What to do about a certificate that nobody vouches for."""
    said = getattr(reason, "verify_message", "") or str(reason)
    return (
        f"no secure connection to {where}: {said}. If a proxy of your organization opens TLS, set AWS_CA_BUNDLE to "
        "the file with its certificate authority; if not, look at the address and the clock of this machine"
    )


def no_deployment(endpoint: Endpoint, reason: BaseException) -> str:
    """What to do about a deployment that does not answer."""
    named = f"profile {endpoint.profile}" if endpoint.profile else "the address"
    if isinstance(reason, socket.gaierror):
        return (
            f"{endpoint.host} has no address ({reason.strerror}): is this machine online, and is {named} that of a "
            "deployment that still exists? `covalent deploy status` shows it"
        )
    return (
        f"{endpoint.url} does not answer ({reason}): is this machine online, and does its network allow connections "
        f"to port {endpoint.port}? {proxies()}"
    )
