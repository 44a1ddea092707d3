"""Electrons on real ssh servers and a real Slurm: what every executor does, on the embedded AWS."""

from typing import Any

import pytest
from click.testing import CliRunner
from tests.e2e.executors.contract import BehaviourContract, square
from tests.remote.serving import login
from tests.running import Server
from tests.sshd import Host

import covalent as ct
from covalent._cli.main import cli
from covalent.executor import SlurmExecutor, SSHExecutor


class TestSSH(BehaviourContract):
    left = "exit status 7"

    @pytest.fixture(autouse=True)
    def _reached(self, host: Host) -> None:
        self._settings = {
            **login(host),
            "hostname": "127.0.0.1",
            "remote_dir": str(host.folder),
            "poll_freq": 1,
        }

    def made(self, **settings: Any) -> Any:
        return SSHExecutor(**self._settings, **settings)


class TestSlurm(BehaviourContract):
    left = "exit status 7"

    @pytest.fixture(autouse=True)
    def _reached(self, login_node: Host) -> None:
        self._settings = {
            **login(login_node),
            "address": "127.0.0.1",
            "remote_workdir": str(login_node.folder),
            "poll_freq": 1,
        }

    def made(self, **settings: Any) -> Any:
        return SlurmExecutor(**self._settings, **settings)


def test_a_key_in_secrets_manager(server: Server, host: Host) -> None:
    stored = CliRunner().invoke(cli, ["secret", "put", "remote-key", "--file", str(host.key)])
    assert stored.exit_code == 0, stored.output
    reached = {**login(host), "hostname": "127.0.0.1", "remote_dir": str(host.folder)}
    electron = ct.electron(
        executor=SSHExecutor(**{**reached, "ssh_key_file": stored.output.strip()})
    )
    result = ct.get_result(ct.dispatch(ct.lattice(electron(square)))(7), wait=True)
    assert (result.error, result.result) == (None, 49)


def test_seven_executors_in_one_graph(server: Server, host: Host, login_node: Host) -> None:
    """Each gets what the one before it gave, and all of them what the first one gave."""
    here = {**login(host), "hostname": "127.0.0.1", "remote_dir": str(host.folder), "poll_freq": 1}
    cluster = {
        **login(login_node),
        "address": "127.0.0.1",
        "remote_workdir": str(login_node.folder),
        "poll_freq": 1,
    }
    (host.folder / "ec2_key").touch(0o600)
    executors: list[Any] = [
        "local",
        ct.executor.AWSLambdaExecutor(),
        ct.executor.AWSBatchExecutor(),
        ct.executor.ECSExecutor(vcpu=1, memory=2),
        ct.executor.EC2Executor(ssh_key_file=str(host.folder / "ec2_key")),
        SSHExecutor(**here),
        SlurmExecutor(**cluster),
    ]

    def add(*numbers: int) -> int:
        return sum(numbers) + 1

    @ct.lattice
    def workflow(first: int) -> list[int]:
        found: list[Any] = [first]
        for executor in executors:
            found.append(ct.electron(executor=executor)(add)(first, found[-1]))
        return found

    result = ct.get_result(ct.dispatch(workflow)(1), wait=True)
    assert (result.error, result.result) == (None, [1, 3, 5, 7, 9, 11, 13, 15])
