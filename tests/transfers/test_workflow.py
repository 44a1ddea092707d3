"""A workflow whose electrons fetch and bring files by rsync over ssh and from Azure, on the embedded AWS."""

import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from azure.storage.blob import BlobServiceClient
from tests.running import Server
from tests.transfers.conftest import Azurite, Host

import covalent as ct
from covalent_runner.transfers.azure import CONNECTION_STRING

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import the tests


@pytest.fixture(scope="module")
def server(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An offline AWS whose electrons know the account."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COVALENT_CONFIG_DIR", str(tmp_path_factory.mktemp("config")))
        patch.setenv(CONNECTION_STRING, azurite.connection_string)
        ct.reload_config()
        running = Server(tmp_path_factory.mktemp("covalent"), secrets.token_hex(16))
        running.start()
        yield running
        running.stop()


def test_there_and_back(server: Server, host: Host, azurite: Azurite) -> None:
    rsync = ct.fs_strategies.Rsync(**host.settings)
    blob = ct.fs_strategies.Blob()
    there = host.folder / "workflow"
    (there / "in").mkdir(parents=True)
    (there / "in" / "numbers").write_text("1 2 3")
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.create_container("workflow")
        container.upload_blob("factor", b"7")

        @ct.electron(
            files=[
                ct.fs.TransferFromRemote(ct.fs.Folder(f"{there}/in"), "here/", rsync),
                ct.fs.TransferFromRemote(f"{azurite.url}/workflow/factor", strategy=blob),
                ct.fs.TransferToRemote(f"{there}/out/total", "total", rsync),
                ct.fs.TransferToRemote(f"{azurite.url}/workflow/total", "total", blob),
            ]
        )
        def total(files: Any = ()) -> int:
            factor = int(Path(files[1][1]).read_text())
            found = factor * sum(map(int, Path("here/numbers").read_text().split()))
            Path("total").write_text(str(found))
            return found

        @ct.lattice
        def workflow() -> Any:
            return total()

        result = ct.get_result(ct.dispatch(workflow)(), wait=True)
        assert result.error is None
        assert result.result == 42
        assert (there / "out" / "total").read_text() == "42"
        assert container.download_blob("total").readall() == b"42"


def test_an_unknown_host_fails_the_electron_with_the_cure(server: Server, host: Host) -> None:
    settings = host.settings | {"known_hosts": "elsewhere ssh-ed25519 AAAA"}
    transfer = ct.fs.TransferFromRemote("/x", strategy=ct.fs_strategies.Rsync(**settings))
    electron = ct.electron(files=[transfer])(lambda: 1)
    result = ct.get_result(ct.dispatch(ct.lattice(electron))(), wait=True)
    assert result.status == "FAILED"
    assert "the source /x is on a host whose key is not known" in str(result.error)
    assert "ssh-keyscan" in str(result.error)
