"""The process of the local server: find it, start it, stop it.

A server belongs to a data directory. It writes `server.json` there when it is ready; a process counts as that server
only if its command line names the file, so a process id that the system has given to another program is left alone.
"""

import fcntl
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from covalent._programmatic import limits, processes
from covalent._programmatic.limits import Limits
from covalent_contracts.errors import Unavailable

MODULE = "covalent_localstack"
"""What `python -m` runs."""

NO_TRIGGERS = "--no-triggers"
START_SECONDS = 60
_ABANDON_SECONDS = 5
_POLL_SECONDS = 0.02
_TAIL_LINES = 20


class CannotStart(Unavailable):
    """The local server did not come up."""


@dataclass(frozen=True)
class Place:
    """Where a server keeps its data and writes its log."""

    data_dir: Path
    log_file: Path

    @property
    def state_file(self) -> Path:
        """What the server writes when it is ready."""
        return self.data_dir / "server.json"

    @property
    def token_file(self) -> Path:
        """The token of the running server, for the config file of whoever finds it running."""
        return self.data_dir / "server.token"

    def token(self) -> str | None:
        """What the running server wants to see; None if that is not known."""
        try:
            return self.token_file.read_text() or None
        except OSError:
            return None


@dataclass(frozen=True)
class Server:
    """A running server. `started` is in seconds since the epoch."""

    pid: int
    port: int
    address: str
    started: float
    workers: int
    limits: Limits = limits.UNLIMITED
    triggers: bool = True

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.address}:{self.port}"


def find(place: Place) -> Server | None:
    """The server that runs on the data directory, or None."""
    state = _read_state(place.state_file)
    if state is None:
        return None
    command = processes.command_of(int(state["pid"]))
    if str(place.state_file) not in command:
        return None
    workers = re.search(r"--workers (\d+)", command)
    return Server(
        pid=int(state["pid"]),
        port=int(state["port"]),
        address=_host(str(state["address"])),
        started=float(state["started"]),
        workers=int(workers[1]) if workers else 0,
        limits=limits.of_command(command),
        triggers=NO_TRIGGERS not in command,
    )


def start(place: Place, *, port: int, workers: int, token: str, options: Sequence[str]) -> Server:
    """Start a server that outlives this process, and wait until it is ready.

    It listens on `port`, or on the next free one. `options` are further ones of its command line.

    Raises:
        CannotStart: it died or did not become ready; the message ends with the end of its log.

    """
    place.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_private(place.token_file, token)
    options = ["--workers", str(workers), *options]
    return launch(place, lambda: _spawn(place, port, token, options), START_SECONDS)


def launch(place: Place, spawn: Callable[[], "subprocess.Popen[bytes]"], seconds: float) -> Server:
    """Start a process that writes the state file of the place, and wait until it has.

    Raises:
        CannotStart: see `start`.

    """
    place.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.log_file.parent.mkdir(parents=True, exist_ok=True)
    place.state_file.unlink(missing_ok=True)
    logged = place.log_file.stat().st_size if place.log_file.exists() else 0
    process = spawn()
    try:
        _await_ready(place, process, logged, seconds)
    except BaseException:  # Ctrl-C too: a server that nobody knows of must not stay behind
        _abandon(process)
        raise
    server = find(place)
    if server is None:
        raise CannotStart(f"The server stopped at once.\n{_tail(place.log_file, logged)}")
    processes.own(process)
    return server


def stop(place: Place) -> bool:
    """Stop the server in order, or by force if it does not obey; False if none was running."""
    server = find(place)
    if server is None:
        place.state_file.unlink(missing_ok=True)
        return False
    processes.end(server.pid, place.state_file)
    place.state_file.unlink(missing_ok=True)
    place.token_file.unlink(missing_ok=True)
    return True


def is_alive(state_file: Path) -> bool:
    """Whether the server lives that has written the file."""
    state = _read_state(state_file)
    return state is not None and processes.is_process(int(state["pid"]), state_file)


def ensure_stopped(place: Place) -> bool:
    """Stop the server of a data directory, if there is one, while nobody else starts it; False if none was running."""
    if not place.data_dir.is_dir():
        return False
    with alone(place):
        return stop(place)


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)  # an old one may have been readable by others
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Let one process at a time start or stop the server of a data directory."""
    place.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (place.data_dir / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _spawn(
    place: Place, port: int, token: str, options: Sequence[str]
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-P", "-m", MODULE, "serve", "--port", str(port), "--next-free-port"]
    command += [*options, "--data-dir", str(place.data_dir)]
    command += ["--state-file", str(place.state_file), "--log-file", str(place.log_file)]
    return spawn(place, command, {"COVALENT_TOKEN": token})


def spawn(
    place: Place, command: Sequence[str], environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """A process of a session of its own that prints into the place's log; `environment` is added to ours."""
    with place.log_file.open("ab") as log:
        return subprocess.Popen(  # noqa: S603  # our own module, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=place.data_dir,
            env={**os.environ, **environment},
            start_new_session=True,
        )


def _await_ready(
    place: Place, process: "subprocess.Popen[bytes]", logged: int, seconds: float
) -> None:
    deadline = time.monotonic() + seconds
    while _read_state(place.state_file) is None:
        if process.poll() is not None:
            raise CannotStart(
                f"The server ended with exit code {process.returncode} while starting. "
                f"The end of {place.log_file}:\n{_tail(place.log_file, logged)}"
            )
        if time.monotonic() > deadline:
            raise CannotStart(
                f"The server was not ready after {seconds} s. "
                f"The end of {place.log_file}:\n{_tail(place.log_file, logged)}"
            )
        time.sleep(_POLL_SECONDS)


def _abandon(process: "subprocess.Popen[bytes]") -> None:
    """End a server that did not become ready."""
    process.terminate()
    try:
        process.wait(_ABANDON_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _read_state(file: Path) -> dict[str, Any] | None:
    """The state file's content; None while it is missing or half written."""
    try:
        state = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) else None


def _tail(path: Path, start: int) -> str:
    """The last lines that were written to the log since `start`."""
    with path.open("rb") as log:
        log.seek(start)
        lines = log.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-_TAIL_LINES:])


def _host(address: str) -> str:
    """The host of an address that may be written as a URL."""
    return address.rsplit("://", maxsplit=1)[-1].split(":", maxsplit=1)[0].rstrip("/")
