"""The `covalent` command with the real server, as a newcomer uses it: in a shell, with a workflow in a file."""

import json
import os
import pty
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Covalent = Callable[..., str]
COVALENT = "from covalent._cli.main import main; main()"
WORKFLOW = """
import covalent as ct

@ct.electron
def double(x):
    return 2 * x

@ct.lattice
def workflow(x):
    return double(double(x))

print(ct.dispatch_sync(workflow)(5).result)
"""
LOOK = """
import sys, covalent as ct
from covalent._shared_files.exceptions import MissingLatticeRecordError
try:
    print(ct.get_result(sys.argv[1]).result)
except MissingLatticeRecordError as exc:
    print(type(exc).__name__)
"""
PATIENCE = 120.0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    folders = {"CONFIG_DIR": "config", "DATA_DIR": "data", "CACHE_DIR": "cache", "LOGDIR": "log"}
    own = {f"COVALENT_{name}": str(tmp_path / folder) for name, folder in folders.items()}
    return {**os.environ, **own, "COVALENT_RESULTS_DIR": str(tmp_path / "results")}


@pytest.fixture
def covalent(environment: dict[str, str], tmp_path: Path) -> Iterator[Covalent]:
    """Run the command in a shell of its own and return what it printed."""

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", COVALENT, *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    yield run
    run("stop")


@pytest.fixture
def python(environment: dict[str, str], tmp_path: Path) -> Callable[..., str]:
    """Run a program of the user's."""

    def run(program: str, *words: str) -> str:
        path = tmp_path / "program.py"
        path.write_text(program)
        command = [sys.executable, str(path), *words]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    return run


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def port_in(text: str) -> int:
    found = re.search(r":(\d{2,5})\b", text)
    assert found, text
    return int(found[1])


def test_start_dispatch_stop_start_purge(
    covalent: Covalent, python: Callable[..., str], tmp_path: Path
) -> None:
    port = free_port()
    assert port_in(covalent("start", "--no-cluster", "-p", str(port))) == port
    config = tmp_path / "config" / "covalent.conf"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    state_file = tmp_path / "data" / "workflow_data" / "server.json"
    state = json.loads(state_file.read_text())
    again = covalent("start")
    assert port_in(again) == port
    assert json.loads(state_file.read_text()) == state, "not the same server"

    assert python(WORKFLOW) == "20"
    assert str(port) in covalent("status")
    assert covalent("logs") is not None
    assert "token" in covalent("config")

    covalent("restart")
    assert python(WORKFLOW) == "20"
    covalent("stop")
    assert not (tmp_path / "data" / "workflow_data" / "server.json").exists()
    covalent("purge", "-H", "-y")
    assert not (tmp_path / "data" / "workflow_data").exists()
    assert not config.exists()


def test_results_survive_a_stop_and_not_a_hard_purge(
    covalent: Covalent, python: Callable[..., str]
) -> None:
    covalent("start", "-p", str(free_port()), "-n", "1")
    dispatch_id = python(WORKFLOW.replace("5).result)", "5).dispatch_id)"))
    covalent("stop")
    covalent("start")
    assert python(LOOK, dispatch_id) == "20"
    covalent("purge", "-H", "-y")
    covalent("start", "-p", str(free_port()))
    assert python(LOOK, dispatch_id) == "MissingLatticeRecordError"


def test_a_taken_port_is_named_and_the_next_free_one_taken(
    covalent: Covalent, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        told = covalent("start", "-p", str(port))
        assert str(port) in told
        state = json.loads((tmp_path / "data" / "workflow_data" / "server.json").read_text())
        assert state["port"] > port
        assert str(state["port"]) in told


def test_the_server_outlives_its_terminal(
    environment: dict[str, str], covalent: Covalent, python: Callable[..., str], tmp_path: Path
) -> None:
    """`covalent start` in a terminal that is then closed: everything in it gets SIGHUP."""
    shell, terminal = pty.openpty()
    process = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import os, fcntl, signal, termios, sys, time; signal.signal(signal.SIGHUP, signal.SIG_DFL);"
            "os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
            "os.system(sys.argv[1]); print('started', flush=True); time.sleep(600)",
            f"{sys.executable} -c '{COVALENT}' start -p {free_port()}",
        ],
        env=environment,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    seen = b""
    while b"started\r" not in seen:
        seen += os.read(shell, 4096)
    os.close(shell)  # the terminal is gone
    assert process.wait(PATIENCE) == -signal.SIGHUP
    assert python(WORKFLOW) == "20"
