"""Quantum electrons in electrons on hosts and clusters: a real ssh server and a real Slurm, with PennyLane there."""

from typing import Any

import pytest
from tests.quantum.e2e.test_in_electrons import check, failing, ran, value_of
from tests.remote.serving import login
from tests.remote.slurm import login_node, slurm
from tests.sshd import Host, host, start_host

from covalent.executor import SlurmExecutor, SSHExecutor

__all__ = ["host", "login_node", "slurm", "start_host"]
pytestmark = [pytest.mark.quantum, pytest.mark.usefixtures("server")]


@pytest.fixture
def ssh(host: Host) -> SSHExecutor:
    return SSHExecutor(
        **login(host), hostname="127.0.0.1", remote_dir=str(host.folder), poll_freq=1
    )


@pytest.fixture
def cluster(login_node: Host) -> SlurmExecutor:
    folder = str(login_node.folder)
    return SlurmExecutor(
        **login(login_node), address="127.0.0.1", remote_workdir=folder, poll_freq=1
    )


@pytest.fixture(params=["ssh", "cluster"])
def executor(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_what_ran_there_comes_back(executor: Any) -> None:
    check(ran(value_of, 0.5, executor=executor))


def test_what_a_failed_electron_has_run_there_is_kept(executor: Any) -> None:
    result = ran(failing, 0.5, executor=executor)
    assert result.status == "FAILED"
    assert "after the circuit" in result.error
    (circuit,) = result.get_node_result(0)["qelectron_data"]
    assert (circuit["executor"], circuit["parameters"]) == ("Simulator", [0.5])
