"""The batch script of a job, and how it is submitted."""

import math
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from covalent_executors.adapter import Job
from covalent_executors.hosts.launcher import FOLDER, PYTHON, REFUSED
from covalent_executors.slurm.spec import SlurmSpec, Value

LAUNCHER, SCRIPT, LOG = "workflow_script.py", "submit.sh", "log"

_SCRIPT = """\
#!/bin/bash
{directives}
unset SLURM_EXPORT_ENV
{variables}

{conda}{prerun}{run}

status=$?
{postrun}
echo $status > "$COVALENT_JOB_FOLDER/exit"
exit $status
"""
_CONDA = """\
{bashrc}command -v conda > /dev/null && eval "$(conda shell.bash hook)"
conda activate {environment} || {{ echo conda > "$COVALENT_JOB_FOLDER/refused"; exit {refused}; }}

"""
PYTHON_OF_LAST_RESORT = f"""\
#!/bin/sh
# The last `python` on the PATH, for nodes that have none of this name.
for each in "python${PYTHON}" python3; do
    command -v "$each" > /dev/null 2>&1 && exec "$each" "$@"
done
echo missing > "${FOLDER}/refused"
exit {REFUSED}
"""


@dataclass(frozen=True)
class Where:
    """Absolute paths there: what all jobs of an executor share, and the folder of this one in it."""

    workdir: str
    folder: str


def script(spec: SlurmSpec, where: Where, python: str) -> str:
    """The batch script.

    Args:
        spec: what the user configured.
        where: its folders.
        python: the version of Python that the job needs.

    """
    return _SCRIPT.format(
        directives="".join(f"#SBATCH {each}\n" for each in _given(spec.options)),
        variables="\n".join(_exports(spec, where, python)),
        conda=_conda(spec),
        prerun=_commands(spec.prerun_commands, after="\n"),
        run=_run(spec, where),
        postrun=_commands(spec.postrun_commands, before="\n"),
    )


def _given(options: Mapping[str, Value]) -> list[str]:
    return [option(name, value) for name, value in options.items() if value is not False]


def option(name: str, value: Value) -> str:
    """An option as sbatch and srun read it: -n 4, --nodes=1, --exclusive; as in the examples of the reference."""
    word = f"-{name}" if len(name) == 1 else f"--{name}"
    if value is None or value is True or value == "":
        return word
    text = shlex.quote(str(value))
    return f"{word} {text}" if len(name) == 1 else f"{word}={text}"


def _exports(spec: SlurmSpec, where: Where, python: str) -> Iterator[str]:
    ours = {
        FOLDER: where.folder,
        PYTHON: python,
        "COVALENT_WORK_DIR": where.folder,
    }
    every: Mapping[str, str | int | float] = {**spec.variables, **ours}
    for name, value in every.items():
        yield f"export {name}={shlex.quote(str(value))}"
    yield f'export PATH="$PATH:${FOLDER}"'


def _conda(spec: SlurmSpec) -> str:
    if not spec.conda_env:
        return ""
    bashrc = f'[ ! -f "{spec.bashrc_path}" ] || source "{spec.bashrc_path}"\n'
    return _CONDA.format(
        bashrc=bashrc if spec.bashrc_path else "",
        environment=shlex.quote(spec.conda_env),
        refused=REFUSED,
    )


def _commands(lines: list[str], *, before: str = "", after: str = "") -> str:
    return f"{before}{chr(10).join(lines)}\n{after}" if lines else ""


def _run(spec: SlurmSpec, where: Where) -> str:
    parts = [" ".join(["srun", *_given(spec.srun_options)])] if spec.use_srun else []
    if spec.srun_append:
        parts.append(spec.srun_append)
    return " \\\n".join([*parts, f"python {shlex.quote(f'{where.workdir}/{LAUNCHER}')}"])


def sbatch(spec: SlurmSpec, where: Where, job: Job) -> str:
    """The command that submits the script; what it says goes before the script's own lines."""
    words = ["sbatch", "--parsable", f"--job-name={job.name}", f"--output={where.folder}/{LOG}"]
    given = spec.options.keys()
    if not given & {"requeue", "no-requeue"}:
        words.append("--no-requeue")  # a try is repeated by whoever counts them
    if job.time_limit > 0 and not given & {"time", "t"}:
        words.append(f"--time={math.ceil(job.time_limit / 60)}")
    return shlex.join([*words, f"{where.folder}/{SCRIPT}"])
