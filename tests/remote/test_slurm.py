"""Jobs of a real Slurm, through a real ssh server."""

from pathlib import Path
from typing import Any

from tests.remote.programs import ended, job, told
from tests.remote.test_ssh import read
from tests.sshd import Host

from covalent_executors.adapter import Sighting, State
from covalent_executors.slurm.adapter import SlurmAdapter, adapter
from covalent_executors.slurm.spec import SlurmSpec


def reached(host: Host, **changed: Any) -> SlurmAdapter:
    settings = {
        "username": host.user,
        "address": "127.0.0.1",
        "port": host.port,
        "ssh_key_file": str(host.key),
        "known_hosts": str(host.known_hosts),
        "remote_workdir": str(host.folder),
        **changed,
    }
    found = adapter(SlurmSpec(**settings), read)
    assert isinstance(found, SlurmAdapter)
    return found


def test_a_job_runs_and_ends(login_node: Host, tmp_path: Path) -> None:
    cluster = reached(login_node)
    handle = cluster.submit(job("runs", tell=str(tmp_path / "told")))
    assert ended(cluster, handle) == Sighting(State.ENDED)
    found = told(tmp_path / "told")
    folder = login_node.folder / "runs"
    assert found["here"] == str(folder)
    assert found["env"]["SLURM_JOB_NAME"] == "runs"
    assert found["env"]["COVALENT_WORK_DIR"] == str(folder)
    assert cluster.logs(handle) == "begun\n"
    cluster.clean(handle)
    assert not folder.exists()
    cluster.cancel(handle)
