import os
import select
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from covalent_localstack.containers import KILLED, OUT_OF_TIME, Container, Exit, Runtime

STARTED = """
import os, pathlib, subprocess, sys
apart = subprocess.Popen(["sleep", "600"], start_new_session=True)
path = pathlib.Path(sys.argv[1])
path.with_suffix(".part").write_text(f"{os.getpid()} {apart.pid}")
path.with_suffix(".part").rename(path)
apart.wait()
"""


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    made = Runtime(1, {"PATH": os.environ["PATH"], "COMMON": "all"})
    yield made
    made.close()


def nothing() -> None:
    pass


def ran(runtime: Runtime, *command: str, **variables: str) -> Exit:
    return runtime.run(Container(), command, variables, nothing)


def test_the_output_and_the_exit_code(runtime: Runtime) -> None:
    found = ran(runtime, "sh", "-c", "echo $COMMON $OWN; echo wrong >&2; exit 7", OWN="mine")
    assert found == Exit(7, "", "all mine\nwrong\n")


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


def _started(path: Path, ended: threading.Event) -> list[int]:
    while not path.exists():
        assert not ended.wait(0.01), "it has ended already"
    return [int(pid) for pid in path.read_text().split()]


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _await_end(pid: int) -> None:
    """Wait for a process that was killed: the kernel takes a moment."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([process], [], [], 10)[0], f"{pid} still runs"
    finally:
        os.close(process)


class _Running:
    """A container in a thread of its own, which has children."""

    def __init__(self, runtime: Runtime, folder: Path, limit: float = 0) -> None:
        self.container = Container()
        self.exit = Exit(0)
        self.ended = threading.Event()
        self._path = folder / "pids"

        def run() -> None:
            command = ["python", "-c", STARTED, str(self._path)]
            self.exit = runtime.run(self.container, command, {}, nothing, limit)
            self.ended.set()

        threading.Thread(target=run, daemon=True).start()

    @property
    def pids(self) -> list[int]:
        return _started(self._path, self.ended)


def test_it_is_ended_with_all_that_it_has_started(runtime: Runtime, tmp_path: Path) -> None:
    running = _Running(runtime, tmp_path)
    pids = running.pids
    runtime.end(running.container, "enough")
    runtime.end(running.container, "more than enough")
    assert running.ended.wait(20)
    assert running.exit == Exit(KILLED, "enough")
    assert not any(map(_is_alive, pids))


def test_its_time_is_up(runtime: Runtime, tmp_path: Path) -> None:
    running = _Running(runtime, tmp_path, limit=3)
    pids = running.pids
    assert running.ended.wait(20)
    assert running.exit == Exit(KILLED, OUT_OF_TIME)
    assert not any(map(_is_alive, pids))


def test_what_it_leaves_behind_is_ended(runtime: Runtime, tmp_path: Path) -> None:
    written = tmp_path / "pid"
    script = f"setsid sleep 600 > /dev/null 2>&1 & echo $! > {written}"
    assert ran(runtime, "sh", "-c", script).code == 0
    _await_end(int(written.read_text()))


def test_one_that_waits_for_room_can_be_ended(runtime: Runtime, tmp_path: Path) -> None:
    first = _Running(runtime, tmp_path)
    assert first.pids
    waiting = Container()
    begun: list[bool] = []
    found: list[Exit] = []

    def run() -> None:
        found.append(runtime.run(waiting, ["true"], {}, lambda: begun.append(True)))

    thread = threading.Thread(target=run)
    thread.start()
    runtime.end(waiting, "not wanted any more")
    thread.join(20)
    assert (found, begun) == ([Exit(KILLED, "not wanted any more")], [])
    runtime.end(first.container, "over")
    assert first.ended.wait(20)
    assert ran(runtime, "true").code == 0, "there is room again"


def test_one_that_was_ended_never_starts(runtime: Runtime) -> None:
    container = Container()
    container.end("before")
    assert runtime.run(container, ["true"], {}, nothing) == Exit(KILLED, "before")


def test_closing_ends_all(tmp_path: Path) -> None:
    runtime = Runtime(1, {"PATH": os.environ["PATH"]})
    running = _Running(runtime, tmp_path)
    pids = running.pids
    runtime.close()
    assert running.ended.wait(20)
    assert not any(map(_is_alive, pids))
    assert ran(runtime, "true").code == KILLED


def test_they_end_with_the_server(tmp_path: Path) -> None:
    """kill -9: nothing gets to tidy up."""
    import signal
    import subprocess

    pids = tmp_path / "pids"
    program = (
        "import os, sys\n"
        "from covalent_localstack.containers import Container, Runtime\n"
        "command = ['sh', '-c', f'echo $$ > {sys.argv[1]}; exec sleep 600']\n"
        "Runtime(1, dict(os.environ)).run(Container(), command, {}, lambda: None)\n"
    )
    server = subprocess.Popen([sys.executable, "-c", program, str(pids)])
    while not (pids.exists() and pids.read_text()):
        assert server.poll() is None
    (pid,) = map(int, pids.read_text().split())
    watched = os.pidfd_open(pid)
    server.send_signal(signal.SIGKILL)
    server.wait(20)
    import select

    assert select.select([watched], [], [], 20)[0]
    os.close(watched)
