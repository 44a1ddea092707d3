"""The program that looks after a job, on this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from covalent_executors.hosts import keeper

TIMEOUT = 30.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / f"job-{os.getpid()}-{time.monotonic_ns()}"
    made.mkdir()
    return made


def keep(verb: str, folder: Path, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-I", keeper.__file__, verb, str(folder), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def start(folder: Path, program: str, seconds: float = 0) -> dict[str, Any]:
    return keep("start", folder, folder.name, str(seconds), sys.executable, "-c", program)


def ended(folder: Path) -> dict[str, Any]:
    deadline = time.monotonic() + TIMEOUT
    while "running" in (found := keep("look", folder)):
        assert time.monotonic() < deadline
        time.sleep(0.02)  # processes of others
    return found


def sleeper(folder: Path) -> int:
    """Start a job that sleeps; its process."""
    start(
        folder,
        "import os, time; open('p', 'w').write(str(os.getpid())); os.rename('p', 'me'); time.sleep(600)",
    )
    deadline = time.monotonic() + TIMEOUT
    while not (folder / "me").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # as above
    return int((folder / "me").read_text())


@pytest.mark.parametrize(
    ("program", "status"), [("", 0), ("raise SystemExit(3)", 3), ("import os; os.abort()", -6)]
)
def test_how_a_job_ends(folder: Path, program: str, status: int) -> None:
    assert start(folder, program) == {}
    told = ended(folder)["exit"]
    assert (told["status"], told["overdue"]) == (status, False)


def test_what_it_writes_is_kept(folder: Path) -> None:
    start(folder, "import sys; print('out'); sys.stdout.flush(); print('err', file=sys.stderr)")
    ended(folder)
    assert (folder / "log").read_text() == "out\nerr\n"


def test_a_job_is_started_once(folder: Path) -> None:
    for _ in range(3):
        start(folder, "open('times', 'a').write('x')")
    ended(folder)
    assert (folder / "times").read_text() == "x"


def test_a_program_that_is_not_there(folder: Path) -> None:
    keep("start", folder, folder.name, "0", "/nosuch/python")
    assert "No such file" in ended(folder)["exit"]["error"]


def test_cancelled_before_it_was_started_it_never_starts(folder: Path) -> None:
    assert keep("cancel", folder) == {"left": []}
    start(folder, "open('ran', 'w')")
    assert keep("look", folder) == {"gone": "cancelled"}
    assert not (folder / "ran").exists()


def test_cancel_ends_it(folder: Path) -> None:
    pid = sleeper(folder)
    assert keep("look", folder) == {"running": True}
    assert keep("cancel", folder) == {"left": []}
    assert keep("look", folder)["exit"]["status"] == -signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert keep("cancel", folder) == {"left": []}


def test_what_takes_no_notice_of_a_polite_end_is_killed(folder: Path) -> None:
    program = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "open('p', 'w').write(str(os.getpid())); os.rename('p', 'me'); time.sleep(600)"
    )
    start(folder, program, 0.2)
    assert ended(folder)["exit"]["overdue"]
    assert keep("look", folder)["exit"]["status"] == -signal.SIGKILL


def test_its_session_is_its_own_and_signals_are_as_usual(folder: Path) -> None:
    program = (
        "import json, os, signal; open('told', 'w').write(json.dumps([os.getsid(0), "
        "signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, os.environ['COVALENT_JOB']]))"
    )
    start(folder, program)
    ended(folder)
    session, is_default, name = json.loads((folder / "told").read_text())
    assert session == json.loads((folder / "pid").read_text())["pid"] != os.getsid(0)
    assert (is_default, name) == (True, folder.name)


def test_another_process_with_its_number_is_not_taken_for_it(folder: Path) -> None:
    sleeper(folder)
    keep("cancel", folder)
    (folder / "exit").unlink()
    known = json.loads((folder / "pid").read_text())
    (folder / "pid").write_text(json.dumps({**known, "pid": os.getpid()}))
    assert keep("look", folder) == {"gone": "killed"}
    assert keep("cancel", folder) == {"left": []}  # and this process lives


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    assert keep("look", tmp_path / "gone") == {"gone": "folder"}
    assert keep("cancel", tmp_path / "gone") == {"left": []}


def test_one_that_nobody_has_started(folder: Path) -> None:
    assert keep("look", folder) == {}
