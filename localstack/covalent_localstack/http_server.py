"""A small HTTP/1.1 server for WSGI applications on the loopback interface.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- closes every connection after one answer (Werkzeug's development server does), which costs a TCP handshake and a
  thread per AWS call -> connections are kept

An answer is sent in one piece, so that Nagle's algorithm never waits for a delayed ACK.
"""

import logging
import socketserver
import sys
from collections.abc import Callable, Iterable
from io import BufferedReader, BytesIO
from typing import Any, cast
from urllib.parse import unquote_to_bytes

LOG = logging.getLogger(__name__)
MAX_LINE = 65536
MAX_HEADERS = 200
SMALL = 262144
"""Bodies up to this size travel in the same segment as the head."""

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class BadRequest(Exception):
    """What arrived is not HTTP as we speak it."""


def new_environ(method: str, target: str, port: int) -> Environ:
    """The WSGI environment of a request for `target`, the path and query as they were sent."""
    path, _, query = target.partition("?")
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "REQUEST_URI": target,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }


def add_header(environ: Environ, name: str, value: str) -> None:
    """Add a header as WSGI spells it; one that is there already is continued."""
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    environ[key] = f"{environ[key]},{value}" if key in environ else value


class Server(socketserver.ThreadingTCPServer):
    """One thread per connection."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 512

    def __init__(self, port: int, application: Application) -> None:
        """Bind 127.0.0.1.

        Raises:
            OSError: the port is taken.

        """
        self.application = application
        super().__init__(("127.0.0.1", port), _Connection)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # socketserver's
        """Log what broke a connection; a client that went away is not worth a line."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            LOG.exception("connection failed")


class _Body:
    """The rest of the request, and no more, as a file."""

    def __init__(self, source: BufferedReader, size: int) -> None:
        self._source = source
        self._left = size

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._source.read(wanted) if wanted else b""
        self._left -= len(data)
        return data

    def readline(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._source.readline(wanted) if wanted else b""
        self._left -= len(data)
        return data

    def drain(self) -> None:
        while self._left and self.read(1 << 20):
            pass


class _Connection(socketserver.StreamRequestHandler):
    server: Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            while self._one():
                pass
        except BadRequest as exc:
            text = str(exc).encode()
            self._send("400 Bad Request", [("Content-Length", str(len(text)))], text, "GET")
        except (ConnectionError, TimeoutError):
            return

    def _one(self) -> bool:
        """Answer one request; tell whether the connection stays open."""
        line = self._line()
        if not line:
            return False
        environ, body = self._read_request(line)
        status, headers, chunks = self._run(environ)
        self._reply(status, headers, chunks, environ["REQUEST_METHOD"])
        body.drain()
        return str(environ.get("HTTP_CONNECTION", "")).lower() != "close"

    def _line(self) -> bytes:
        line = self.rfile.readline(MAX_LINE)
        if len(line) == MAX_LINE:
            raise BadRequest("a line is too long")
        return line

    def _read_request(self, line: bytes) -> tuple[Environ, _Body]:
        try:
            method, target, protocol = line.decode("latin-1").split()
        except ValueError:
            raise BadRequest("malformed request line") from None
        if not target.startswith("/") or not protocol.startswith("HTTP/1."):
            raise BadRequest("only HTTP/1 in origin form is spoken here")
        environ = new_environ(method, target, self.server.port)
        self._read_headers(environ)
        body = self._body(environ)
        environ["wsgi.input"] = body
        return environ, body

    def _read_headers(self, environ: Environ) -> None:
        for _ in range(MAX_HEADERS):
            line = self._line()
            if line in (b"\r\n", b"\n", b""):
                return
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon or name != name.strip():
                raise BadRequest("malformed header")
            add_header(environ, name, value.strip())
        raise BadRequest("too many headers")

    def _body(self, environ: Environ) -> _Body:
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            self.request.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            data = self._dechunk()
            environ["CONTENT_LENGTH"] = str(len(data))
            return _Body(BufferedReader(cast("Any", BytesIO(data))), len(data))
        length = environ.setdefault("CONTENT_LENGTH", "0")
        if not length.isdecimal():
            raise BadRequest("malformed Content-Length")
        return _Body(cast("BufferedReader", self.rfile), int(length))

    def _dechunk(self) -> bytes:
        data = bytearray()
        while True:
            try:
                size = int(self._line().split(b";")[0], 16)
            except ValueError:
                raise BadRequest("malformed chunk") from None
            data += self.rfile.read(size)
            if not size:
                while self._line() not in (b"\r\n", b"\n", b""):
                    pass
                return bytes(data)
            self._line()

    def _run(self, environ: Environ) -> tuple[str, list[tuple[str, str]], Iterable[bytes]]:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            started[:] = [(status, headers)]

        try:
            chunks = self.server.application(environ, start_response)
        except Exception:  # a defect of one request must not end the others
            LOG.error("%s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"], exc_info=True)
            return "500 Internal Server Error", [], [b"internal error"]
        return *started[0], chunks

    def _reply(
        self, status: str, headers: list[tuple[str, str]], chunks: Iterable[bytes], method: str
    ) -> None:
        try:
            if any(name.lower() == "content-length" for name, _ in headers):
                self._stream(status, headers, chunks, method)
            else:
                body = b"".join(chunks)
                self._send(status, [*headers, ("Content-Length", str(len(body)))], body, method)
        finally:
            close = getattr(chunks, "close", None)
            if close:
                close()

    def _stream(
        self, status: str, headers: list[tuple[str, str]], chunks: Iterable[bytes], method: str
    ) -> None:
        parts = iter(chunks)
        self._send(status, headers, next(parts, b""), method)
        for part in parts:
            if method != "HEAD":
                self.request.sendall(part)

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes, method: str) -> None:
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        connection = self.request
        if method == "HEAD":
            connection.sendall(head)
        elif len(body) <= SMALL:
            connection.sendall(head + body)
        else:
            connection.sendall(head)
            connection.sendall(body)
