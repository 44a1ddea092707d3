"""Containers and machines of the offline AWS: what they find, how they end, and that nothing of them stays."""

import base64
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_localstack import programs
from covalent_localstack.ec2 import script_of
from covalent_localstack.programs import KILLED, OUT_OF_TIME, Exit, Program, Runtime

TIMEOUT = 30.0
"""Seconds; only a failing run waits so long."""
STARTED = """
import os, subprocess, sys
apart = subprocess.Popen(["sleep", "600"], start_new_session=True)
with open(sys.argv[1], "w") as file:
    file.write(f"{os.getpid()} {apart.pid}")
apart.wait()
"""
SERVER = """
import os, pathlib, sys
from covalent_localstack.programs import Program, Runtime
runtime = Runtime(1, dict(os.environ), pathlib.Path(os.devnull))
runtime.run(Program(), ["sh", "-c", f"echo $$ > {sys.argv[1]}; exec sleep 600"], {})
"""


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime(1, {"PATH": os.environ["PATH"], "COMMON": "all"}, tmp_path / "log")
    yield made
    made.close()


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def ran(runtime: Runtime, *command: str, **variables: str) -> Exit:
    return runtime.run(Program(), command, variables)


class Running:
    """A program in a thread of its own, which says something once it runs.

    Args:
        command: writes into the FIFO.

    """

    def __init__(
        self,
        runtime: Runtime,
        fifo: Path,
        *command: str,
        is_machine: bool = False,
        limit: float = 0,
    ) -> None:
        self.program = Program(is_machine=is_machine)
        self._exit = Exit(-1)

        def run() -> None:
            self._exit = runtime.run(self.program, command, {}, limit=limit)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        self.said = fifo.read_text().split()

    @property
    def exit(self) -> Exit:
        """How it ended, once it has."""
        self._thread.join(TIMEOUT)
        return self._exit


def started(runtime: Runtime, fifo: Path, *, is_machine: bool = False, limit: float = 0) -> Running:
    """A program that has started another one in a session apart; it says the ids of both."""
    command = ("python", "-c", STARTED, str(fifo))
    return Running(runtime, fifo, *command, is_machine=is_machine, limit=limit)


def have_ended(pids: list[str]) -> bool:
    return all(map(has_ended, map(int, pids)))


def has_ended(pid: int) -> bool:
    """Wait for a process that was killed: the kernel takes a moment."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], TIMEOUT)[0])
    finally:
        os.close(process)


def test_the_output_and_the_exit_code(runtime: Runtime) -> None:
    found = ran(runtime, "sh", "-c", "echo $COMMON $OWN; echo wrong >&2; exit 7", OWN="mine")
    assert found == Exit(7, "", "all mine\nwrong\n")


def test_machines_write_into_a_log_and_work_in_a_folder(runtime: Runtime, tmp_path: Path) -> None:
    with runtime.folder() as folder:
        command = ("sh", "-c", "echo $COMMON $OWN; pwd")
        machine = Program(is_machine=True)
        assert runtime.run(machine, command, {"OWN": "mine"}, folder=folder) == Exit(0)
    assert (tmp_path / "log").read_text() == f"all mine\n{folder}\n"
    assert not folder.exists()


def test_python_is_this_one(runtime: Runtime) -> None:
    assert ran(runtime, "python", "-c", "import sys; print(sys.executable)").output == (
        f"{sys.executable}\n"
    )


def test_a_command_that_is_not_there(runtime: Runtime) -> None:
    found = ran(runtime, "no-such-command")
    assert found.code == 127
    assert "CannotStartContainerError" in found.output


def test_one_that_is_killed(runtime: Runtime) -> None:
    assert ran(runtime, "sh", "-c", "kill -9 $$").code == KILLED


def test_only_the_end_of_much_output_is_kept(runtime: Runtime) -> None:
    found = ran(runtime, "python", "-c", "print('x' * 200000 + 'end')")
    assert len(found.output) == 64 * 1024
    assert found.output.endswith("end\n")


def test_it_is_ended_with_all_that_it_has_started(runtime: Runtime, fifo: Path) -> None:
    running = started(runtime, fifo)
    runtime.end(running.program, "enough")
    runtime.end(running.program, "more than enough")
    assert running.exit == Exit(KILLED, "enough")
    assert have_ended(running.said)


@pytest.mark.parametrize("is_machine", [False, True])
def test_its_time_is_up(runtime: Runtime, fifo: Path, is_machine: bool) -> None:
    running = started(runtime, fifo, is_machine=is_machine, limit=3)
    assert running.exit.reason == OUT_OF_TIME
    assert have_ended(running.said)


@pytest.mark.parametrize("is_machine", [False, True])
def test_what_it_leaves_behind_is_ended(runtime: Runtime, tmp_path: Path, is_machine: bool) -> None:
    written = tmp_path / "pid"
    script = f"setsid sleep 600 > /dev/null 2>&1 & echo $! > {written}"
    assert runtime.run(Program(is_machine=is_machine), ["sh", "-c", script], {}).code == 0
    assert have_ended(written.read_text().split())


def test_a_machine_may_shut_down(runtime: Runtime, fifo: Path, tmp_path: Path) -> None:
    text = f"trap 'echo bye > {tmp_path}/bye; exit 3' TERM; echo ready > {fifo}; sleep 600 & wait"
    running = Running(runtime, fifo, "sh", "-c", text, is_machine=True)
    runtime.end(running.program, "enough")
    assert running.exit.code in (3, KILLED), "the launcher may be killed with it"
    assert (tmp_path / "bye").read_text() == "bye\n"


def test_a_machine_that_does_not_listen_is_killed(
    runtime: Runtime, fifo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "GRACE", 0.2)
    text = f"trap '' TERM; echo $$ > {fifo}; while :; do sleep 1; done"
    running = Running(runtime, fifo, "sh", "-c", text, is_machine=True)
    runtime.end(running.program, "enough")
    assert have_ended(running.said)
    assert running.exit == Exit(KILLED, "enough")


def test_one_that_waits_for_room_can_be_ended(runtime: Runtime, fifo: Path) -> None:
    first = started(runtime, fifo)
    waiting = Program()
    begun: list[bool] = []
    found: list[Exit] = []

    def run() -> None:
        found.append(runtime.run(waiting, ["true"], {}, begun=lambda: begun.append(True)))

    thread = threading.Thread(target=run)
    thread.start()
    runtime.end(waiting, "not wanted any more")
    thread.join(TIMEOUT)
    assert (found, begun) == ([Exit(KILLED, "not wanted any more")], [])
    runtime.end(first.program, "over")
    assert first.exit.reason == "over"
    assert ran(runtime, "true").code == 0, "there is room again"


def test_a_machine_waits_for_no_room_and_takes_none(runtime: Runtime, fifo: Path) -> None:
    machine = started(runtime, fifo, is_machine=True)
    container = started(runtime, fifo)
    assert runtime.run(Program(is_machine=True), ["true"], {}) == Exit(0)
    for each in (machine, container):
        runtime.end(each.program, "enough")
        assert each.exit.reason == "enough"


def test_one_that_was_ended_never_starts(runtime: Runtime) -> None:
    program = Program()
    program.end("before")
    assert runtime.run(program, ["true"], {}) == Exit(KILLED, "before")


def test_one_that_is_ended_when_its_turn_comes_does_not_start(runtime: Runtime) -> None:
    program = Program(is_machine=True)
    ended = runtime.run(program, ["true"], {}, begun=lambda: program.end("just now"))
    assert ended == Exit(KILLED, "just now")


@pytest.mark.parametrize("is_machine", [False, True])
def test_closing_ends_all(runtime: Runtime, fifo: Path, is_machine: bool) -> None:
    running = started(runtime, fifo, is_machine=is_machine)
    runtime.close()
    assert running.exit == Exit(KILLED, "the server was stopped")
    assert have_ended(running.said)
    assert ran(runtime, "true").code == KILLED


def test_they_end_with_the_server(fifo: Path) -> None:
    """kill -9: nothing gets to tidy up."""
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(fifo)])
    pids = fifo.read_text().split()
    server.send_signal(signal.SIGKILL)
    server.wait(TIMEOUT)
    assert have_ended(pids)


def test_nothing_starts_without_a_server() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        programs.current()


@given(st.text(), st.integers(0, 3))
def test_a_script_is_found_however_often_it_was_encoded(text: str, times: int) -> None:
    script = f"#!{text}"
    data = script.encode()
    for _ in range(times):
        data = base64.b64encode(data)
    assert script_of(data.decode()) == script


@pytest.mark.parametrize("data", ["", "no script", "bm8gc2NyaXB0"])
def test_other_user_data_is_no_script(data: str) -> None:
    assert script_of(data) == ""
