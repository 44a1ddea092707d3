"""A machine with files, and a web server."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.moving import MEGABYTE, large, peak, tree

__all__ = ["large", "peak", "tree"]


@dataclass
class Website:
    """A web server, what it serves and what it was sent."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    short: set[str] = field(default_factory=set)
    seen: list[tuple[str, str | None]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    site: Website
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.site.seen.append((self.path, self.headers.get("Authorization")))
        status = self.site.statuses.get(self.path, 200 if self.path in self.site.files else 404)
        body = self.site.files.get(self.path, b"") if status == 200 else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path in self.site.short:
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.site.seen.append((self.path, self.headers.get("Authorization")))
        self.rfile.read(int(self.headers["Content-Length"]))
        body = self.site.answers.get(self.path, b"{}")
        self.send_response(self.site.statuses.get(self.path, 200))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        status = self.site.statuses.get(self.path, 201)
        left, parts = int(self.headers["Content-Length"]), []
        while left:
            parts.append(self.rfile.read(min(left, MEGABYTE)))
            left -= len(parts[-1])
        self.site.files[self.path] = b"".join(parts)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def website() -> Iterator[Website]:
    """A web server on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        _Handler.site = Website(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield _Handler.site
        server.shutdown()
        thread.join()
