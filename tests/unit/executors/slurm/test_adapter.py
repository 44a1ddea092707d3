"""The adapter of Slurm, with this machine for the login node and small programs for Slurm's."""

import os
from pathlib import Path
from typing import Any

import pytest
from tests.remote.programs import job
from tests.unit.executors.hosts.local_host import FailingHost, LocalHost

from covalent_executors.adapter import Busy, Refused, Sighting, State
from covalent_executors.hosts.host import Done
from covalent_executors.slurm.adapter import SlurmAdapter
from covalent_executors.slurm.spec import SlurmSpec

LOGIN = {"username": "user", "address": "lab"}
COMMANDS = {
    "sbatch": 'echo "$*" >> "$HOME/submitted"; echo "${ANSWER-42;cluster}"',
    "squeue": 'cat "$HOME/queued" 2> /dev/null',
    "scontrol": 'cat "$HOME/state"',
    "sacct": 'cat "$HOME/accounted" 2> /dev/null',
    "scancel": 'echo "$*" >> "$HOME/cancelled"',
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    for name, body in COMMANDS.items():
        command(tmp_path, name, body)
    return tmp_path


def command(home: Path, name: str, body: str) -> None:
    (home / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
    (home / "bin" / name).chmod(0o700)


def reached(home: Path, **settings: Any) -> SlurmAdapter:
    spec = SlurmSpec.model_validate({**LOGIN, "slurm_path": "~/bin", **settings})
    return SlurmAdapter(spec, LocalHost({"PATH": os.environ["PATH"], "HOME": str(home)}))


def test_what_is_submitted(home: Path) -> None:
    handle = reached(home).submit(job("c-1-0-0"))
    folder = home / "covalent-workdir" / "c-1-0-0"
    assert handle == {"job": "42", "folder": str(folder)}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in folder.iterdir()) == [
        *("job", "python", "refusal", "runner.pyz", "submit.sh", "ticket.json"),
    ]
    assert (folder.parent / "workflow_script.py").exists()
    assert f"python {folder.parent}/workflow_script.py\n" in (folder / "submit.sh").read_text()
    assert (home / "submitted").read_text().startswith("--parsable --job-name=c-1-0-0 ")


def test_it_is_submitted_once(home: Path) -> None:
    for _ in range(2):
        assert reached(home).submit(job("c-1-0-0"))["job"] == "42"
    assert len((home / "submitted").read_text().splitlines()) == 1


def test_one_that_is_in_the_queue_is_found_by_its_name(home: Path) -> None:
    (home / "queued").write_text("17\n")
    assert reached(home).submit(job("c-1-0-0"))["job"] == "17"
    assert not (home / "submitted").exists()


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        ("invalid partition specified: gpu", Refused, "no partition 'gpu'"),
        ("Unable to contact slurm controller (connect failure)", Busy, "does not answer"),
    ],
)
def test_what_sbatch_refuses(home: Path, said: str, kind: type[Exception], told: str) -> None:
    command(home, "sbatch", f"echo 'sbatch: error: {said}' >&2; exit 1")
    cluster = reached(home, options={"partition": "gpu"})
    with pytest.raises(kind, match=told):
        cluster.submit(job("c-1-0-0"))
    command(home, "sbatch", COMMANDS["sbatch"])
    assert cluster.submit(job("c-1-0-0"))["job"] == "42"


HANDLE = {"job": "42", "folder": "/nosuch"}


@pytest.mark.parametrize(
    ("state", "accounted", "sighting"),
    [
        ("JobId=42 JobState=RUNNING Reason=None", "", Sighting(State.RUNNING)),
        ("JobId=42 JobState=COMPLETED", "", Sighting(State.ENDED)),
        ("error: Invalid job id specified", "TIMEOUT|0:0|None", None),
        (
            "error: Invalid job id specified",
            "",
            Sighting(State.ENDED, "Slurm does not know the job any more"),
        ),
    ],
)
def test_how_a_job_stands(
    home: Path, state: str, accounted: str, sighting: Sighting | None
) -> None:
    (home / "state").write_text(f"{state}\n")
    (home / "accounted").write_text(f"{accounted}\n")
    found = reached(home).look(HANDLE)
    if sighting is None:
        assert "time limit" in found.cause
    else:
        assert found == sighting


def test_a_controller_that_does_not_answer(home: Path) -> None:
    (home / "state").write_text("slurm_load_jobs error: Unable to contact slurm controller\n")
    with pytest.raises(Busy, match="controller does not answer"):
        reached(home).look(HANDLE)


def test_what_would_wait_for_ever_is_cancelled(home: Path) -> None:
    (home / "state").write_text("JobId=42 JobState=PENDING Reason=BadConstraints Partition=gpu\n")
    assert reached(home).look(HANDLE).state is State.ENDED
    assert (home / "cancelled").read_text() == "42\n"


@pytest.mark.parametrize(
    ("word", "cause"),
    [
        (
            "python 3.9 /usr/bin/python",
            "the node has Python 3.9 (/usr/bin/python), not the version",
        ),
        ("conda", "cannot activate the Conda environment 'lab'"),
        ("missing", "the node has no Python"),
    ],
)
def test_what_the_node_lacks(home: Path, word: str, cause: str) -> None:
    (home / "state").write_text("JobId=42 JobState=FAILED ExitCode=78:0\n")
    (home / "refused").write_text(word)
    found = reached(home, conda_env="lab").look({"job": "42", "folder": str(home)})
    assert cause in found.cause


def test_cancel_is_harmless_twice(home: Path) -> None:
    command(home, "scancel", "echo 'scancel: error: Invalid job id specified' >&2; exit 1")
    reached(home).cancel(HANDLE)


def test_cancel_that_fails_is_told(home: Path) -> None:
    command(home, "scancel", "echo 'Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(Busy, match="does not answer"):
        reached(home).cancel(HANDLE)


def test_cleaning_removes_the_folder_or_the_ticket(home: Path) -> None:
    kept, removed = reached(home, cleanup=False), reached(home)
    handle = kept.submit(job("c-1-0-0"))
    folder = Path(handle["folder"])
    kept.clean(handle)
    assert (folder / "runner.pyz").exists()
    assert not (folder / "ticket.json").exists()
    removed.clean(handle)
    assert not folder.exists()
    assert (folder.parent / "workflow_script.py").exists()


def test_a_host_without_slurm() -> None:
    spec = SlurmSpec.model_validate({**LOGIN, "slurm_path": "~/bin"})
    lacking = SlurmAdapter(spec, FailingHost(done=Done(0, "lack=sbatch\n")))
    with pytest.raises(Refused, match="lab has no sbatch in ~/bin: check slurm_path"):
        lacking.submit(job("c-1-0-0"))


def test_a_folder_that_cannot_be_made(home: Path) -> None:
    (home / "file").touch()
    with pytest.raises(
        Refused, match="folder ~/file/x cannot be made on lab: check remote_workdir"
    ):
        reached(home, remote_workdir="~/file/x").submit(job("c-1-0-0"))


@pytest.mark.parametrize(
    "line",
    [
        "slurmstepd-n17: error: StepId=2.0 exceeded memory limit (139878400 > 104857600), being killed",
        "slurmstepd-n17: error: Exceeded job memory limit",
        "slurmstepd: error: Exceeded step memory limit at some point.",
        "slurmstepd-n17: error: Detected 1 oom-kill event(s) in StepId=2.0. Some of your processes may have been"
        " killed by the cgroup out-of-memory handler.",
        "slurmstepd: error: Detected 1 oom_kill event in StepId=2.batch. Some of the step tasks have been OOM Killed.",
        "srun: error: n17: task 0: Out Of Memory",
    ],
)
def test_memory_that_only_the_log_tells_of(home: Path, line: str) -> None:
    """With srun and cgroups the state is FAILED, the exit code 1; the first, second, fourth and last line are a real
    Slurm's."""
    (home / "state").write_text("JobId=42 JobState=FAILED ExitCode=1:0 MinMemoryNode=100M\n")
    (home / "log").write_text(f"begun\n{line}\nsrun: error: n17: task 0: Killed\n")
    found = reached(home).look({"job": "42", "folder": str(home)})
    assert found.cause.startswith("out of memory: ask for more than 100M")


@pytest.mark.parametrize(
    "line",
    [
        "MemoryError: Out Of Memory",
        "slurmstepd: error: *** JOB 3 ON n17 CANCELLED AT 2026-11-23T03:17:21 DUE TO PREEMPTION ***",
        "srun: error: n17: task 0: Exited with exit code 1",
    ],
)
def test_a_log_that_tells_nothing_of_memory(home: Path, line: str) -> None:
    (home / "state").write_text("JobId=42 JobState=FAILED ExitCode=1:0\n")
    (home / "log").write_text(f"{line}\n")
    found = reached(home).look({"job": "42", "folder": str(home)})
    assert found == Sighting(State.ENDED, "it ended with exit status 1")
