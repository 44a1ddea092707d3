"""Jobs of Slurm, by its commands on a login node."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from covalent_executors.adapter import (
    TICKET,
    Adapter,
    Busy,
    Handle,
    Job,
    Refused,
    Secrets,
    Sighting,
    State,
)
from covalent_executors.hosts import launcher, scripts
from covalent_executors.hosts.host import Done, Host, reached
from covalent_executors.slurm import script, states
from covalent_executors.slurm.refusals import refusal
from covalent_executors.slurm.script import Where
from covalent_executors.slurm.spec import SlurmSpec

PYTHON = "python"
"""The wrapper that stands in for a missing one."""
_STALE_MINUTES = 3
"""After which a submission that nobody has finished is taken for dead: sbatch itself gives up after two."""

_PATH = """\
{slurm_path}command -v sbatch > /dev/null 2>&1 || . /etc/profile > /dev/null 2>&1
command -v sbatch > /dev/null 2>&1 || {{ echo lack=sbatch; exit 0; }}
"""
_PREPARE = """\
umask 077
mkdir -p -- {workdir} && cd -- {workdir} || exit 0
echo "workdir=$(pwd)"
mkdir -p -- {name} && cd -- {name} && [ -O . ] || exit 0
echo "folder=$(pwd)"
[ ! -e job ] || echo "job=$(cat job)"
"""
_SUBMIT = """\
cd -- {folder} || exit 0
if ! mkdir submitting 2> /dev/null && [ -z "$(find submitting -maxdepth 0 -mmin +{stale} 2> /dev/null)" ]; then
    echo "job=$(cat job 2> /dev/null)"
    exit 0
fi
chmod 700 {python}
id=$(cat job 2> /dev/null)
[ -n "$id" ] || id=$(squeue -h --states=all --user="$(id -un)" --name={name} --format=%A 2> /dev/null | head -n 1)
[ -n "$id" ] || id=$({sbatch} < /dev/null 2> refusal | cut -d ';' -f 1)
if [ -n "$id" ]; then
    printf '%s\\n' "$id" > job.new && mv job.new job && echo "job=$id"
else
    sed 's/^/refusal=/' refusal
fi
rmdir submitting
"""
_LOOK = """\
echo "state=$(scontrol --oneliner show job {job} 2>&1 | tr '\\n' ' ')"
echo "accounted=$(sacct -nPX -j {job} -o State,ExitCode,Reason 2> /dev/null | head -n 1)"
cd -- {folder} 2> /dev/null || exit 0
echo folder=yes
[ ! -f exit ] || echo "exit=$(cat exit)"
[ ! -f refused ] || echo "refused=$(cat refused)"
! {log} | grep -Eq {signs} || echo overran=yes
"""
_UNKNOWN_JOB = "Invalid job id"


@dataclass(frozen=True)
class SlurmAdapter:
    """A cluster as one user reaches it."""

    spec: SlurmSpec
    host: Host

    def submit(self, job: Job) -> Handle:
        """Submit a job, unless there is one of this name.

        Raises:
            Refused: Slurm will not take it, or the login node does not let us in.
            Busy: one of them does not answer, or takes no more jobs now.

        """
        workdir, name = scripts.path(self.spec.remote_workdir), shlex.quote(job.name)
        told = self._told(_PREPARE.format(workdir=workdir, name=name))
        if "folder" not in told:
            raise Refused(
                f"the folder {self.spec.remote_workdir} cannot be made on {self.spec.address}: check remote_workdir"
            )
        where = Where(told["workdir"][0], told["folder"][0])
        if "job" not in told:
            self.host.put(self._files(where, job))
            told = self._told(self._submission(where, job))
        return {"job": self._id(told), "folder": where.folder}

    def _files(self, where: Where, job: Job) -> Mapping[str, bytes]:
        return {
            f"{where.workdir}/{script.LAUNCHER}": Path(launcher.__file__).read_bytes(),
            **{f"{where.folder}/{name}": job.files[name] for name in job.files},
            f"{where.folder}/{launcher.PROGRAM}": job.program,
            f"{where.folder}/{TICKET}": job.ticket,
            f"{where.folder}/{PYTHON}": script.PYTHON_OF_LAST_RESORT.encode(),
            f"{where.folder}/{script.SCRIPT}": script.script(self.spec, where, job.python).encode(),
        }

    def _submission(self, where: Where, job: Job) -> str:
        return _SUBMIT.format(
            folder=shlex.quote(where.folder),
            stale=_STALE_MINUTES,
            python=PYTHON,
            name=shlex.quote(job.name),
            sbatch=script.sbatch(self.spec, where, job),
        )

    def _id(self, told: Mapping[str, list[str]]) -> str:
        if "refusal" in told:
            raise refusal("\n".join(told["refusal"]), self.spec.options)
        found = "".join(told.get("job", ()))
        if not found:
            raise Busy(f"the job is being submitted to Slurm on {self.spec.address}")
        return found

    def look(self, handle: Handle) -> Sighting:
        """How a job stands: as the controller says, or else the accounting, or else what the job has left."""
        told = self._told(
            _LOOK.format(
                **_words(handle),
                log=scripts.end_of(script.LOG),
                signs=shlex.quote(states.MEMORY_SIGNS),
            )
        )
        state = told["state"][0]
        reading = states.read(state, overran="overran" in told)
        if reading is None:
            if _UNKNOWN_JOB not in state:
                raise Busy(f"Slurm's controller does not answer: {state.strip()}")
            return self._after(told)
        if reading.is_hopeless:
            self.cancel(handle)
        return self._explained(reading.sighting, told)

    def _after(self, told: Mapping[str, list[str]]) -> Sighting:
        """How a job has ended that the controller has forgotten."""
        overran = "overran" in told
        sighting = states.accounted(told["accounted"][0], overran=overran)
        if sighting is None and "exit" in told:
            sighting = states.left(int(told["exit"][0] or 1), overran=overran)
        return self._explained(
            sighting or Sighting(State.ENDED, "Slurm does not know the job any more"), told
        )

    def _explained(self, sighting: Sighting, told: Mapping[str, list[str]]) -> Sighting:
        if sighting.state is not State.ENDED or "refused" not in told:
            return sighting
        return Sighting(State.ENDED, self._lack("".join(told["refused"])))

    def _lack(self, word: str) -> str:
        """What the node lacks that the job needs."""
        lack, found, where = (*word.split(None, 2), "", "")[:3]
        cure = "load it in prerun_commands, name conda_env, or dispatch from the same version"
        match lack:
            case "conda":
                return (
                    f"the node cannot activate the Conda environment {self.spec.conda_env!r}: check conda_env and"
                    " bashrc_path"
                )
            case "python":
                return f"the node has Python {found} ({where}), not the version that dispatched the workflow: {cure}"
            case _:
                return f"the node has no Python: {cure}"

    def cancel(self, handle: Handle) -> None:
        """Have Slurm end a job and what it has started."""
        done = self._run(f"scancel {_words(handle)['job']}")
        if done.status != 0 and _UNKNOWN_JOB not in done.errors:
            raise refusal(done.told, {})

    def fetch(self, handle: Handle, name: str) -> bytes | None:
        """A file of the job's folder, if there is one of this name."""
        return self.host.get(f"{handle['folder']}/{name}")

    def logs(self, handle: Handle) -> str:
        """The end of what the job has written, and Slurm about it."""
        return self.host.run(scripts.end_of(f"{handle['folder']}/{script.LOG}")).output

    def clean(self, handle: Handle) -> None:
        """Remove the job's folder; its ticket at least."""
        folder = _words(handle)["folder"]
        self.host.run(f"rm -rf -- {folder}" if self.spec.cleanup else f"rm -f -- {folder}/{TICKET}")

    def _told(self, text: str) -> Mapping[str, list[str]]:
        return scripts.answers(self._run(text).output)

    def _run(self, text: str) -> Done:
        """Run commands of Slurm.

        Raises:
            Refused: there are none.

        """
        folder = self.spec.slurm_path
        path = f"PATH={scripts.path(folder)}:$PATH\n" if folder else ""
        done = self.host.run(_PATH.format(slurm_path=path) + text)
        if done.status < 0:
            raise Busy(f"{self.spec.address} has ended the session")
        if "lack=sbatch" in done.output.splitlines():
            raise Refused(
                f"{self.spec.address} has no sbatch{f' in {folder}' if folder else ' on the PATH'}: check slurm_path,"
                " and that this is the login node"
            )
        return done


def _words(handle: Handle) -> dict[str, str]:
    return {name: shlex.quote(str(value)) for name, value in handle.items()}


def adapter(spec: SlurmSpec, secrets: Secrets) -> Adapter:
    """The cluster of an executor.

    Raises:
        Refused: the key cannot be read, or asyncssh is not installed.

    """
    return SlurmAdapter(spec, reached(spec.login(spec.address, secrets), "slurm"))
