"""POST to one address over connections that are kept, for answers that fit in memory.

`http.client` reads headers with the parser for e-mail, which costs as much CPU as sending the request. Here
an answer must come with its length, as DynamoDB's do; anything else is an error.
"""

import select
import socket
import ssl
from collections import deque
from collections.abc import Mapping
from functools import cached_property
from os import environ
from typing import BinaryIO, NamedTuple
from urllib.parse import urlsplit

from botocore.httpsession import get_cert_path

TIMEOUT = 60.0
"""Seconds for connecting and for each read: botocore's own."""
LONGEST_LINE = 65536
_PORTS = {"http": 80, "https": 443}
_OWN_CERTIFICATES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


class Answer(NamedTuple):
    """An answer; names of headers are in lower case."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes


class _Connection(NamedTuple):
    socket: socket.socket
    file: BinaryIO

    @property
    def is_quiet(self) -> bool:
        """Whether it is still good: an idle connection that has something to read was closed by the other side."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self.file.close()
        self.socket.close()


class Poster:
    """The way to one address. Threads may share it."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._is_tls = place.scheme == "https"
        self._host = place.hostname or ""
        self._port = place.port or _PORTS[place.scheme]
        self._start = f"POST {place.path or '/'} HTTP/1.1\r\nHost: {place.netloc}\r\n"
        self._idle: deque[_Connection] = deque()

    def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a request and read the answer.

        Raises:
            OSError: the connection broke, could not be made, or is not to be trusted.
            ValueError: the answer cannot be read.

        """
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{self._start}Content-Length: {len(body)}\r\n{lines}\r\n"
        connection = self._connection()
        try:
            connection.socket.sendall(head.encode("latin-1") + body)
            answer = _read(connection.file)
        except BaseException:
            connection.close()
            raise
        if answer.headers.get(b"connection", b"").lower() == b"close":
            connection.close()
        else:
            self._idle.append(connection)
        return answer

    def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_quiet:
                return connection
            connection.close()
        return self._connect()

    def _connect(self) -> _Connection:
        plain = socket.create_connection((self._host, self._port), TIMEOUT)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._is_tls:
            plain = self._trust.wrap_socket(plain, server_hostname=self._host)
        return _Connection(plain, plain.makefile("rb"))

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The certificates that botocore would believe."""
        own = [environ[name] for name in _OWN_CERTIFICATES if environ.get(name)]
        return ssl.create_default_context(cafile=own[0] if own else get_cert_path(True))


def _read(file: BinaryIO) -> Answer:
    first = file.readline(LONGEST_LINE).split(None, 2)
    if len(first) < 2:
        raise ConnectionError("no answer came")
    headers: dict[bytes, bytes] = {}
    while (line := file.readline(LONGEST_LINE)) != b"\r\n":
        name, colon, value = line.partition(b":")
        if not colon:
            raise ValueError("the answer ended within its headers")
        headers[name.lower()] = value.strip()
    if b"transfer-encoding" in headers:
        raise ValueError("the answer comes without its length")
    size = int(headers.get(b"content-length", b""))
    body = file.read(size)
    if len(body) < size:
        raise ConnectionError("the answer ended early")
    return Answer(int(first[1]), headers, body)
