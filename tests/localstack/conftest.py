"""A LocalStack in host mode for the tests of this folder, which run only when asked for: `-m localstack`."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.localstack.running import ADDRESS, CREDENTIALS, REGION, Aws

START_SECONDS = 400
"""Installation included."""
STOP_SECONDS = 60


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """A LocalStack of the tests' own, or the one that runs at COVALENT_TEST_LOCALSTACK already."""
    running = os.environ.get("COVALENT_TEST_LOCALSTACK")
    if running:
        yield Aws(running)
        return
    port, folder = _free_port(), tmp_path_factory.mktemp("localstack")
    command = [sys.executable, "-m", "covalent_localstack.host", "serve", "--port", str(port)]
    with subprocess.Popen(
        [*command, "--state", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            _await_ready(process, folder)
            yield Aws(f"http://{ADDRESS}:{port}")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)


def _free_port() -> int:
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
