"""LocalStack beside the local server: `covalent start --localstack`.

Applying the Terraform modules to it is `covalent deploy up` with `AWS_ENDPOINT_URL`.
"""

import json
import subprocess
import sys
from importlib.util import find_spec
from typing import Any
from urllib.request import urlopen

from covalent._programmatic import commands, server
from covalent._programmatic.server import CannotStart, Place, Server

MODULE = "covalent_localstack.host"
"""What `python -m` runs."""
DEFAULT_PORT = 4566
START_SECONDS = 240
STOPPED = "LocalStack has stopped."
_HEALTH_SECONDS = 5


def place() -> Place:
    """Where LocalStack keeps its files and log."""
    ours = commands.place()
    return Place(ours.data_dir / "localstack", ours.log_file.with_name("localstack.log"))


def find() -> Server | None:
    """The LocalStack that `ensure_running` has started, or None."""
    return server.find(place())


def ensure_running(port: int | None = None) -> Server:
    """Start LocalStack unless it runs; install it first if it is not there, which prints what it does.

    Raises:
        CannotStart: something is missing, or it did not come up; the message says what to do.

    """
    here = place()
    try:
        with server.alone(here):
            return server.find(here) or _started(here, port or DEFAULT_PORT)
    except OSError as exc:
        raise CannotStart(f"LocalStack cannot be started: {exc}") from exc


def _started(here: Place, port: int) -> Server:
    _install()
    command = [*_command(), "serve", "--port", str(port)]
    command += ["--state", str(here.data_dir / "state"), "--state-file", str(here.state_file)]
    command += ["--log-file", str(here.log_file)]
    return server.launch(here, lambda: server.spawn(here, command, {}), START_SECONDS)


def _install() -> None:
    if find_spec("covalent_localstack") is None:
        raise CannotStart(f"LocalStack needs {MODULE}: pip install 'covalent-serverless[local]'")
    done = subprocess.run(  # noqa: S603  # our own module, no shell
        [*_command(), "install"], stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise CannotStart(done.stderr.strip())


def _command() -> list[str]:
    return [sys.executable, "-P", "-m", MODULE]


def describe(running: Server) -> list[str]:
    """What a user wants to know of a start."""
    return [
        f"LocalStack runs at {running.url}",
        "To deploy to it:",
        f"  export AWS_ENDPOINT_URL={running.url} AWS_REGION=us-east-1",
        "  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test",
        "  covalent deploy up",
    ]


def health(running: Server) -> str:
    """How LocalStack's services are, in a few words."""
    try:
        with urlopen(  # noqa: S310  # a loopback address
            f"{running.url}/_localstack/health", timeout=_HEALTH_SECONDS
        ) as answer:
            services: dict[str, Any] = json.load(answer)["services"]
    except (OSError, ValueError, KeyError) as exc:
        return f"unknown ({exc})"
    used = sorted(name for name, state in services.items() if state == "running")
    ill = sorted(name for name, state in services.items() if state == "error")
    words = f"in use: {', '.join(used) or 'none yet'}"
    return f"{words}; broken: {', '.join(ill)}" if ill else words
