"""Real processes that try to get away."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from covalent_runner import processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who started whom")

TREE = """
import os, subprocess, sys
plain = subprocess.Popen(["sleep", "600"])
own_session = subprocess.Popen(["sleep", "600"], start_new_session=True)
shell = subprocess.Popen(["sh", "-c", "sleep 600; true"])
orphan = subprocess.run(
    ["sh", "-c", "sleep 600 > /dev/null 2>&1 & echo $!"], stdout=subprocess.PIPE, start_new_session=True
)
print(plain.pid, own_session.pid, shell.pid, orphan.stdout.decode().strip(), flush=True)
sys.stdin.read()
"""


def has_ended(pid: int, seconds: float = 30.0) -> bool:
    """Whether it ends; a kill is not over when the call returns. Only a failing run waits so long."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], seconds)[0])
    finally:
        os.close(process)


def is_alive(pid: int) -> bool:
    return not has_ended(pid, 0)


def started(mark: str) -> tuple[subprocess.Popen[str], list[int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", TREE],
        env={**os.environ, processes.MARK: mark},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, [int(pid) for pid in process.stdout.readline().split()]


def test_children_sessions_and_orphans_are_ended_and_nobody_else() -> None:
    mine, theirs = started("mine"), started("theirs")
    try:
        assert all(map(is_alive, (*mine[1], *theirs[1])))
        processes.end([mine[0].pid], ["mine"])
        assert all(map(has_ended, mine[1]))
        assert is_alive(mine[0].pid)
        assert all(map(is_alive, theirs[1]))
    finally:
        for process, _ in (mine, theirs):
            processes.end([process.pid], ["mine", "theirs"])
            process.communicate()


def test_without_a_mark_descendants_are_ended() -> None:
    process, (plain, own_session, shell, orphan) = started("unnamed")
    try:
        processes.end([process.pid])
        assert all(map(has_ended, (plain, own_session, shell)))
        assert is_alive(orphan)
    finally:
        processes.end([process.pid], ["unnamed"])
        process.communicate()
    assert has_ended(orphan)


def test_nothing_to_end_is_fine() -> None:
    gone = subprocess.run(["true"], check=True)
    assert gone.returncode == 0
    processes.end([])
    processes.end([2**22 + 1], ["nobody"])


def test_a_worker_is_held_as_long_as_somebody_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(processes.FOLDER, str(tmp_path))
    monkeypatch.setenv(processes.MARK, "mine")
    one, two = object(), object()
    processes.hold(one)
    processes.hold(two)
    processes.let_go(one)
    processes.let_go(one)
    assert processes.is_held(str(tmp_path), "mine")
    assert not processes.is_held(str(tmp_path), "other")
    processes.let_go(two)
    assert not processes.is_held(str(tmp_path), "mine")
    monkeypatch.delenv(processes.MARK)
    processes.hold(one)  # on AWS nobody ends processes from outside
    processes.let_go(one)
    assert list(tmp_path.iterdir()) == []
