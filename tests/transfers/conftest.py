"""What transfers go to, for real: rsync, an ssh server and Azurite, all on this machine.

These tests run only when asked for, `-m transfers`, as `make transfers` does. What they need and cannot find is an
error.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.moving import large, peak, tree
from tests.sshd import Host, StartHost, await_port, free_port, host, start_host, tool

__all__ = ["Host", "StartHost", "host", "large", "peak", "start_host", "tool", "tree"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
AZURITE = ROOT / ".azurite" / "node_modules" / ".bin" / "azurite-blob"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave these tests out unless the marker is named."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    for item in ours:
        item.add_marker("transfers")
    if "transfers" not in str(config.option.markexpr):
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]


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
