"""Electrons whose jobs a real Slurm ends: their status, their cause, and whether they are tried again.

All that wait for something of Slurm's are dispatched at once, because it looks at time limits twice a minute.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from tests.remote.serving import login
from tests.remote.slurm import Slurm
from tests.running import Server
from tests.sshd import Host

import covalent as ct
from covalent.executor import SlurmExecutor

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no job can import the tests

TIMEOUT = 240.0
"""Seconds; only a failing run waits so long. Seven interpreters start at once."""
MEMORY = {"mem": "200M", "acctg-freq": 1}
"""Room for the runner; Slurm looks each second whether it is enough."""


def hoard(folder: str) -> int:
    """Count the tries in a file, and take more memory than there is."""
    with Path(folder, "tries").open("a") as tries:
        tries.write("x")
    taken = bytes(500_000_000).replace(b"\0", b"\1")
    time.sleep(600)
    return len(taken)


def wait(folder: str) -> str:
    """Tell which job this is, and wait, unless one was before it."""
    import os

    begun = Path(folder, "job")
    if begun.exists():
        return "tried again"
    Path(folder, "job.new").write_text(os.environ["SLURM_JOB_ID"])
    Path(folder, "job.new").rename(begun)
    time.sleep(600)
    return "never"


@dataclass(frozen=True)
class Cluster:
    """Dispatches electrons to Slurm, each with a folder of its own."""

    settings: dict[str, Any]
    folders: pytest.TempPathFactory

    def dispatched(
        self, function: Callable[[str], Any], retries: int = 0, **settings: Any
    ) -> tuple[str, Path]:
        folder = self.folders.mktemp("electron")
        electron = ct.electron(executor=SlurmExecutor(**self.settings, **settings, retries=retries))
        dispatch_id = ct.dispatch(ct.lattice(electron(function)))(str(folder))
        return dispatch_id, folder


@pytest.fixture(scope="module")
def cluster(server: Server, login_node: Host, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    reached = {"address": "127.0.0.1", "remote_workdir": str(login_node.folder), "poll_freq": 1}
    return Cluster({**login(login_node), **reached}, tmp_path_factory)


GIVE_WAY = [("cancels", 0), ("requeues", 0), ("requeues", 1)]
CPUS_EACH, CPUS_OF_ALL = 8, 26
"""Of 32: with three other jobs beside them, nothing less than all that give way is enough."""


@pytest.fixture(scope="module")
def begun(cluster: Cluster) -> dict[Any, tuple[str, Path]]:
    """The electrons, side by side."""
    one_of_many = {"srun_options": {"ntasks": 1}}
    return {
        "time": cluster.dispatched(wait, options={"time": "00:05:00"}),
        True: cluster.dispatched(hoard, retries=1, options=MEMORY),
        False: cluster.dispatched(hoard, use_srun=False, options=MEMORY),
        "deadline": cluster.dispatched(
            wait, options={"partition": "down", "time": 1, "deadline": "now+65"}
        ),
        "node": cluster.dispatched(wait, options={"partition": "cloud", "mem": 100}),
        **{
            (partition, retries): cluster.dispatched(
                wait, retries, options={"partition": partition, "n": CPUS_EACH}, **one_of_many
            )
            for partition, retries in GIVE_WAY
        },
    }


def job(slurm: Slurm, folder: Path) -> str:
    """The job that waits."""
    deadline = time.monotonic() + TIMEOUT
    while not (folder / "job").exists():
        assert time.monotonic() < deadline, slurm.command("scontrol", "show", "jobs")
        time.sleep(0.05)  # a file of another process: there is no event to wait for
    return (folder / "job").read_text()


def failed(dispatch_id: str) -> str:
    """Why it failed."""
    result = ct.get_result(dispatch_id, wait=True)
    node = result.get_node_result(0)
    assert (result.status, node["status"]) == ("FAILED", "FAILED")
    return str(node["error"])


@pytest.fixture(scope="module")
def ending(slurm: Slurm, begun: dict[Any, tuple[str, Path]]) -> dict[Any, tuple[str, Path]]:
    """Once a job of higher priority has come, and another one's time is over.

    Slurm counts time in minutes; an administrator may set the second at which a job must have ended.
    """
    slurm.command("scontrol", "update", f"JobId={job(slurm, begun['time'][1])}", "EndTime=now+1")
    for each in GIVE_WAY:
        job(slurm, begun[each][1])
    urgent = ["--partition=urgent", f"--ntasks={CPUS_OF_ALL}", "--mem=1", "--output=/dev/null"]
    deadline = time.monotonic() + TIMEOUT
    while "Submitted" not in (said := slurm.command("sbatch", *urgent, "--wrap=sleep 1")):
        assert time.monotonic() < deadline, said  # a controller that has much to do answers late
    return begun


@pytest.mark.parametrize("partition", ["cancels", "requeues"])
def test_one_that_gives_way(ending: dict[Any, tuple[str, Path]], partition: str) -> None:
    error = failed(ending[partition, 0][0])
    assert f"a job of higher priority took its place in the partition '{partition}'" in error
    assert "let it be tried again, as with retries=3" in error
    assert "DUE TO PREEMPTION" in error, "what Slurm has written itself"


def test_it_is_tried_again(ending: dict[Any, tuple[str, Path]]) -> None:
    result = ct.get_result(ending["requeues", 1][0], wait=True)
    assert (result.error, result.result) == (None, "tried again")


@pytest.mark.parametrize(("use_srun", "tries"), [(True, "xx"), (False, "x")])
def test_one_that_takes_too_much_memory(
    ending: dict[Any, tuple[str, Path]], use_srun: bool, tries: str
) -> None:
    dispatch_id, folder = ending[use_srun]
    error = failed(dispatch_id)
    assert "out of memory: ask for more than 200M, as with options={'mem': '8G'}" in error
    assert "exceeded memory limit" in error, "what Slurm has written itself"
    assert (folder / "tries").read_text() == tries


def test_a_node_that_does_not_come(ending: dict[Any, tuple[str, Path]]) -> None:
    assert "the node rented failed or did not start: try again" in failed(ending["node"][0])


def test_the_time_of_a_job_is_over(ending: dict[Any, tuple[str, Path]]) -> None:
    error = failed(ending["time"][0])
    assert "it reached the time limit that Slurm had for it, 00:0" in error
    assert "as with options={'time': '02:00:00'}, if the partition 'debug' allows it" in error
    assert "DUE TO TIME LIMIT" in error, "what Slurm has written itself"


def test_one_that_has_waited_too_long(ending: dict[Any, tuple[str, Path]]) -> None:
    """Its deadline is too near for the minute that it asks for."""
    error = failed(ending["deadline"][0])
    assert "it had not ended, or could not have, by its deadline" in error
