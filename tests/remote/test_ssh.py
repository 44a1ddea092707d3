"""Jobs on a real ssh server."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.remote.programs import ended, job, told
from tests.sshd import Host

from covalent_executors.adapter import Refused, Sighting, State
from covalent_executors.ssh.adapter import SshAdapter, adapter
from covalent_executors.ssh.spec import SSHSpec


def read(place: str) -> str:
    """What the bridge gives adapters to read secrets with."""
    try:
        return Path(place).expanduser().read_text()
    except FileNotFoundError:
        raise Refused(f"there is no file {place}") from None


def settings(host: Host, **changed: Any) -> dict[str, Any]:
    return {
        "username": host.user,
        "hostname": "127.0.0.1",
        "port": host.port,
        "ssh_key_file": str(host.key),
        "known_hosts": str(host.known_hosts),
        "remote_dir": str(host.folder),
        **changed,
    }


def reached(host: Host, **changed: Any) -> SshAdapter:
    found = adapter(SSHSpec(**settings(host, **changed)), read)
    assert isinstance(found, SshAdapter)
    return found


def test_a_job_runs_and_ends(host: Host, tmp_path: Path) -> None:
    ssh = reached(host)
    handle = ssh.submit(job("runs", tell=str(tmp_path / "told")))
    assert ended(ssh, handle) == Sighting(State.ENDED)
    found = told(tmp_path / "told")
    folder = host.folder / "runs"
    assert found["here"] == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "ticket.json").stat().st_mode & 0o777 == 0o600
    assert ssh.logs(handle) == "begun\n"
    ssh.clean(handle)
    assert not folder.exists()
    assert ssh.look(handle).state is State.ENDED
