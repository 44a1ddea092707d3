"""The batch script: what the reference's examples generate, and what a shell makes of it."""

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_executors.adapter import Job
from covalent_executors.slurm import script
from covalent_executors.slurm.script import Where
from covalent_executors.slurm.spec import SlurmSpec

GOLDEN = Path(__file__).parents[3] / "golden" / "slurm"
LOGIN = {"username": "user", "address": "login.cluster.org"}

CONFIGURATION = {
    "remote_workdir": "/scratch/user",
    "options": {
        "nodes": 1,
        "ntasks": 4,
        "cpus-per-task": 8,
        "constraint": "gpu",
        "gpus": 4,
        "qos": "regular",
    },
    "srun_options": {"cpu_bind": "cores", "gpus": 4, "gpu-bind": "single:1"},
}
"""The configuration of the reference's first example, and what it says the script has."""
CONFIGURATION_HAS = [
    """\
#!/bin/bash
#SBATCH --nodes=1
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=8
#SBATCH --constraint=gpu
#SBATCH --gpus=4
#SBATCH --qos=regular
""",
    "srun --cpu_bind=cores --gpus=4 --gpu-bind=single:1",
]
EXPERIMENT = {
    "remote_workdir": "/scratch/user/experiment1",
    "options": {"qos": "regular", "time": "01:30:00", "nodes": 1, "constraint": "gpu"},
    "prerun_commands": [
        "module load package/1.2.3",
        "srun --ntasks-per-node 1 dcgmi profile --pause",
    ],
    "srun_options": {"n": 4, "c": 8, "cpu-bind": "cores", "G": 4, "gpu-bind": "single:1"},
    "srun_append": "nsys profile --stats=true -t cuda --gpu-metrics-device=all",
    "postrun_commands": ["srun --ntasks-per-node 1 dcgmi profile --resume"],
}
"""The executor of the second, likewise."""
EXPERIMENT_HAS = [
    """\
module load package/1.2.3
srun --ntasks-per-node 1 dcgmi profile --pause

srun -n 4 -c 8 --cpu-bind=cores -G 4 --gpu-bind=single:1 \\
nsys profile --stats=true -t cuda --gpu-metrics-device=all \\
python /scratch/user/experiment1/workflow_script.py
""",
    "\n\nsrun --ntasks-per-node 1 dcgmi profile --resume\n",
]


def written(settings: dict[str, Any], python: str = "3.11", name: str = "c-1-0-0") -> str:
    spec = SlurmSpec.model_validate({**LOGIN, **settings})
    workdir = spec.remote_workdir
    return script.script(spec, Where(workdir, f"{workdir}/{name}"), python)


@pytest.mark.parametrize(
    ("name", "settings", "has"),
    [
        ("configuration", CONFIGURATION, CONFIGURATION_HAS),
        ("experiment1", EXPERIMENT, EXPERIMENT_HAS),
    ],
)
def test_the_examples_of_the_reference(name: str, settings: dict[str, Any], has: list[str]) -> None:
    text = written(settings)
    assert text == (GOLDEN / f"{name}.sh").read_text()
    places = [text.find(part) for part in has]
    assert -1 not in places
    assert places == sorted(places)


def test_conda_and_variables() -> None:
    text = written({"conda_env": "my env", "variables": {"A": "x y", "N": 4}})
    assert "export A='x y'\nexport N=4\n" in text
    assert 'source "$HOME/.bashrc"' in text
    assert "conda activate 'my env' || {" in text
    assert "source" not in written({"conda_env": "lab", "bashrc_path": ""})
    assert "conda" not in written({})


def test_without_srun_what_is_appended_stays() -> None:
    text = written({"use_srun": False, "srun_append": "time"})
    assert "srun" not in text.replace("SLURM", "")
    assert "time \\\npython covalent-workdir/workflow_script.py\n" in text


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("nodes", 1, "--nodes=1"),
        ("n", 4, "-n 4"),
        ("exclusive", "", "--exclusive"),
        ("exclusive", None, "--exclusive"),
        ("x", True, "-x"),
        ("comment", "two words", "--comment='two words'"),
        ("gpu-bind", "single:1", "--gpu-bind=single:1"),
        ("begin", "$(now)", "--begin='$(now)'"),
    ],
)
def test_an_option(name: str, value: Any, told: str) -> None:
    assert script.option(name, value) == told


def test_options_may_be_given_with_hyphens() -> None:
    assert written({"options": {"--nodes": 1, "-n": 2}}) == written(
        {"options": {"nodes": 1, "n": 2}}
    )


def test_a_flag_that_is_off_is_left_out() -> None:
    text = written({"options": {"exclusive": False}, "srun_options": {"label": False}})
    assert "exclusive" not in text
    assert "label" not in text


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True).filter(
            lambda name: (
                "COVALENT" not in name
                and name
                not in ("PATH", "PS4", "IFS", "SHELLOPTS", "BASHOPTS", "UID", "EUID", "PPID")
            )
        ),
        st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"])),
        max_size=4,
    )
)
def test_a_shell_reads_variables_as_they_were_given(variables: dict[str, str]) -> None:
    text = written({"variables": variables, "use_srun": False})
    exports = [line for line in text.split("\n") if line.startswith("export ")]
    words = [shlex.split(line)[1] for line in exports]
    assert [f"{name}={value}" for name, value in variables.items()] == words[: len(variables)]


def test_bash_accepts_it() -> None:
    for settings in (CONFIGURATION, EXPERIMENT, {"conda_env": "lab"}):
        subprocess.run(["bash", "-n"], input=written(settings), text=True, check=True)


def job(limit: float = -1) -> Job:
    return Job("c-1-0-0", b"", b"", "3.11", limit)


def test_how_it_is_submitted() -> None:
    where = Where("/scratch", "/scratch/c-1-0-0")
    plain = SlurmSpec.model_validate(LOGIN)
    command = script.sbatch(plain, where, job())
    assert command == (
        "sbatch --parsable --job-name=c-1-0-0 --output=/scratch/c-1-0-0/log --no-requeue"
        " /scratch/c-1-0-0/submit.sh"
    )
    assert "--time=2 " in script.sbatch(plain, where, job(61))
    own = SlurmSpec.model_validate({**LOGIN, "options": {"t": "5", "requeue": ""}})
    assert "--time" not in script.sbatch(own, where, job(61))
    assert "requeue" not in script.sbatch(own, where, job())


def test_a_node_without_any_python_is_told(tmp_path: Path) -> None:
    """By the `python` that stands for the one of the right version, or for python3."""
    wrapper = tmp_path / "python"
    wrapper.write_text(script.PYTHON_OF_LAST_RESORT)
    wrapper.chmod(0o700)
    found = subprocess.run(
        ["/bin/sh", "-c", "python -c 'print(6 * 7)'"],
        env={
            "PATH": f"{tmp_path}",
            "COVALENT_JOB_FOLDER": str(tmp_path),
            "COVALENT_PYTHON": "3.11",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 78
    assert (tmp_path / "refused").read_text() == "missing\n"
