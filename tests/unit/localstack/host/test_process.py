"""LocalStack as a child process, with a stand-in for it."""

import json
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from covalent_contracts.errors import Unavailable
from covalent_localstack.host.process import Instance, LocalStack, health, variables

WELL = """\
import http.server, json, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"services": {"lambda": "running"}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("temporary files in", os.environ["TMPDIR"], flush=True)
host, port = os.environ["GATEWAY_LISTEN"].split(":")
http.server.HTTPServer((host, int(port)), Handler).serve_forever()
"""
ILL = "import sys; sys.exit('broken on purpose')"
Make = Callable[[str], Instance]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """An installation whose Python runs the given program whatever it is asked for."""

    def of(program: str) -> Instance:
        python = tmp_path / "venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        script = tmp_path / "program.py"
        script.write_text(program)
        python.write_text(f"#!/bin/sh\nexec {sys.executable} {script}\n")
        python.chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        return Instance(tmp_path / "venv", port, tmp_path / "state", tmp_path / "log" / "ls.log")

    return of


def test_it_starts_answers_and_ends(make: Make) -> None:
    instance = make(WELL)
    running = LocalStack(instance)
    try:
        assert running.await_ready(threading.Event())
        assert health(instance.url) == {"services": {"lambda": "running"}}
        assert f"temporary files in {instance.state / 'tmp'}" in instance.log_file.read_text()
    finally:
        running.stop()
    assert health(instance.url) is None


def test_one_that_ends_at_once_shows_the_end_of_its_log(make: Make) -> None:
    running = LocalStack(make(ILL))
    with pytest.raises(Unavailable, match="broken on purpose"):
        running.await_ready(threading.Event())
    running.stop()


def test_ctrl_c_while_it_starts(make: Make) -> None:
    running = LocalStack(make("import time; time.sleep(600)"))
    told = threading.Event()
    told.set()
    assert not running.await_ready(told)
    running.stop()


def test_a_port_that_is_taken(make: Make) -> None:
    instance = make(WELL)
    with (
        socket.create_server(("127.0.0.1", instance.port)),
        pytest.raises(Unavailable, match=f"port {instance.port} is in use"),
    ):
        LocalStack(instance)


def test_the_environment_has_nothing_of_the_users_account(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("COVALENT_LAMBDA_WORKERS", "2")
    seen = variables(make(WELL))
    assert "real" not in json.dumps(seen)
    assert seen["COVALENT_LAMBDA_WORKERS"] == "2"
