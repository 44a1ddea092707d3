"""`covalent start --localstack`, with a stand-in for the process that runs LocalStack."""

import http.server
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from covalent._cli.main import cli
from covalent._programmatic import localstack, server
from covalent._programmatic.server import Server
from covalent._shared_files.config import reload_config, set_config

STAND_IN = """\
import json, os, pathlib, signal, sys, time

arguments = sys.argv[1:]
if arguments[0] == "install":
    if os.environ.get("STAND_IN_LACKS"):
        sys.exit("LocalStack needs Python 3.13")
    print("Installing LocalStack")
    sys.exit()
options = dict(zip(arguments[1::2], arguments[2::2]))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
state = {"pid": os.getpid(), "port": int(options["--port"]), "address": "127.0.0.1", "started": time.time()}
pathlib.Path(options["--state-file"]).write_text(json.dumps(state))
signal.pause()
"""


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, list(args))


@pytest.fixture(autouse=True)
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setattr(localstack, "_command", lambda: [sys.executable, str(script)])
    reload_config()
    set_config(
        {"workflow_data.base_dir": str(tmp_path / "data"), "sdk.log_dir": str(tmp_path / "log")}
    )
    yield
    server.ensure_stopped(localstack.place())


def test_start_says_how_to_deploy_to_it_and_stop_ends_it() -> None:
    started = run("start", "--localstack", "--port", "4599")
    assert started.exit_code == 0, started.output
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:4599" in started.output
    assert localstack.find() is not None
    assert "LocalStack has stopped." in run("stop").output
    assert localstack.find() is None
    assert "LocalStack" not in run("stop").output


def test_a_second_start_finds_the_first() -> None:
    run("start", "--localstack", "--port", "4599")
    first = localstack.find()
    assert run("start", "--localstack", "--port", "4600").exit_code == 0
    assert localstack.find() == first


def test_status_shows_it() -> None:
    assert "LocalStack" not in run("status").output
    run("start", "--localstack", "--port", "4599")
    shown = run("status").output
    assert "http://127.0.0.1:4599" in shown
    assert "LocalStack services" in shown


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_LACKS", "1")
    result = run("start", "--localstack")
    assert result.exit_code == 1
    assert "LocalStack needs Python 3.13" in result.output


class _Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        services = {"lambda": "running", "s3": "available", "sqs": "error"}
        body = json.dumps({"services": services}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class' name
        """Nothing."""


def test_health_names_what_is_used_and_what_is_broken() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Health) as answering:
        threading.Thread(target=answering.serve_forever, daemon=True).start()
        running = Server(0, answering.server_port, "127.0.0.1", 0.0, 0)
        assert localstack.health(running) == "in use: lambda; broken: sqs"
        answering.shutdown()
    assert localstack.health(running).startswith("unknown (")
