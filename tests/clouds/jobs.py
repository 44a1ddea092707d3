"""What the fakes of the clouds run: a try with a real bootstrap, and the deployment's address that it asks."""

import io
import json
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from covalent_executors.adapter import Job

CAPABILITY = "capability-of-one-try"
_PYTHON = ".".join(map(str, sys.version_info[:2]))


@dataclass
class Deployment:
    """The address that renews tickets, and what it was asked."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    refuses: int = 0
    program: bytes = b""

    def job(self, name: str = "d-7-0", code: str = "print('done')", time_limit: float = 0) -> Job:
        """A job whose program is this code; its last ticket lies beside it."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("__main__.py", code)
        self.program = buffer.getvalue()
        ticket = {
            "wire": 1,
            "errand": {"dispatch_id": "d", "node": 7, "attempt": 0, "page": "secret inputs"},
            "renewal": f"{self.url}/api/v1/tickets/renew",
            "capability": CAPABILITY,
        }
        return Job(name, self.program, json.dumps(ticket).encode(), _PYTHON, time_limit)


class _Handler(BaseHTTPRequestHandler):
    deployment: Deployment

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        assert self.path == "/program?signature=1"
        self._send(200, self.deployment.program)

    def do_POST(self) -> None:
        assert self.path == "/api/v1/tickets/renew"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.deployment.asked.append(body)
        if self.deployment.refuses:
            self._send(self.deployment.refuses, b'{"code": "Conflict", "detail": "it has ended"}')
            return
        found = {"program": f"{self.deployment.url}/program?signature=1", "ticket": {"fresh": True}}
        self._send(200, json.dumps(found).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def deployment() -> Iterator[Deployment]:
    """A deployment on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        _Handler.deployment = Deployment(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield _Handler.deployment
        server.shutdown()
        thread.join()
