"""Who looks after an electron: when it ends it, and that nothing of it stays."""

import os
import select
import signal
import threading
from pathlib import Path

import pytest

from covalent_contracts.envelope import ELECTRON, TIME_LIMIT
from covalent_runner import processes
from covalent_runner.supervisor import OutOfTime, Terminated, Unwanted, supervise

from .conftest import Program

BUSY = """
import pathlib, subprocess
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
path = pathlib.Path(os.environ["PIDS"])
path.with_suffix(".part").write_text(f"{os.getpid()} {child.pid}")
path.with_suffix(".part").rename(path)
while True: pass  # the interpreter's lock is held as long as it lets one
"""


@pytest.fixture
def pids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a busy child writes its id and that of its own child."""
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    return tmp_path / "pids"


@pytest.fixture(autouse=True)
def _electron(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ELECTRON, "dispatch 3 1 token")
    monkeypatch.setenv(processes.MARK, "of who started the job")
    monkeypatch.delenv(TIME_LIMIT, raising=False)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("pass", 0),
        ("sys.exit(7)", 7),
        ("os.kill(os.getpid(), 9)", -9),
        (f"sys.exit({TIME_LIMIT!r} in os.environ)", 0),
        (f"sys.exit(os.environ[{ELECTRON!r}] != 'dispatch 3 1')", 0),
        (f"sys.exit(os.environ[{processes.MARK!r}] != 'of who started the job')", 0),
    ],
)
@pytest.mark.parametrize("limit", ["0", "60"])
def test_the_status_of_the_child(
    program: Program, monkeypatch: pytest.MonkeyPatch, limit: str, code: str, status: int
) -> None:
    monkeypatch.setenv(TIME_LIMIT, limit)
    program(code)
    assert supervise() == status


def test_it_ends_a_child_whose_time_is_up(
    program: Program, monkeypatch: pytest.MonkeyPatch, pids: Path
) -> None:
    monkeypatch.setenv(TIME_LIMIT, "3")
    program(BUSY)
    with pytest.raises(OutOfTime):
        supervise()
    assert have_ended(pids)


def test_it_ends_a_child_that_nobody_wants(program: Program, pids: Path) -> None:
    program(BUSY)
    with pytest.raises(Unwanted):
        supervise(lambda: not pids.exists(), pause=0.01)
    assert have_ended(pids)


def test_it_ends_its_child_when_the_job_is_stopped(program: Program, pids: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    program(BUSY)

    def stop() -> None:
        while not pids.exists():
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop).start()
    with pytest.raises(Terminated):
        supervise()
    assert have_ended(pids)
    assert signal.getsignal(signal.SIGTERM) is before


def have_ended(path: Path) -> bool:
    return all(has_ended(int(pid)) for pid in path.read_text().split())


def has_ended(pid: int) -> bool:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 30)[0])
    finally:
        os.close(process)
