"""A machine with files, and what elsewhere can be on it."""

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from covalent_runner.transfers.moves import Move, Way
from covalent_runner.transfers.places import Place

MEGABYTE = 1024 * 1024
SIZE = 64 * MEGABYTE

_MEASURE = """
import pickle, sys, tracemalloc
warm, move = pickle.load(sys.stdin.buffer)
if warm:
    warm()  # what is imported counts for nothing
tracemalloc.start()
move()
print(tracemalloc.get_traced_memory()[1])
"""

Peak = Callable[..., int]
Moving = Callable[[Way, Any, Any], None]


def place(given: Any, **flags: bool) -> Place:
    """A place as the SDK would make it."""
    text = str(given)
    remote = "://" in text
    return Place(text, **{"remote": remote, "folder": text.endswith("/"), **flags})


def move(way: Way, source: Any, target: Any) -> None:
    """Transfer between two paths or places."""
    ends = [each if isinstance(each, Place) else place(each) for each in (source, target)]
    Move(way, *ends)()


@pytest.fixture
def peak() -> Peak:
    """Bytes that a transfer takes at most, in a process of its own; another one, of little, may go first."""

    def measured(move: Move, warm: Move | None = None) -> int:
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE],
            input=pickle.dumps((warm, move)),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return int(done.stdout)

    return measured


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that must not be in memory as a whole; it takes no room on the disk."""
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(SIZE)
        file.write(b"start")
        file.seek(SIZE - 3)
        file.write(b"end")
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with files and folders."""
    root = tmp_path / "tree"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    (root / "sub" / "b c.txt").write_text("b")
    (root / "sub" / "deep" / "ü.txt").write_text("c")
    return root


def content(root: Path) -> dict[str, str]:
    """Every file below a folder."""
    found = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_text() for path in found}


TREE = {"a.txt": "a", "sub/b c.txt": "b", "sub/deep/ü.txt": "c"}


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
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.site = Website(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield handler.site
        server.shutdown()
        thread.join()
