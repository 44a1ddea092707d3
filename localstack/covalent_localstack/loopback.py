"""botocore clients in this process reach the front without a socket.

The control plane and its AWS share a process here. Through two sockets and a second thread a call from one to
the other costs twice what it costs to answer. What is called, with which headers, and what is checked is the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.handlers import BUILTIN_HANDLERS
from moto.core.botocore_stubber import MockRawResponse

from covalent_localstack.http_server import Application, Environ, add_header, new_environ

EVENT = "before-send"


class Loopback:
    """Answers the requests that clients made from now on would send to `address`."""

    def __init__(self, address: str, application: Application) -> None:
        self._address = f"{address}/"
        self._port = int(address.rpartition(":")[2])
        self._application = application

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        """Answer, or None for a request that must travel."""
        if not request.url.startswith(self._address) or "Transfer-Encoding" in request.headers:
            return None
        started: list[tuple[str, list[tuple[str, str]]]] = []
        chunks = self._application(
            self._environ(request), lambda status, headers: started.append((status, headers))
        )
        body = b"".join(chunks) if request.method != "HEAD" else b""
        status, headers = started[-1]
        raw = cast("Any", MockRawResponse(body))
        return AWSResponse(request.url, int(status.split()[0]), cast("Any", dict(headers)), raw)

    def _environ(self, request: AWSPreparedRequest) -> Environ:
        target = request.url[len(self._address) - 1 :]
        environ = new_environ(request.method, target, self._port)
        for name, value in cast("dict[str, str | bytes]", request.headers).items():
            add_header(environ, name, value.decode() if isinstance(value, bytes) else value)
        environ.setdefault("HTTP_HOST", f"127.0.0.1:{self._port}")
        body = request.body
        environ["wsgi.input"] = body if hasattr(body, "read") else BytesIO(_bytes(body))
        return environ


def _bytes(body: str | bytes | bytearray | None) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")


@contextmanager
def installed(handler: Loopback) -> Iterator[None]:
    """Give the handler to every client that is made meanwhile."""
    entry = (EVENT, handler)
    BUILTIN_HANDLERS.append(entry)
    try:
        yield
    finally:
        BUILTIN_HANDLERS.remove(entry)
