"""The program is its own child here: without the variable it does what its arguments say."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from covalent_contracts.envelope import TIME_LIMIT
from covalent_runner.supervisor import TIMED_OUT

PROGRAM = """
import os, sys
from covalent_contracts.envelope import TIME_LIMIT
from covalent_runner import supervisor
if TIME_LIMIT in os.environ:
    sys.exit(supervisor.supervise())
exec(sys.argv[1])
"""
SLEEP = """
import pathlib, subprocess, sys
child = subprocess.Popen(["sleep", "600"])
path = pathlib.Path(sys.argv[2])
path.with_suffix(".part").write_text(f"{os.getpid()} {child.pid}")
path.with_suffix(".part").rename(path)
while True: pass  # the interpreter's lock is held as long as it lets one
"""


def start(limit: str, code: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROGRAM, code, *arguments]
    return subprocess.Popen(command, env={**os.environ, TIME_LIMIT: limit})


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", 0),
        ("sys.exit(7)", 7),
        ("os.kill(os.getpid(), 9)", 137),
        (f"sys.exit(int({TIME_LIMIT!r} in os.environ))", 0),
    ],
)
@pytest.mark.parametrize("limit", ["0", "60"])
def test_it_exits_as_its_child(limit: str, code: str, expected: int) -> None:
    assert start(limit, code).wait(30) == expected


def test_it_ends_a_child_whose_time_is_up(tmp_path: Path) -> None:
    assert start("3", SLEEP, str(tmp_path / "pids")).wait(30) == TIMED_OUT
    assert all(map(has_ended, pids_in(tmp_path / "pids")))


def test_it_ends_its_child_when_the_job_is_stopped(tmp_path: Path) -> None:
    process = start("0", SLEEP, str(tmp_path / "pids"))
    while not (tmp_path / "pids").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    assert all(map(has_ended, pids_in(tmp_path / "pids")))


def pids_in(path: Path) -> list[int]:
    return [int(pid) for pid in path.read_text().split()]


def has_ended(pid: int) -> bool:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 30)[0])
    finally:
        os.close(process)
