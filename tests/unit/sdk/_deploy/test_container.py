import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from tests.unit.sdk._deploy.conftest import ARCHITECTURE, OWN, Dispatch

from covalent._deploy import artifacts, container, settings, sources
from covalent._deploy.container import Image
from covalent_contracts import pickling

DIGEST = "sha256:" + "a" * 64
DOCKER = container.DOCKER_NAMES[ARCHITECTURE]
COMMAND = [sys.executable, "-m", "covalent._deploy.container"]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filled build context for this machine's Python."""
    folder = tmp_path_factory.mktemp("image") / "context"
    (folder / "left-over").mkdir(parents=True)
    container.fill(folder, OWN, [ARCHITECTURE])
    return folder


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called docker that writes down what it was asked, and answers as in `answer`."""
    program = tmp_path / "docker"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncase "$*" in *"$(cat {tmp_path}/broken)"*) exit 7;; esac\n'
        f'case "$2" in imagetools) cat {tmp_path}/answer;; esac\n'
    )
    program.chmod(0o755)
    (tmp_path / "answer").write_text(DIGEST + "\n")
    (tmp_path / "broken").write_text("nothing is")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def asked(docker: Path) -> list[str]:
    return (docker / "asked").read_text().splitlines()


def test_the_context_holds_what_the_dockerfile_copies_and_no_more(context: Path) -> None:
    text = (context / "Dockerfile").read_text().replace("${TARGETARCH}", DOCKER)
    copied = re.findall(r"^COPY (\S+) \S+$", text, re.MULTILINE)
    assert {*copied} == {f"packages/{DOCKER}", "entrypoint.py"}
    assert {path.name for path in context.iterdir()} == {"Dockerfile", "entrypoint.py", "packages"}
    packages = {path.name for path in (context / "packages" / DOCKER).iterdir()}
    assert {
        "covalent_runner",
        "covalent_contracts",
        "cloudpickle",
        "boto3",
        "awslambdaric",
    } <= packages
    assert {"covalent", "networkx"} <= packages  # electrons may name Covalent itself
    assert not {"covalent_control_plane", "covalent_bridge", "bin"} & packages


def test_the_image_starts_from_a_digest_and_does_not_run_as_root() -> None:
    text = (sources.image() / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(bases) == 2
    assert all(base.endswith("@${DIGEST}") for base in bases)
    final = text.rpartition("\nFROM ")[2]
    users = re.findall(r"^USER (\S+)", final, re.MULTILINE)
    assert users == ["10001"]
    assert "CMD" in final.partition("USER")[2]
    assert (
        "ENTRYPOINT" not in text
    )  # Batch and ECS replace the command, and would append it to that


def entry(context: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """The entry point, as the container starts it."""
    packages = context / "packages" / DOCKER
    command = [sys.executable, "-S", "-P", str(context / "entrypoint.py"), *arguments]
    return subprocess.Popen(
        command,
        env={"PYTHONPATH": str(packages), "PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_runs_the_event_in_its_argument(context: Path, dispatch: Dispatch) -> None:
    event = dispatch.publish(pickling.dumps(eval("lambda: 6 * 7")))
    process = entry(context, json.dumps(event), **dispatch.environment)
    assert (process.communicate()[1], process.returncode) == ("", 0)
    assert dispatch.result() == 42


def test_it_runs_the_event_in_its_environment_and_tells_of_a_failure(
    context: Path, dispatch: Dispatch
) -> None:
    event = dispatch.publish(pickling.dumps(eval("lambda: 1 / 0")))
    process = entry(context, COVALENT_EVENT=json.dumps(event), **dispatch.environment)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors == "ElectronFailed: electron 0 failed with ZeroDivisionError\n"


@pytest.mark.parametrize("event", ["", "{", "[]", '{"do": "dance"}', "null"])
def test_without_an_event_there_is_nothing_to_run(context: Path, event: str) -> None:
    process = entry(context, *filter(None, [event]))
    _, errors = process.communicate()
    assert process.returncode == 2
    assert len(errors.splitlines()) == 1


class Runtime(BaseHTTPRequestHandler):
    """Lambda's Runtime API: one event, and what the function says of it."""

    protocol_version = "HTTP/1.1"
    event: Any = None
    said: Queue[tuple[str, str]]
    asked: int
    is_over: threading.Event

    def do_GET(self) -> None:
        Runtime.asked += 1
        if Runtime.asked > 1:
            self.is_over.wait()
            self.close_connection = True
            return
        body = json.dumps(self.event).encode()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": "request-1",
            "Lambda-Runtime-Deadline-Ms": "99999999999999",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:1:function:runner",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
            "Content-Type": "application/json",
        }
        self._answer(200, body, headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer(202, b"", {})
        self.said.put((self.path, body))

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def runtime_api() -> Iterator[ThreadingHTTPServer]:
    Runtime.said, Runtime.asked, Runtime.is_over = Queue(), 0, threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Runtime)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    Runtime.is_over.set()
    server.shutdown()
    server.server_close()


def test_on_lambda_it_works_off_what_the_runtime_sends(
    context: Path, dispatch: Dispatch, runtime_api: ThreadingHTTPServer
) -> None:
    Runtime.event = dispatch.publish(pickling.dumps(eval("lambda: 'from an image'")))
    process = entry(
        context,
        AWS_LAMBDA_RUNTIME_API=f"127.0.0.1:{runtime_api.server_port}",
        AWS_LAMBDA_FUNCTION_NAME="runner",
        AWS_LAMBDA_FUNCTION_VERSION="1",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE="512",
        LAMBDA_TASK_ROOT=str(context),
        **dispatch.environment,
    )
    try:
        path, body = Runtime.said.get(timeout=60)
        assert (path, body) == ("/2018-06-01/runtime/invocation/request-1/response", "null")
        assert dispatch.result() == "from an image"
    finally:
        process.kill()
        process.communicate()


def test_it_ends_when_it_is_told_to(context: Path, dispatch: Dispatch) -> None:
    ready = context.parent / "ready"
    os.mkfifo(ready)
    code = f"lambda: (open({str(ready)!r}, 'w').close(), __import__('time').sleep(600))"
    event = dispatch.publish(pickling.dumps(eval(code)))
    process = entry(context, json.dumps(event), **dispatch.environment)
    ready.open().close()  # returns when the electron has opened it too
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode in (1, 128 + signal.SIGTERM)


def test_docker_is_asked_for_every_architecture_by_digest(docker: Path) -> None:
    image = Image("registry/runner:1", "3.12", settings.ARCHITECTURES, DIGEST)
    container.build(docker, image, push=True)
    assert asked(docker) == [
        "buildx build --platform linux/amd64,linux/arm64 --tag registry/runner:1"
        f" --build-arg PYTHON=3.12 --build-arg DIGEST={DIGEST} --push {docker}"
    ]


def test_the_newest_base_is_looked_up(docker: Path) -> None:
    assert container.digest_of_base("3.13") == DIGEST
    (docker / "answer").write_text("<no value>\n")
    with pytest.raises(artifacts.Unbuildable, match="--digest"):
        container.digest_of_base("3.13")


def make(tmp_path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, "--context", str(tmp_path / "context"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_fills_and_builds(docker: Path) -> None:
    done = make(docker, "--tag", "mine:2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"built mine:2 on python:3.13-slim@{DIGEST}"
    verbs = [line.split()[1] for line in asked(docker)]
    assert verbs == ["version", "imagetools", "build"]
    assert "--load" in asked(docker)[-1]


def test_a_failed_build_is_told(docker: Path) -> None:
    (docker / "broken").write_text("build --platform")
    done = make(docker, "--digest", DIGEST)
    assert (done.returncode, done.stderr) == (1, "docker buildx build failed with exit code 7\n")


def test_without_docker_the_cure_is_named(
    tmp_path: Path, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (docker / "broken").write_text("version")
    assert "this Docker has no buildx: https://docs.docker.com" in make(tmp_path).stderr
    monkeypatch.setenv("PATH", "")
    done = make(tmp_path)
    assert done.returncode == 1
    assert "building the image needs Docker, nothing else does" in done.stderr
    assert not (tmp_path / "context").exists()
    assert make(tmp_path, "--fill-only").returncode == 0
