"""Programs of the system that tests need, and ssh servers on this machine with keys of their own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

READY_SECONDS = 60
_SYSTEM = "/usr/local/sbin:/usr/sbin:/sbin"


def tool(name: str, package: str) -> str:
    """The path of a program of the system, without which the test fails."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:{_SYSTEM}")
    assert found, f"these tests need {name}: apt-get install {package}"
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def await_port(port: int, process: "subprocess.Popen[Any]", log: Path) -> None:
    """Wait until somebody listens."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)  # a port says nothing when it opens
    raise AssertionError(log.read_text()[-4000:])


@dataclass(frozen=True)
class Host:
    """A host that this user may log in to with `key`. Its home is this machine's."""

    user: str
    port: int
    key: Path
    known_hosts: Path
    folder: Path

    @property
    def settings(self) -> dict[str, Any]:
        """What `Rsync` takes."""
        return {
            "user": self.user,
            "host": "127.0.0.1",
            "private_key_path": str(self.key),
            "port": self.port,
            "known_hosts": str(self.known_hosts),
        }


class Servers:
    """Starts ssh servers with keys of their own, each in a folder below this one."""

    def __init__(self, folder: Path) -> None:
        self._sshd = tool("sshd", "openssh-server")
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []

    def __call__(
        self, *settings: str, sftp: bool = True, environment: Mapping[str, str] | None = None
    ) -> Host:
        """A new one, with these lines of configuration beside the usual ones, and these variables for all sessions.

        Their Python is the one that runs the tests, which has what jobs need; no start file of the user's own shell
        changes that, because their HOME is an empty folder.
        """
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        keygen = tool("ssh-keygen", "openssh-client")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        variables = {"PATH": path, "HOME": str(folder / "home"), **(environment or {})}.items()
        words = " ".join(f'"{name}={value}"' for name, value in variables)
        settings = (*settings, f"SetEnv {words}")  # the first SetEnv counts
        if sftp:
            settings = (*settings, "Subsystem sftp internal-sftp")
        for name in ("host_key", "user_key"):
            command = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True)
        port = free_port()
        public = (folder / "host_key.pub").read_text()
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
        (folder / "config").write_text("\n".join([*_configuration(folder, port), *settings, ""]))
        for name in ("data", "home"):
            (folder / name).mkdir()
        self.serve(folder, port)
        user = pwd.getpwuid(os.getuid()).pw_name
        return Host(user, port, folder / "user_key", folder / "known_hosts", folder / "data")

    def serve(self, folder: Path, port: int) -> "subprocess.Popen[bytes]":
        """Run the server of a folder."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        command = [self._sshd, "-D", "-e", "-f", str(folder / "config")]
        process = subprocess.Popen(command, stderr=(folder / "log").open("ab"))
        self._running.append(process)
        await_port(port, process, folder / "log")
        return process

    def restart(self, host: Host) -> None:
        """Run the server of a host again, after it was killed."""
        self.serve(host.key.parent, host.port)

    def kill(self, host: Host) -> None:
        """Kill the server of a host and the sessions that it has, as a crash would."""
        config = str(host.key.parent / "config")
        servers = [each for each in self._running if config in each.args]  # type: ignore[operator]  # a list
        for server in servers:
            for pid in (*_children(server.pid), server.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            server.wait(READY_SECONDS)

    def close(self) -> None:
        """End all of them."""
        for process in self._running:
            process.terminate()
            process.wait(READY_SECONDS)


StartHost = Servers


def _children(pid: int) -> list[int]:
    """All that descend from a process."""
    children = [
        int(each)
        for file in Path(f"/proc/{pid}/task").glob("*/children")
        for each in file.read_text().split()
    ]
    return [one for child in children for one in (*_children(child), child)]


@pytest.fixture(scope="session")
def start_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    servers = Servers(tmp_path_factory.mktemp("sshd"))
    yield servers
    servers.close()


def _configuration(folder: Path, port: int) -> list[str]:
    return [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder}/host_key",
        f"AuthorizedKeysFile {folder}/user_key.pub",
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin yes",
    ]


@pytest.fixture(scope="session")
def host(start_host: StartHost) -> Host:
    """A host to log in to."""
    return start_host()
