"""Many electrons at once over ssh and Slurm, and what each of them costs beside its own work."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from tests.remote.programs import told
from tests.remote.serving import login
from tests.remote.slurm import Slurm
from tests.running import Server
from tests.sshd import Host, StartHost

import covalent as ct
from covalent.executor import SlurmExecutor, SSHExecutor

MANY = int(os.environ.get("COVALENT_REMOTE_ELECTRONS", "200"))


def many(executor: Any) -> float:
    """Run them; seconds for each."""
    square = ct.electron(executor=executor)(lambda x: x * x)

    @ct.lattice
    def squares(n: int) -> Any:
        return [square(x) for x in range(n)]

    began = time.monotonic()
    result = ct.get_result(ct.dispatch(squares)(MANY), wait=True)
    assert (result.error, result.result) == (None, [x * x for x in range(MANY)])
    return (time.monotonic() - began) / MANY


def test_over_ssh(server: Server, host: Host) -> None:
    executor = SSHExecutor(**login(host), hostname="127.0.0.1", remote_dir=str(host.folder))
    print(f"\nSSH: {MANY} electrons, {many(executor) * 1000:.0f} ms for each")
    assert list(host.folder.glob("c-*")) == [], "folders of jobs are removed"


def test_over_slurm(server: Server, login_node: Host) -> None:
    executor = SlurmExecutor(
        **login(login_node), address="127.0.0.1", remote_workdir=str(login_node.folder)
    )
    print(f"\nSlurm: {MANY} electrons, {many(executor) * 1000:.0f} ms for each")
    assert list(login_node.folder.glob("c-*")) == [], "as above"


def test_an_electron_outlives_the_ssh_server(
    server: Server, start_host: StartHost, tmp_path: Path
) -> None:
    own = start_host()
    executor = SSHExecutor(
        **login(own), hostname="127.0.0.1", remote_dir=str(own.folder), poll_freq=1
    )

    @ct.electron(executor=executor)
    def wait(folder: str) -> int:
        Path(folder, "told").write_text("{}")
        while not Path(folder, "go").exists():
            time.sleep(0.05)
        return 42

    dispatch_id = ct.dispatch(ct.lattice(wait))(str(tmp_path))
    told(tmp_path / "told")
    start_host.kill(own)
    (tmp_path / "go").touch()
    time.sleep(3)  # looks that nobody answers
    start_host.restart(own)
    result = ct.get_result(dispatch_id, wait=True)
    assert (result.error, result.result) == (None, 42)


def test_an_electron_whose_node_dies(
    server: Server, start_host: StartHost, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cluster = Slurm(tmp_path_factory.mktemp("own"))
    try:
        cluster.start()
        own = start_host(environment=cluster.environment)
        executor = SlurmExecutor(
            **login(own), address="127.0.0.1", remote_workdir=str(own.folder), poll_freq=1
        )

        @ct.electron(executor=executor)
        def wait(folder: str) -> None:
            Path(folder, "told").write_text("{}")
            time.sleep(600)

        dispatch_id = ct.dispatch(ct.lattice(wait))(str(tmp_path))
        told(tmp_path / "told")
        cluster.kill("slurmd")
        result = ct.get_result(dispatch_id, wait=True)
        assert result.status == "FAILED"
        assert "failed or did not start: try again" in str(result.error)
    finally:
        cluster.stop()
