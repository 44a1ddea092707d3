"""What transfers go to, for real: rsync, an ssh server and Azurite, all on this machine.

These tests run only when asked for, `-m transfers`, as `make transfers` does. What they need and cannot find is an
error.
"""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.moving import large, peak, tree

__all__ = ["large", "peak", "tree"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
AZURITE = ROOT / ".azurite" / "node_modules" / ".bin" / "azurite-blob"
READY_SECONDS = 60
_SYSTEM = "/usr/local/sbin:/usr/sbin:/sbin"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave these tests out unless the marker is named."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    for item in ours:
        item.add_marker("transfers")
    if "transfers" not in str(config.option.markexpr):
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]


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


StartHost = Callable[..., Host]


@pytest.fixture(scope="session")
def start_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartHost]:
    """Starts ssh servers with keys of their own."""
    sshd, keygen = tool("sshd", "openssh-server"), tool("ssh-keygen", "openssh-client")
    tool("rsync", "rsync")
    running: list[subprocess.Popen[bytes]] = []

    def start(*settings: str) -> Host:
        folder = tmp_path_factory.mktemp("sshd")
        for name in ("host_key", "user_key"):
            command = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True)
        port, log = free_port(), folder / "log"
        public = (folder / "host_key.pub").read_text()
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
        (folder / "config").write_text("\n".join([*_configuration(folder, port), *settings, ""]))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        command = [sshd, "-D", "-e", "-f", str(folder / "config")]
        process = subprocess.Popen(command, stderr=log.open("wb"))
        running.append(process)
        await_port(port, process, log)
        user = pwd.getpwuid(os.getuid()).pw_name
        data = folder / "data"
        data.mkdir()
        return Host(user, port, folder / "user_key", folder / "known_hosts", data)

    yield start
    for process in running:
        process.terminate()
        process.wait(READY_SECONDS)


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
    """A host with rsync."""
    return start_host()


@dataclass(frozen=True)
class Azurite:
    """An emulator of Azure Blob Storage, and its account's connection string."""

    url: str
    connection_string: str


_ACCOUNT, _KEY = "lab", "bGFi"  # the key is "lab", in base 64


@contextmanager
def running_azurite(folder: Path, scheme: str, *more: str) -> Iterator[Azurite]:
    """An Azurite on a free port, which tells nobody that it runs."""
    node = tool("node", "nodejs")
    assert AZURITE.exists(), "these tests need Azurite: `make transfers` installs it"
    port = free_port()
    options = [
        "--silent",
        "--skipApiVersionCheck",
        "--disableProductStyleUrl",
        "--disableTelemetry",
    ]
    options += ["--inMemoryPersistence", "--blobPort", str(port)]
    environment = {**os.environ, "AZURITE_ACCOUNTS": f"{_ACCOUNT}:{_KEY}"}
    log = folder / "log"
    with subprocess.Popen(
        [node, str(AZURITE), *options, *more],
        cwd=folder,
        env=environment,
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
    ) as process:
        await_port(port, process, log)
        url = f"{scheme}://127.0.0.1:{port}/{_ACCOUNT}"
        parts = {"AccountName": _ACCOUNT, "AccountKey": _KEY, "BlobEndpoint": url}
        given = ";".join(f"{name}={value}" for name, value in parts.items())
        yield Azurite(url, f"DefaultEndpointsProtocol={scheme};{given};")
        process.terminate()


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with running_azurite(tmp_path_factory.mktemp("azurite"), "http") as found:
        yield found
