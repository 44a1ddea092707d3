"""The adapter of SSH, with this machine for the host."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.remote.programs import PYTHON, ended, job, told
from tests.unit.executors.hosts.local_host import FailingHost, LocalHost

from covalent_executors.adapter import Busy, Carrier, Refused, Sighting, State
from covalent_executors.hosts.host import Done
from covalent_executors.ssh.adapter import SshAdapter, adapter
from covalent_executors.ssh.spec import SSHSpec

LOGIN = {"username": "user", "hostname": "lab"}
HANDLE = {"folder": "/nosuch", "python": sys.executable}


def spec(**settings: Any) -> SSHSpec:
    return SSHSpec.model_validate({**LOGIN, "python_path": sys.executable, **settings})


@pytest.fixture
def here(tmp_path: Path) -> SshAdapter:
    host = LocalHost({"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    return SshAdapter(spec(remote_dir="~/jobs"), host)


def test_a_job_runs_with_its_files_and_leaves_one(here: SshAdapter, tmp_path: Path) -> None:
    work = job(f"files-{time.monotonic_ns()}", tell=str(tmp_path / "told"))
    carrying = type(work)(**{**vars(work), "files": {"input-0": b"data"}})
    handle = here.submit(carrying)
    assert ended(here, handle) == Sighting(State.ENDED)
    folder = Path(told(tmp_path / "told")["here"])
    assert folder == tmp_path / "jobs" / work.name
    assert (folder / "input-0").read_bytes() == b"data"
    assert isinstance(here, Carrier)
    assert here.fetch(handle, "input-0") == b"data"
    assert here.fetch(handle, "verdict") is None
    assert "input" not in here.logs(handle)
    here.clean(handle)
    assert not folder.exists()
    assert "folder on lab is gone" in here.look(handle).cause


def test_a_time_limit_of_none_is_none(here: SshAdapter) -> None:
    for limit in (0, -1):
        handle = here.submit(job(f"limit{limit}-{time.monotonic_ns()}", time_limit=limit))
        assert ended(here, handle) == Sighting(State.ENDED)


def test_a_known_python_that_is_gone_is_looked_for_again(here: SshAdapter, tmp_path: Path) -> None:
    python = tmp_path / "bin" / f"python{PYTHON}"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    environment = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    found = SshAdapter(spec(python_path=""), LocalHost(environment))
    first = found.submit(job(f"gone-1-{time.monotonic_ns()}"))
    ended(found, first)
    python.unlink()
    python.symlink_to(sys.executable)
    assert ended(found, found.submit(job(f"gone-2-{time.monotonic_ns()}"))).state is State.ENDED


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another user's")
def test_a_folder_of_another_user_is_refused(here: SshAdapter, tmp_path: Path) -> None:
    (tmp_path / "jobs" / "theirs").mkdir(parents=True)
    os.chown(tmp_path / "jobs" / "theirs", 12345, 12345)
    with pytest.raises(Refused, match="check remote_dir"):
        here.submit(job("theirs"))


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ('{"exit": {"status": 0, "overdue": false, "oom": false}}', ""),
        ('{"exit": {"status": 4, "overdue": false, "oom": false}}', "exit status 4"),
        ('{"exit": {"status": -9, "overdue": false, "oom": true}}', "out of memory: lab had none"),
        ('{"exit": {"status": -9, "overdue": false, "oom": false}}', "killed on lab by SIGKILL"),
        ('{"exit": {"status": -15, "overdue": true, "oom": false}}', "used up its time limit"),
        ('{"exit": {"error": "no memory"}}', "could not be started on lab: no memory"),
        ('{"gone": "boot"}', "lab was restarted while the job ran"),
        ('{"gone": "killed"}', "were killed"),
        ("{}", "never started"),
    ],
)
def test_what_the_keeper_says(told: str, cause: str) -> None:
    sighting = SshAdapter(spec(), FailingHost(done=Done(0, told))).look(HANDLE)
    assert sighting.state is State.ENDED
    assert cause in sighting.cause
    assert bool(cause) == bool(sighting.cause)


def test_a_host_that_cannot_tell() -> None:
    broken = SshAdapter(spec(), FailingHost(done=Done(127, "", "python: not found")))
    with pytest.raises(Refused, match="lab cannot tell of the job: python: not found"):
        broken.look(HANDLE)


def test_a_session_that_ends_early_is_worth_another_try() -> None:
    cut = SshAdapter(spec(), FailingHost(done=Done(-1, "")))
    for attempt in (lambda: cut.submit(job("cut")), lambda: cut.look(HANDLE)):
        with pytest.raises(Busy, match="lab has ended the session"):
            attempt()


def test_what_does_not_end_is_told() -> None:
    stuck = SshAdapter(spec(), FailingHost(done=Done(0, '{"left": [17]}')))
    with pytest.raises(Busy, match=r"processes \[17\] on lab do not end"):
        stuck.cancel(HANDLE)


def test_without_asyncssh_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("covalent_executors.hosts.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncssh", None)
    with pytest.raises(Refused, match=r"executor 'ssh' needs asyncssh.*covalent-serverless\[ssh\]"):
        adapter(spec(), lambda place: "key")
