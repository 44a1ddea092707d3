"""Jobs on a real ssh server."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.remote.programs import PYTHON, TIMEOUT, ended, job, told
from tests.sshd import Host, StartHost

from covalent_executors.adapter import Busy, Refused, Sighting, State
from covalent_executors.hosts import connections
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


def test_a_second_submit_finds_the_first(host: Host, tmp_path: Path) -> None:
    one, two = reached(host), reached(host)
    work = job("twice", tell=str(tmp_path / "told"), until=str(tmp_path / "go"))
    handle = one.submit(work)
    first = told(tmp_path / "told")
    (tmp_path / "told").unlink()
    assert two.submit(work) == handle
    assert two.look(handle) == Sighting(State.RUNNING)
    (tmp_path / "go").touch()
    assert ended(two, handle) == Sighting(State.ENDED)
    assert not (tmp_path / "told").exists(), f"only {first['pid']} ran"
    assert one.submit(work) == handle
    assert one.look(handle) == Sighting(State.ENDED)
    one.clean(handle)


def test_submitted_at_once_it_runs_once(host: Host, tmp_path: Path) -> None:
    ssh = reached(host)
    work = job("race", children=[False], tell=str(tmp_path / "told"))
    with ThreadPoolExecutor(8) as pool:
        handles = list(pool.map(ssh.submit, [work] * 8))
    assert all(handle == handles[0] for handle in handles)
    ended(ssh, handles[0])
    assert ssh.logs(handles[0]) == "begun\n"
    ssh.clean(handles[0])


@pytest.mark.parametrize("code", [1, 78])
def test_an_exit_status_is_told(host: Host, code: int) -> None:
    ssh = reached(host)
    sighting = ended(ssh, ssh.submit(job(f"code-{code}", code=code)))
    assert sighting.cause == f"the job ended on 127.0.0.1 with exit status {code}"


def test_a_killed_job_is_told(host: Host, tmp_path: Path) -> None:
    ssh = reached(host)
    handle = ssh.submit(job("killed", tell=str(tmp_path / "told"), until=str(tmp_path / "no")))
    os.kill(told(tmp_path / "told")["pid"], signal.SIGKILL)
    assert ended(ssh, handle).cause == "the job was killed on 127.0.0.1 by SIGKILL"


def test_a_killed_keeper_does_not_hide_the_job(host: Host, tmp_path: Path) -> None:
    ssh = reached(host)
    handle = ssh.submit(job("orphan", tell=str(tmp_path / "told"), until=str(tmp_path / "go")))
    told(tmp_path / "told")
    os.kill(json.loads(Path(handle["folder"], "pid").read_text())["pid"], signal.SIGKILL)
    assert ssh.look(handle) == Sighting(State.RUNNING)
    ssh.cancel(handle)
    assert marked("orphan") == []
    assert "were killed" in ssh.look(handle).cause


def test_cancel_leaves_no_process(host: Host, tmp_path: Path) -> None:
    ssh = reached(host)
    work = job(
        "cancelled",
        tell=str(tmp_path / "told"),
        children=[False, True],
        until=str(tmp_path / "no"),
    )
    handle = ssh.submit(work)
    told(tmp_path / "told")
    assert len(marked("cancelled")) == 3
    ssh.cancel(handle)
    assert marked("cancelled") == []
    assert ssh.look(handle) == Sighting(State.ENDED, "the job was killed on 127.0.0.1 by SIGTERM")
    ssh.cancel(handle)
    ssh.clean(handle)
    ssh.cancel(handle)
    ssh.clean(handle)


def test_what_a_job_leaves_running_ends_with_it(host: Host) -> None:
    ssh = reached(host)
    handle = ssh.submit(job("left", children=[False, True]))
    assert ended(ssh, handle) == Sighting(State.ENDED)
    deadline = time.monotonic() + TIMEOUT
    while marked("left"):
        assert time.monotonic() < deadline
        time.sleep(0.02)  # they are ended after the job has told


def test_the_time_limit_holds_there(host: Host, tmp_path: Path) -> None:
    ssh = reached(host)
    handle = ssh.submit(job("long", time_limit=0.5, until=str(tmp_path / "no")))
    assert "used up its time limit" in ended(ssh, handle).cause
    assert marked("long") == []


def test_a_restarted_host_is_told(host: Host, tmp_path: Path) -> None:
    ssh = reached(host)
    handle = ssh.submit(job("boot", tell=str(tmp_path / "told"), until=str(tmp_path / "no")))
    told(tmp_path / "told")
    ssh.cancel(handle)
    folder = Path(handle["folder"])
    (folder / "exit").unlink()
    pid = json.loads((folder / "pid").read_text())
    (folder / "pid").write_text(json.dumps({**pid, "boot": "another"}))
    assert ssh.look(handle) == Sighting(State.ENDED, "127.0.0.1 was restarted while the job ran")


def test_a_killed_sshd_does_not_end_the_job(start_host: StartHost, tmp_path: Path) -> None:
    own = start_host()
    ssh = reached(own)
    handle = ssh.submit(job("crash", until=str(tmp_path / "go")))
    start_host.kill(own)
    with pytest.raises(Busy, match="does not answer"):
        ssh.look(handle)
    start_host.restart(own)
    assert ssh.look(handle) == Sighting(State.RUNNING)
    (tmp_path / "go").touch()
    assert ended(ssh, handle) == Sighting(State.ENDED)


def test_the_environment_of_a_job(host: Host, tmp_path: Path) -> None:
    ssh = reached(host, remote_workdir=str(tmp_path / "work dir"))
    ended(ssh, ssh.submit(job("env", tell=str(tmp_path / "told"))))
    environment = told(tmp_path / "told")["env"]
    assert environment["COVALENT_WORK_DIR"] == str(tmp_path / "work dir")
    assert (tmp_path / "work dir").is_dir()
    assert not [name for name in environment if name.startswith("AWS_")]


def test_folders_that_are_kept_lose_their_ticket(host: Host) -> None:
    ssh = reached(host, do_cleanup=False)
    handle = ssh.submit(job("kept"))
    ended(ssh, handle)
    ssh.clean(handle)
    assert not Path(handle["folder"], "ticket.json").exists()
    assert Path(handle["folder"], "log").exists()


def test_a_folder_below_home(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f".covalent-test-{os.getpid()}"
    ssh = reached(host, remote_dir=f"~/{name}/a b")
    handle = ssh.submit(job("home"))
    assert ended(ssh, handle) == Sighting(State.ENDED)
    assert handle["folder"].endswith(f"/{name}/a b/home")
    shutil.rmtree(Path(handle["folder"]).parents[1])


def test_a_conda_environment(start_host: StartHost, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    conda = tmp_path / "bin" / "conda"
    conda.write_text(_CONDA)
    conda.chmod(0o755)
    path = f"{tmp_path}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    own = start_host(environment={"PATH": path})
    ssh = reached(own, conda_env="lab")
    ended(ssh, ssh.submit(job("conda", tell=str(tmp_path / "told"))))
    assert told(tmp_path / "told")["env"]["CONDA_DEFAULT_ENV"] == "lab"
    with pytest.raises(Refused, match="cannot activate the Conda environment 'nosuch'"):
        reached(own, conda_env="nosuch").submit(job("conda2"))


_CONDA = """#!/bin/sh
echo 'conda() { [ "$2" = lab ] && export CONDA_DEFAULT_ENV="$2"; }'
"""


def test_another_python_is_refused_before_anything_is_made(host: Host) -> None:
    found = rf"127\.0\.0\.1 must have Python 3\.99.*but it has Python {PYTHON} {re.escape(sys.executable)}"
    with pytest.raises(Refused, match=f"{found}.*python_path or conda_env"):
        reached(host, python_path=sys.executable).submit(job("old", python="3.99"))
    assert not (host.folder / "old").exists()


def test_a_missing_python_is_refused(host: Host) -> None:
    with pytest.raises(Refused, match=r"there is no /nosuch/python: install it there"):
        reached(host, python_path="/nosuch/python").submit(job("none"))


def test_a_python_with_nothing_beside_it_runs_jobs(host: Host, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    there = reached(host, python_path=str(tmp_path / "bare" / "bin" / "python"))
    handle = there.submit(job("bare"))
    assert handle["python"] == str(tmp_path / "bare" / "bin" / "python")
    assert ended(there, handle).cause == ""


def test_a_folder_that_cannot_be_made_is_refused(host: Host, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match=r"cannot be made on .*: check remote_dir"):
        reached(host, remote_dir=str(tmp_path / "file")).submit(job("nowhere"))


def test_a_wrong_user_is_refused(host: Host) -> None:
    with pytest.raises(Refused, match=r"does not let 'nobody-here' in .*authorized_keys"):
        reached(host, username="nobody-here").submit(job("who"))


def test_a_wrong_key_is_refused(host: Host, start_host: StartHost) -> None:
    with pytest.raises(Refused, match="check username and ssh_key_file"):
        reached(host, ssh_key_file=str(start_host().key)).submit(job("key"))


def test_a_missing_key_file_is_refused(host: Host, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"there is no file .*nosuch"):
        reached(host, ssh_key_file=str(tmp_path / "nosuch"))


def test_what_is_no_key_is_refused(host: Host) -> None:
    with pytest.raises(Refused, match="is no key of ssh"):
        reached(host, ssh_key_file=str(host.known_hosts)).submit(job("nokey"))


def test_a_key_with_a_passphrase_is_refused(host: Host, tmp_path: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(tmp_path / "key")]
    subprocess.run(command, check=True)
    with pytest.raises(Refused, match="protected by a passphrase"):
        reached(host, ssh_key_file=str(tmp_path / "key")).submit(job("locked"))


def test_a_certificate_for_a_key(start_host: StartHost, tmp_path: Path) -> None:
    for name in ("authority", "key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(command, check=True)
    own = start_host(f"TrustedUserCAKeys {tmp_path}/authority.pub")
    sign = ["ssh-keygen", "-q", "-s", "authority", "-I", "lab", "-n", own.user, "key.pub"]
    subprocess.run(sign, cwd=tmp_path, check=True)
    key = {"ssh_key_file": str(tmp_path / "key")}
    with pytest.raises(Refused, match="does not let"):
        reached(own, **key).submit(job("uncertified"))
    certified = reached(own, **key, cert_file=str(tmp_path / "key-cert.pub"))
    assert ended(certified, certified.submit(job("certified"))) == Sighting(State.ENDED)


def test_a_changed_host_key_is_refused(host: Host, start_host: StartHost, tmp_path: Path) -> None:
    other = start_host()
    wrong = other.known_hosts.read_text().replace(str(other.port), str(host.port))
    with pytest.raises(Refused, match=r"is not the one in .*ssh-keyscan -p \d+ 127\.0\.0\.1"):
        reached(host, known_hosts=wrong).submit(job("changed"))


def test_an_unknown_host_is_refused_where_hosts_are_given(host: Host) -> None:
    with pytest.raises(Refused, match=r"is not among .*ssh-keyscan.*known_hosts="):
        reached(
            host, known_hosts="elsewhere " + host.known_hosts.read_text().partition(" ")[2]
        ).submit(job("unknown"))


def test_a_new_host_is_remembered_and_its_key_must_stay(
    start_host: StartHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    own = start_host()
    ssh = reached(own, known_hosts="")
    ssh.clean(ssh.submit(job("new")))
    remembered = tmp_path / ".ssh" / "known_hosts"
    assert remembered.read_text().split()[:3] == own.known_hosts.read_text().split()[:3]
    other = start_host()
    wrong = other.known_hosts.read_text().replace(str(other.port), str(own.port))
    remembered.write_text(wrong)
    connections.connections().forget()
    with pytest.raises(Refused, match=f"is not the one in {remembered}"):
        reached(own, known_hosts="").submit(job("new2"))
    assert remembered.read_text() == wrong


def test_nobody_there_is_busy(host: Host) -> None:
    with pytest.raises(Busy, match=r"@127\.0\.0\.1:9 does not answer"):
        reached(host, port=9).submit(job("nobody"))
    with pytest.raises(Refused, match="retry_connect"):
        reached(host, port=9, retry_connect=False).submit(job("nobody"))


def test_no_such_host_is_refused(host: Host) -> None:
    with pytest.raises(Refused, match=r"there is no host 'nosuch\.invalid'"):
        reached(host, hostname="nosuch.invalid").submit(job("nohost"))


def test_a_server_without_files_is_refused(start_host: StartHost) -> None:
    with pytest.raises(Refused, match="Subsystem sftp"):
        reached(start_host(sftp=False)).submit(job("nosftp"))


def test_many_jobs_share_one_connection(host: Host) -> None:
    ssh = reached(host)
    with ThreadPoolExecutor(12) as pool:
        handles = list(pool.map(lambda n: ssh.submit(job(f"many-{n}")), range(12)))
        assert all(ended(ssh, handle) == Sighting(State.ENDED) for handle in handles)
        list(pool.map(ssh.clean, handles))
    assert len(list(connections.connections().open())) >= 1


def test_a_server_that_allows_few_sessions(start_host: StartHost) -> None:
    ssh = reached(start_host("MaxSessions 4"))
    with ThreadPoolExecutor(12) as pool:
        handles = list(pool.map(lambda n: ssh.submit(job(f"few-{n}")), range(12)))
        assert all(ended(ssh, handle) == Sighting(State.ENDED) for handle in handles)


def test_an_unused_connection_is_closed(
    start_host: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.05)
    own = start_host()
    reached(own).logs({"folder": "/nosuch"})
    deadline = time.monotonic() + TIMEOUT
    while own.port in [login.port for login in connections.connections().open()]:
        assert time.monotonic() < deadline
        time.sleep(0.02)  # a timer of another thread


def marked(name: str) -> list[str]:
    """The processes of a job."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"COVALENT_JOB={name}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_text())
    return found
