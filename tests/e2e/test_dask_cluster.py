"""The Dask cluster of `covalent start`, with the real command, the real server and real workers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("distributed")
COVALENT = "from covalent._cli.main import main; main()"
WORKFLOW = """
import covalent as ct

@ct.electron(executor="dask")
def where():
    try:
        from distributed import get_worker
        return get_worker().address
    except ValueError:
        return "local"

@ct.lattice
def workflow():
    return where()

result = ct.get_result(ct.dispatch(workflow)(), wait=True)
print(result.result, result.error)
"""
PATIENCE = 120.0
"""Seconds; only a failing run waits so long."""
Covalent = Callable[..., str]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    folders = {"CONFIG_DIR": "config", "DATA_DIR": "data", "CACHE_DIR": "cache", "LOGDIR": "log"}
    own = {f"COVALENT_{name}": str(tmp_path / folder) for name, folder in folders.items()}
    found = {**os.environ, **own, "COVALENT_RESULTS_DIR": str(tmp_path / "results")}
    del found["COVALENT_DISABLE_DASK"]
    return found


@pytest.fixture
def covalent(environment: dict[str, str], tmp_path: Path) -> Iterator[Covalent]:
    """Run the command, or with "-c" a program, in a process of its own, and return what it printed."""

    def run(*words: str) -> str:
        program = words[1:] if words[0] == "-c" else (COVALENT, *words)
        done = subprocess.run(
            [sys.executable, "-c", *program],
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


def until(holds: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.2)  # other processes: there is no event to wait for
    return found


def of_the_cluster(folder: Path) -> list[psutil.Process]:
    """The processes of the cluster that keeps its state below a folder."""
    found = [
        each
        for each in psutil.process_iter(["cmdline"])
        if "covalent._cluster" in (line := " ".join(each.info["cmdline"] or ()))
        and str(folder) in line
    ]
    return [*found, *(child for each in found for child in each.children(recursive=True))]


def test_it_starts_after_the_server_and_goes_with_it(covalent: Covalent, tmp_path: Path) -> None:
    told = covalent("start", "-n", "2")
    assert "A Dask cluster of 2 workers is starting" in told.splitlines()[-1]
    until(lambda: "with 2 workers" in covalent("cluster", "--status"))
    assert covalent("cluster", "--size") == "2\n"
    lines = covalent("cluster", "--address").splitlines()
    assert [line.split()[0] for line in lines] == ["scheduler", "worker", "worker"]
    assert "tls://127.0.0.1:" in covalent("cluster", "--info")
    assert lines[0].split()[1] in covalent("status")
    config = (tmp_path / "config" / "covalent.conf").read_text()
    assert f'scheduler_address = "{lines[0].split()[1]}"' in config
    assert 'no_cluster = "false"' in config
    assert covalent("-c", WORKFLOW).startswith("tls://127.0.0.1:")
    assert covalent("cluster", "--scale", "1") == "The Dask cluster has 1 workers.\n"
    until(lambda: covalent("cluster", "--size") == "1\n")
    assert "have restarted" in covalent("cluster", "--restart")
    assert "scheduler:" in covalent("cluster", "--logs")
    keys = next((tmp_path / "data").rglob("dask/server.json"))
    assert keys.stat().st_mode & 0o077 == 0, "whoever has the keys can run anything"
    processes = of_the_cluster(tmp_path)
    assert len(processes) >= 2
    covalent("stop")
    until(lambda: not any(each.is_running() for each in processes))
    assert 'scheduler_address = ""' in (tmp_path / "config" / "covalent.conf").read_text()
    assert "starts with the server" in covalent("cluster")


def test_it_goes_with_a_server_that_is_killed(covalent: Covalent, tmp_path: Path) -> None:
    covalent("start", "-n", "1")
    until(lambda: "with 1 workers" in covalent("cluster"))
    processes = of_the_cluster(tmp_path)
    state = next((tmp_path / "data").rglob("workflow_data/server.json"))
    os.kill(int(state.read_text().partition('"pid": ')[2].partition(",")[0]), signal.SIGKILL)
    until(lambda: not any(each.is_running() for each in processes))
    assert "A Dask cluster of 1 workers is starting" in covalent("start", "-n", "1")
    assert "Dask" not in covalent("restart", "--no-cluster")
    assert covalent("-c", WORKFLOW).startswith("local None")
    assert of_the_cluster(tmp_path) == []
    assert "worker processes of the server" in covalent("cluster", "--status")
    assert "Dask" not in covalent("restart"), "as it was"
    assert "A Dask cluster" in covalent("restart", "--with-cluster")
