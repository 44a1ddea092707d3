"""An internet of one machine: a proxy on loopback that is every host that a test names, with TLS.

The vendors' clients run as they are, against the addresses that they have in them: nothing of theirs is replaced.
"""

import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

HOSTS = (
    "*.eastus.batch.azure.com",
    "login.microsoftonline.com",
    "*.azurewebsites.net",
    "*.googleapis.com",
    "*.a.run.app",
)


@dataclass(frozen=True)
class Request:
    """What a client has asked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Answer:
    """What it is told."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Site = Callable[[Request], Answer]


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True
    sites: MutableMapping[str, Site]
    context: ssl.SSLContext
    failures: list[str]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Proxy
    host = ""

    def log_message(self, *args: Any) -> None:
        pass

    def do_CONNECT(self) -> None:
        self.host = self.path.partition(":")[0]
        if self.host not in self.server.sites:
            self.send_error(502, "no such host")
            return
        self.send_response(200)
        self.end_headers()
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Request(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            {name.title(): value for name, value in self.headers.items()},
            body,
        )
        try:
            told = self.server.sites[self.host](asked)
        except Exception as exc:  # noqa: BLE001  # the test is to see it, whatever the client makes of it
            self.server.failures.append(f"{self.command} {self.path}: {exc!r}")
            told = Answer(400, {"error": {"message": repr(exc)}})
        self._send(told)

    def _send(self, told: Answer) -> None:
        data = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
        self.send_response(told.status)
        for name, value in {"Content-Type": "application/json", **told.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  # as the base class calls them


def certificate(folder: Path) -> Path:
    """A certificate for `HOSTS`, and its key beside it."""
    names = ",".join(f"DNS:{host}" for host in HOSTS)
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    command += ["-subj", "/CN=clouds", "-addext", f"subjectAltName={names}"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "cert.pem"


@contextmanager
def internet(cert: Path, sites: Mapping[str, Site], patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have these hosts, and no others, answer the requests of this process and its children."""
    with _Proxy(("127.0.0.1", 0), _Handler) as proxy:
        proxy.sites, proxy.failures = dict(sites), []
        proxy.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        proxy.context.load_cert_chain(cert, cert.with_name("key.pem"))
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{proxy.server_port}"
        for name in ("HTTPS_PROXY", "https_proxy"):
            patch.setenv(name, address)
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1,localhost")
        patch.setattr(
            "urllib.request._opener", None
        )  # it remembers the proxy that it has seen first
        patch.setenv("REQUESTS_CA_BUNDLE", str(cert))
        patch.setenv("SSL_CERT_FILE", str(cert))
        try:
            yield
        finally:
            proxy.shutdown()
            thread.join()
        assert proxy.failures == [], proxy.failures
