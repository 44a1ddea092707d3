"""The server as users run it: a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

TOKEN = "serve-test-token"
Serve = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start a server on the test's data folder; all are killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "covalent_localstack", "serve", "--workers", "1"]
        folders = ["--data-dir", str(tmp_path / "data"), "--state-file", str(state_file(tmp_path))]
        process = subprocess.Popen(
            [*command, *folders, *options],
            env={**os.environ, "COVALENT_TOKEN": TOKEN},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def state_file(folder: Path) -> Path:
    return folder / "state.json"


def ready(process: "subprocess.Popen[str]", folder: Path) -> dict[str, Any]:
    """The state file of this process."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        if state_file(folder).exists():
            state: dict[str, Any] = json.loads(state_file(folder).read_text())
            if state["pid"] == process.pid:
                return state
        time.sleep(0.05)
    raise AssertionError("the server did not become ready")


def client(service: str, state: dict[str, Any]) -> Any:
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=state["address"],
        region_name="us-east-1",
        aws_access_key_id=TOKEN,
        aws_secret_access_key=TOKEN,
    )


def test_state_survives_kill_9(serve: Serve, tmp_path: Path) -> None:
    first = serve("--port", "0")
    state = ready(first, tmp_path)
    item = {"pk": {"S": "D#x"}, "sk": {"S": "N#0000001"}, "output": {"B": b"\x00\x01"}}
    client("dynamodb", state).put_item(TableName="covalent", Item=item)
    client("s3", state).put_object(Bucket="covalent-local", Key="a/b", Body=b"kept" * 100_000)
    first.send_signal(signal.SIGKILL)
    first.wait()

    state = ready(serve("--port", "0"), tmp_path)
    key = {name: item[name] for name in ("pk", "sk")}
    found = client("dynamodb", state).get_item(TableName="covalent", Key=key)
    assert found["Item"] == item
    body = client("s3", state).get_object(Bucket="covalent-local", Key="a/b")["Body"].read()
    assert body == b"kept" * 100_000


def test_term_stops_and_a_second_server_is_refused(serve: Serve, tmp_path: Path) -> None:
    first = serve("--port", "0")
    state = ready(first, tmp_path)
    second = serve("--port", "0")
    _, complaint = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"in use by the server with pid {state['pid']}" in complaint
    first.send_signal(signal.SIGTERM)
    _, errors = first.communicate(timeout=30)
    assert first.returncode == 0, errors
    assert not state_file(tmp_path).exists()


def test_every_line_of_the_log_has_a_time(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "log" / "server.log"
    first = serve("--port", "0", "--log-file", str(path))
    ready(first, tmp_path)
    assert serve("--port", "0", "--log-file", str(path)).wait(timeout=60) == 1
    first.send_signal(signal.SIGTERM)
    out, errors = first.communicate(timeout=30)
    assert (out, errors) == ("", "")
    told, complaint = path.read_text().splitlines()
    assert "ready at http://127.0.0.1:" in told
    assert "in use by the server" in complaint
    for line in (told, complaint):
        datetime.fromisoformat(line[:19])


def test_only_the_token_opens(serve: Serve, tmp_path: Path) -> None:
    state = ready(serve("--port", "0"), tmp_path)
    assert httpx.get(f"{state['address']}/api/v1/dispatches").status_code == 401
    assert httpx.get(f"{state['address']}/covalent-local").status_code == 403
    spoofed = {"Host": f"evil.example:{state['port']}", "Authorization": f"Bearer {TOKEN}"}
    assert httpx.get(f"{state['address']}/api/v1/health", headers=spoofed).status_code == 403
    assert httpx.get(f"{state['address']}/api/v1/health", timeout=60).status_code == 200


def test_the_next_free_port_is_taken_only_when_asked(serve: Serve, tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = serve("--port", str(port))
        _, complaint = refused.communicate(timeout=60)
        assert f"port {port} is taken" in complaint
        state = ready(serve("--port", str(port), "--next-free-port"), tmp_path)
        assert state["port"] > port
