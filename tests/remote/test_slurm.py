"""Jobs of a real Slurm, through a real ssh server."""

import os
import signal
import sys
import time
import venv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.remote.programs import PYTHON, ended, job, seen, told
from tests.remote.slurm import Slurm, example_programs
from tests.remote.test_ssh import read
from tests.sshd import Host, StartHost
from tests.unit.executors.slurm.test_script import CONFIGURATION, EXPERIMENT

from covalent_executors.adapter import Busy, Refused, Sighting, State
from covalent_executors.slurm.adapter import SlurmAdapter, adapter
from covalent_executors.slurm.spec import SlurmSpec


def reached(host: Host, **changed: Any) -> SlurmAdapter:
    settings = {
        "username": host.user,
        "address": "127.0.0.1",
        "port": host.port,
        "ssh_key_file": str(host.key),
        "known_hosts": str(host.known_hosts),
        "remote_workdir": str(host.folder),
        **changed,
    }
    found = adapter(SlurmSpec(**settings), read)
    assert isinstance(found, SlurmAdapter)
    return found


def test_a_job_runs_and_ends(login_node: Host, tmp_path: Path) -> None:
    cluster = reached(login_node)
    handle = cluster.submit(job("runs", tell=str(tmp_path / "told")))
    assert ended(cluster, handle) == Sighting(State.ENDED)
    found = told(tmp_path / "told")
    folder = login_node.folder / "runs"
    assert found["here"] == str(folder)
    assert found["env"]["SLURM_JOB_NAME"] == "runs"
    assert found["env"]["COVALENT_WORK_DIR"] == str(folder)
    assert cluster.logs(handle) == "begun\n"
    cluster.clean(handle)
    assert not folder.exists()
    cluster.cancel(handle)


def test_a_second_submit_finds_the_first(login_node: Host, tmp_path: Path) -> None:
    one, two = reached(login_node), reached(login_node)
    work = job("twice", tell=str(tmp_path / "told"), until=str(tmp_path / "go"))
    handle = one.submit(work)
    told(tmp_path / "told")
    assert two.submit(work) == handle
    Path(handle["folder"], "job").unlink()  # whoever submitted it died before it could tell
    assert two.submit(work) == handle
    (tmp_path / "go").touch()
    assert ended(two, handle) == Sighting(State.ENDED)
    assert one.logs(handle) == "begun\n"


def test_submitted_at_once_it_runs_once(login_node: Host, slurm: Slurm) -> None:
    cluster = reached(login_node)
    work = job("race")

    def submit(_: int) -> dict[str, Any] | None:
        try:
            return dict(cluster.submit(work))
        except Busy:
            return None

    with ThreadPoolExecutor(4) as pool:
        handles = [each for each in pool.map(submit, range(4)) if each is not None]
    assert handles
    assert all(handle == handles[0] for handle in handles)
    assert slurm.command("squeue", "-h", "-t", "all", "-n", "race", "-o", "%A").split() == [
        handles[0]["job"]
    ]
    ended(cluster, handles[0])


def test_a_submission_that_was_cut_short_is_done_again(login_node: Host) -> None:
    cluster = reached(login_node)
    work = job("short-cut")
    folder = login_node.folder / "short-cut"
    (folder / "submitting").mkdir(parents=True)
    with pytest.raises(Busy, match="is being submitted"):
        cluster.submit(work)
    old = time.time() - 600
    os.utime(folder / "submitting", (old, old))
    assert ended(cluster, cluster.submit(work)) == Sighting(State.ENDED)


def test_an_exit_status_is_told(login_node: Host) -> None:
    cluster = reached(login_node)
    handle = cluster.submit(job("code", code=7))
    assert ended(cluster, handle) == Sighting(State.ENDED, "it ended with exit status 7")


def test_a_killed_job_is_told(login_node: Host, tmp_path: Path) -> None:
    cluster = reached(login_node)
    handle = cluster.submit(
        job("killed", tell=str(tmp_path / "told"), until=str(tmp_path / "never"))
    )
    os.kill(told(tmp_path / "told")["pid"], signal.SIGKILL)
    cause = ended(cluster, handle).cause
    assert cause.startswith(
        "it was killed by SIGKILL: by hand, or because its node ran out of memory"
    )


def test_cancel_leaves_no_process(login_node: Host, tmp_path: Path) -> None:
    cluster = reached(login_node)
    work = job(
        "cancelled",
        tell=str(tmp_path / "told"),
        children=[False, True],
        until=str(tmp_path / "never"),
    )
    handle = cluster.submit(work)
    told(tmp_path / "told")
    cluster.cancel(handle)
    assert "somebody cancelled it" in ended(cluster, handle).cause
    assert running(handle["job"]) == []
    cluster.cancel(handle)
    cluster.clean(handle)
    cluster.clean(handle)


def test_a_job_that_waits_is_cancelled(login_node: Host) -> None:
    cluster = reached(login_node, options={"partition": "closed"})
    handle = cluster.submit(job("waits"))
    assert cluster.look(handle) == Sighting(State.PENDING, "the partition 'closed' is down")
    cluster.cancel(handle)
    assert "somebody cancelled it" in ended(cluster, handle).cause


def test_nodes_that_are_down_are_told(login_node: Host) -> None:
    cluster = reached(login_node, options={"partition": "down", "mem": 100})
    handle = cluster.submit(job("down"))
    seen(cluster, handle, lambda each: each.cause == "nodes that it needs are not available")
    cluster.cancel(handle)
    assert "somebody cancelled it" in ended(cluster, handle).cause


def test_a_full_partition_is_told(login_node: Host, tmp_path: Path) -> None:
    cluster = reached(login_node, options={"exclusive": ""})
    first = cluster.submit(job("full", tell=str(tmp_path / "told"), until=str(tmp_path / "go")))
    told(tmp_path / "told")
    second = cluster.submit(job("next"))
    sighting = seen(cluster, second, lambda each: "not looked" not in each.cause)
    assert sighting == Sighting(State.PENDING, "the partition 'debug' is full")
    (tmp_path / "go").touch()
    for handle in (first, second):
        assert ended(cluster, handle) == Sighting(State.ENDED)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("too-long", {"partition": "short", "time": "02:00:00"}),
        ("too-many", {"partition": "short", "nodes": 7}),
    ],
)
def test_what_would_never_run_has_ended(
    login_node: Host, name: str, options: dict[str, Any]
) -> None:
    cluster = reached(login_node, options=options)
    handle = cluster.submit(job(name))
    cause = ended(cluster, handle).cause
    assert cause.startswith("Slurm would never run it: ")
    assert "partition 'short'" in cause
    assert "cancelled" in cluster.look(handle).cause


@pytest.mark.parametrize(
    ("options", "cure"),
    [
        ({"partition": "nosuch"}, r"no partition 'nosuch' that this user may use.*Slurm says"),
        ({"p": "nosuch"}, r"no partition 'nosuch'"),
        ({"mem": "9T"}, "no node here has"),
        ({"constraint": "a100"}, "no node here has the constraint 'a100'"),
        ({"gres": "tpu:4"}, "GPUs"),
        ({"nosuchoption": 1}, "options has one that sbatch does not know"),
        ({"time": "tomorrow"}, "time"),
    ],
    ids=str,
)
def test_what_slurm_refuses(login_node: Host, options: dict[str, Any], cure: str) -> None:
    name = f"refused-{abs(hash(str(options)))}"
    with pytest.raises(Refused, match=cure):
        reached(login_node, options=options).submit(job(name))


def test_the_whole_of_a_script(login_node: Host, tmp_path: Path) -> None:
    """Commands before and after, what is put into srun's call, variables; several tasks."""
    log = tmp_path / "log"
    cluster = reached(
        login_node,
        options={"ntasks": 2},
        srun_options={"n": 2, "cpu-bind": "none"},
        srun_append="env APPENDED=1",
        prerun_commands=[f"echo before >> {log}", "srun -n 1 true"],
        postrun_commands=[f"echo after $status >> {log}"],
        variables={"LAB": "a b'c"},
    )
    handle = cluster.submit(job("whole", tell=str(tmp_path / "told"), code=3))
    assert ended(cluster, handle).cause == "it ended with exit status 3"
    assert cluster.logs(handle).count("begun") == 2
    environment = told(tmp_path / "told")["env"]
    assert (environment["LAB"], environment["APPENDED"]) == ("a b'c", "1")
    assert log.read_text() == "before\nafter 3\n"


@pytest.mark.parametrize("settings", [CONFIGURATION, EXPERIMENT], ids=["configuration", "instance"])
def test_the_examples_of_the_reference(
    slurm: Slurm, start_host: StartHost, tmp_path: Path, settings: dict[str, Any]
) -> None:
    """Only their folder is another one, and the programs that they name only write down that they ran.

    The second one asks srun for what it has not asked sbatch for: that takes a cluster that gives whole nodes.
    """
    login_node = start_host(environment={**slurm.environment, "SBATCH_PARTITION": "whole"})
    programs = example_programs(tmp_path / "bin")
    own = {
        "remote_workdir": str(login_node.folder),
        "variables": {
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
    }
    cluster = reached(login_node, **{**settings, **own})
    handle = cluster.submit(job(f"example-{len(settings['options'])}"))
    assert ended(cluster, handle) == Sighting(State.ENDED)
    assert cluster.logs(handle).count("begun") == 4
    if "prerun_commands" in settings:
        said = (programs / "calls").read_text().splitlines()
        assert said[0] == "module load package/1.2.3"
        assert said[1] == "dcgmi profile --pause"
        assert said[2].startswith(
            "nsys profile --stats=true -t cuda --gpu-metrics-device=all python"
        )
        assert said[-1] == "dcgmi profile --resume"


def test_without_srun(login_node: Host, tmp_path: Path) -> None:
    cluster = reached(login_node, use_srun=False, options={"export": "NONE"})
    ended(cluster, cluster.submit(job("no-srun", tell=str(tmp_path / "told"))))
    assert "SLURM_STEP_ID" not in told(tmp_path / "told")["env"]


def test_another_python_is_told(login_node: Host) -> None:
    cluster = reached(login_node)
    handle = cluster.submit(job("old", python="3.99"))
    assert f"the node has Python {PYTHON}" in ended(cluster, handle).cause
    assert "prerun_commands" in cluster.look(handle).cause


def test_a_python_with_nothing_beside_it_runs_jobs(login_node: Host, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    cluster = reached(login_node, prerun_commands=[f'PATH="{tmp_path}/bare/bin:$PATH"'])
    assert ended(cluster, cluster.submit(job("bare"))).cause == ""


def test_a_conda_environment(login_node: Host, tmp_path: Path) -> None:
    bashrc = tmp_path / "bashrc"
    bashrc.write_text('conda() { [ "$1 $2" = "activate lab" ] && export CONDA_DEFAULT_ENV="$2"; }')
    cluster = reached(login_node, conda_env="lab", bashrc_path=str(bashrc))
    ended(cluster, cluster.submit(job("conda", tell=str(tmp_path / "told"))))
    assert told(tmp_path / "told")["env"]["CONDA_DEFAULT_ENV"] == "lab"
    other = reached(login_node, conda_env="nosuch", bashrc_path=str(bashrc))
    assert "Conda environment 'nosuch'" in ended(other, other.submit(job("conda2"))).cause


def test_a_host_that_belongs_to_no_cluster_is_refused(host: Host) -> None:
    with pytest.raises(Refused, match=r"belongs to no cluster.*check address"):
        reached(host).submit(job("elsewhere"))


def test_what_the_controller_has_forgotten(login_node: Host) -> None:
    cluster = reached(login_node)
    handle = cluster.submit(job("forgotten", code=5))
    ended(cluster, handle)
    forgotten = {**handle, "job": "999999"}
    assert cluster.look(forgotten) == Sighting(State.ENDED, "it ended with exit status 5")
    cluster.clean(handle)
    assert "does not know the job any more" in cluster.look(forgotten).cause


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A cluster whose daemons may die."""
    found = Slurm(tmp_path_factory.mktemp("own"))
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def own_login_node(own: Slurm, start_host: StartHost) -> Host:
    return start_host(environment=own.environment)


def test_a_controller_that_dies(own: Slurm, own_login_node: Host, tmp_path: Path) -> None:
    cluster = reached(own_login_node)
    handle = cluster.submit(job("controller", until=str(tmp_path / "go")))
    own.await_saved("controller")
    own.kill("slurmctld")
    with pytest.raises(Busy, match="controller does not answer"):
        cluster.look(handle)
    with pytest.raises(Busy, match="controller does not answer"):
        cluster.cancel(handle)
    own.run("slurmctld")
    own.await_node("idle", "mixed", "allocated")
    (tmp_path / "go").touch()
    assert ended(cluster, handle) == Sighting(State.ENDED)


def test_a_node_that_dies(own: Slurm, own_login_node: Host, tmp_path: Path) -> None:
    cluster = reached(own_login_node)
    handle = cluster.submit(job("node", tell=str(tmp_path / "told"), until=str(tmp_path / "never")))
    told(tmp_path / "told")
    own.kill("slurmd")
    try:
        assert "failed or did not start: try again" in ended(cluster, handle, pause=0.5).cause
    finally:
        own.run("slurmd")
        own.await_node("idle")


def running(job_id: str) -> list[str]:
    """The processes of a job."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"SLURM_JOB_ID={job_id}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_text())
    return found
