"""LocalStack as a child process: what it is told, when it is ready, how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from covalent_contracts.errors import Unavailable

START_SECONDS = 180.0
STOP_SECONDS = 20.0
"""Less than `covalent stop` gives the process that is the parent of LocalStack."""
_POLL_SECONDS = 0.2
_TAIL_LINES = 20
_PASSED_ON = ("COVALENT_LAMBDA_", "PIP_")
"""For the functions: how many processes, and where packages come from."""


@dataclass(frozen=True)
class Instance:
    """One LocalStack: its environment, its port, the folder of its state and its log file."""

    environment: Path
    port: int
    state: Path
    log_file: Path

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


def variables(instance: Instance) -> dict[str, str]:
    """The environment of LocalStack; of ours it gets what a process cannot do without, and its own settings."""
    kept = ("PATH", "HOME", "LANG", "USER", "DEBUG", "LS_LOG")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        **{name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)},
        "GATEWAY_LISTEN": f"127.0.0.1:{instance.port}",
        "FILESYSTEM_ROOT": str(instance.state / "files"),
        "TMPDIR": str(instance.state / "tmp"),
        "OVERRIDE_IN_DOCKER": "0",
        "DNS_ADDRESS": "0",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "LOCALSTACK_HOST": f"127.0.0.1:{instance.port}",
        "LAMBDA_RUNTIME_EXECUTOR": "subprocess",
        "COVALENT_LAMBDA_RUNTIMES": str(instance.environment / "runtimes"),
        "COVALENT_CONTAINER_PYTHON": sys.executable,
        "PROVIDER_OVERRIDE_DYNAMODB": "moto",
        "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "moto",
        "PYTHONUNBUFFERED": "1",
    }


class LocalStack:
    """A running LocalStack."""

    def __init__(self, instance: Instance) -> None:
        """Start it.

        Raises:
            Unavailable: something else listens on the port.

        """
        self._instance = instance
        _check_port(instance.port)
        for folder in ("files", "tmp"):
            (instance.state / folder).mkdir(parents=True, exist_ok=True)
        instance.log_file.parent.mkdir(parents=True, exist_ok=True)
        self._logged = instance.log_file.stat().st_size if instance.log_file.exists() else 0
        with instance.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # LocalStack's own interpreter
                [
                    str(instance.environment / "bin" / "python"),
                    "-P",
                    "-m",
                    "localstack.runtime.main",
                ],
                cwd=instance.state,
                env=variables(instance),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def await_ready(self, told: threading.Event) -> bool:
        """Wait until it answers; False if `told` to stop meanwhile.

        Raises:
            Unavailable: it ended, or its time was up; the message ends with the end of its log.

        """
        deadline = time.monotonic() + START_SECONDS
        while health(self._instance.url) is None:
            if self._process.poll() is not None:
                raise Unavailable(f"LocalStack ended while starting.\n{self._tail()}")
            if time.monotonic() > deadline:
                raise Unavailable(f"LocalStack was not ready in time.\n{self._tail()}")
            if told.wait(_POLL_SECONDS):
                return False
        return True

    def wait(self, told: threading.Event) -> None:
        """Wait until `told` to stop.

        Raises:
            Unavailable: it ended by itself.

        """
        while not told.wait(_POLL_SECONDS):
            if self._process.poll() is not None:
                raise Unavailable(f"LocalStack ended by itself.\n{self._tail()}")

    def stop(self) -> None:
        """End it in order, or by force if it does not obey."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _tail(self) -> str:
        with self._instance.log_file.open("rb") as log:
            log.seek(self._logged)
            lines = log.read().decode(errors="replace").splitlines()
        shown = "\n".join(lines[-_TAIL_LINES:])
        return f"The end of {self._instance.log_file}:\n{shown}"


def health(url: str, seconds: float = 2.0) -> dict[str, Any] | None:
    """What LocalStack says of its services; None if it does not answer."""
    try:
        with urlopen(f"{url}/_localstack/health", timeout=seconds) as answer:  # noqa: S310  # a loopback address
            found = json.load(answer)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            raise Unavailable(f"port {port} is in use: choose another one") from exc
