"""A LocalStack in host mode for the tests of this folder, which run only when asked for: `-m localstack`."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.localstack.deployment import PREFIX, Covalent, client_environment, leftovers
from tests.localstack.running import ADDRESS, CREDENTIALS, REGION, Aws

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 60
PYTHONS = ("3.11", "3.12", "3.13")
WATCHED_BUCKET = "watched-pictures"
"""A bucket of the user's own, whose objects triggers may watch."""


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """A LocalStack of the tests' own, or the one that runs at COVALENT_TEST_LOCALSTACK already."""
    running = os.environ.get("COVALENT_TEST_LOCALSTACK")
    if running:
        yield Aws(running)
        return
    port, folder = free_port(), tmp_path_factory.mktemp("localstack")
    with subprocess.Popen(
        _make_localstack(port, folder),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # as a shell does it for what runs in the foreground
        text=True,
    ) as process:
        try:
            _await_ready(process, folder)
            yield Aws(f"http://{ADDRESS}:{port}")
        finally:
            os.killpg(process.pid, signal.SIGINT)  # Ctrl-C
            said = process.communicate(timeout=STOP_SECONDS)[0]
    assert "Stopping LocalStack" in said
    assert "Traceback" not in said
    assert not answers(port)


def _make_localstack(port: int, folder: Path) -> list[str]:
    """`make localstack` with the interpreter of the tests, which is not to be installed anew."""
    variables = [
        f"VENV={sys.prefix}",
        f"LOCALSTACK_PORT={port}",
        f"ARGS=--state {folder}",
    ]
    return ["make", f"--old-file={sys.prefix}/.ready", "localstack", *variables]


def answers(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex((ADDRESS, port)) == 0


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server((ADDRESS, 0)) as probe:
        return int(probe.getsockname()[1])


def _await_ready(process: "subprocess.Popen[str]", folder: Path) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="")
        if line.startswith("LocalStack is ready"):
            return
    log = folder / "localstack.log"
    raise AssertionError(log.read_text()[-4000:] if log.exists() else "LocalStack did not start")


@pytest.fixture(scope="session")
def environment(aws: Aws) -> dict[str, str]:
    """The environment of commands that talk to it: an account with one user, as LocalStack knows it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, **CREDENTIALS, "AWS_ENDPOINT_URL": aws.url, "AWS_REGION": REGION}


@pytest.fixture(scope="session")
def covalent(
    aws: Aws, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Covalent]:
    """What `examples/minimal` makes, and triggers, made by the command; its removal must leave nothing."""
    aws.client("s3").create_bucket(Bucket=WATCHED_BUCKET)
    command = Covalent(client_environment(environment, tmp_path_factory.mktemp("client")))
    wanted = {"protect": False, "triggers": True, "trigger_buckets": [WATCHED_BUCKET]}
    wanted |= {"batch": {}, "ecs": {}}
    shape = [word for minor in PYTHONS for word in ("--python", minor)]
    shape += [f"--var={name}={json.dumps(value)}" for name, value in wanted.items()]
    assert "is deployed" in command.deploy("up", "--yes", *shape)
    print(f"{len(command.resources())} resources")
    yield command
    assert "Everything is removed" in command.deploy("down", "--yes")
    assert not command.workspace.exists()
    assert f"profiles.{PREFIX}" not in command.configuration()
    assert leftovers(aws) == []


@pytest.fixture(scope="session")
def client(covalent: Covalent) -> Mapping[str, str]:
    """The environment of a user whose profile names the deployment."""
    return covalent.environment
