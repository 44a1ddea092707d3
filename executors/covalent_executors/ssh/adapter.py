"""Jobs on a host by ssh: a folder each, and a process that outlives the connection."""

import json
import shlex
import signal
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from covalent_executors.hosts import keeper, scripts
from covalent_executors.hosts.host import Done, Host, reached
from covalent_executors.hosts.launcher import PROGRAM
from covalent_executors.ssh.spec import SSHSpec

KEEPER = "keeper.py"

_PROBE = """\
import sys
print("found=%d.%d %s" % (sys.version_info[0], sys.version_info[1], sys.executable))
if "%d.%d" % sys.version_info[:2] != sys.argv[1]:
    sys.exit(1)
print("python=" + sys.executable)
"""
"""Any Python can read it."""
_FIND = """\
{conda}probe={probe}
python=
for each in {candidates}; do
    command -v "$each" > /dev/null 2>&1 && "$each" -c "$probe" {version} < /dev/null && python=$each && break
done
[ -n "$python" ] || exit 0
"""
_FOUND = """\
[ -x {python} ] || exit 0
echo python={python}
"""
_FOLDER = """\
umask 077
mkdir -p -- {folder} && cd -- {folder} && [ -O . ] || exit 0
echo "folder=$(pwd)"
[ ! -e pid ] || echo started=yes
"""
_START = """\
umask 077
{conda}{workdir}exec {python} -I {keeper} start {folder} {name} {seconds} {python} {program} < /dev/null
"""
_STARTED = "{}"
"""What the keeper says."""
_WORKDIR = """\
COVALENT_WORK_DIR={workdir}
mkdir -p -- "$COVALENT_WORK_DIR" && export COVALENT_WORK_DIR || exit
"""
_ASK = """\
{shortcut}if [ -f {keeper} ]; then exec {python} -I {keeper} {verb} {folder} < /dev/null; fi
echo '{{"gone": "folder"}}'
"""
_HAS_TOLD = """\
told=$(cat {folder}/exit 2> /dev/null) && echo "{{\\"exit\\": $told}}" && exit
"""
"""Most looks find a job that has ended; they need no Python."""
_GONE: Mapping[str, str] = {
    "folder": "the job's folder on {host} is gone: somebody has removed it",
    "cancelled": "the job was cancelled",
    "boot": "{host} was restarted while the job ran",
    "killed": "the job and what looked after it on {host} were killed",
}


_pythons: dict[Hashable, str] = {}
"""Which Python was found where: it takes a while to ask."""


@dataclass(frozen=True)
class SshAdapter:
    """A host as one user reaches it."""

    spec: SSHSpec
    host: Host

    def submit(self, job: Job) -> Handle:
        """Start a job, unless there is one of this name.

        Raises:
            Refused: the host lacks what the job needs, or does not let us in.
            Busy: it does not answer.

        """
        told = self._prepared(job)
        handle = {"folder": told["folder"][0], "python": told["python"][0]}
        if "started" not in told:
            files = {
                PROGRAM: job.program,
                KEEPER: Path(keeper.__file__).read_bytes(),
                TICKET: job.ticket,
                **job.files,
            }
            self.host.put({f"{handle['folder']}/{name}": files[name] for name in files})
            self._start(job, handle)
        return handle

    def _prepared(self, job: Job) -> Mapping[str, list[str]]:
        """Which Python and which folder the job is to have; it may have been started there."""
        key = (self.host, self.spec.python_path, self.spec.conda_env, job.python)
        make = _FOLDER.format(folder=scripts.path(f"{self.spec.folder.rstrip('/')}/{job.name}"))
        known = _pythons.get(key)
        told: Mapping[str, list[str]] = {}
        if known is not None:
            told = self._told(_FOUND.format(python=shlex.quote(known)) + make)
        if "python" not in told:
            told = self._told(self._search(job.python) + make)
        if "folder" not in told:
            raise Refused(self._lack(told, job))
        _pythons[key] = told["python"][0]
        return told

    def _search(self, version: str) -> str:
        """What finds the Python of a job."""
        usual = ("python", "python3", f"python{version}")
        candidates = (self.spec.python_path,) if self.spec.python_path else usual
        return _FIND.format(
            conda=scripts.conda(self.spec.conda_env),
            probe=shlex.quote(_PROBE),
            candidates=" ".join(map(scripts.path, candidates)),
            version=shlex.quote(version),
        )

    def _told(self, script: str) -> Mapping[str, list[str]]:
        try:
            return scripts.answers(self._run(script).output)
        except Busy as exc:
            if self.spec.retry_connect:
                raise
            raise Refused(f"{exc}; it is not tried again, as retry_connect says") from exc

    def _lack(self, told: Mapping[str, list[str]], job: Job) -> str:
        """Why the job cannot run there."""
        host, wanted = self.spec.hostname, f"Python {job.python}, which dispatched the workflow"
        if "conda" in told:
            return (
                f"{host} cannot activate the Conda environment {self.spec.conda_env!r}: check conda_env with"
                " `conda env list` there"
            )
        if "python" in told:
            return f"the folder {self.spec.folder} cannot be made on {host}: check remote_dir"
        cure = "install it there and name it as python_path or conda_env, or dispatch from the same version"
        if "found" in told:
            found = ", ".join(f"Python {each}" for each in dict.fromkeys(told["found"]))
            return f"{host} must have {wanted}, but it has {found}: {cure}"
        named = self.spec.python_path or "Python"
        return f"{host} must have {wanted}, but there is no {named}: {cure}"

    def _start(self, job: Job, handle: Handle) -> None:
        folder, workdir = str(handle["folder"]), scripts.path(self.spec.remote_workdir)
        script = _START.format(
            conda=scripts.conda(self.spec.conda_env),
            workdir=_WORKDIR.format(workdir=workdir) if self.spec.remote_workdir else "",
            python=shlex.quote(handle["python"]),
            keeper=shlex.quote(f"{folder}/{KEEPER}"),
            folder=shlex.quote(folder),
            name=shlex.quote(job.name),
            seconds=f"{max(job.time_limit, 0):g}",
            program=shlex.quote(f"{folder}/{PROGRAM}"),
        )
        done = self._run(script)
        if done.status != 0 or done.output.strip() != _STARTED:
            raise Refused(f"the job cannot be started on {self.spec.hostname}: {done.told}")

    def look(self, handle: Handle) -> Sighting:
        """How a job stands, as its keeper on the host says."""
        found = self._ask("look", handle)
        if "exit" in found:
            return Sighting(State.ENDED, self._cause(found["exit"]))
        if "gone" in found:
            return Sighting(State.ENDED, _GONE[found["gone"]].format(host=self.spec.hostname))
        if "running" in found:
            return Sighting(State.RUNNING)
        return Sighting(State.ENDED, f"the job was never started on {self.spec.hostname}")

    def _cause(self, told: Mapping[str, Any]) -> str:
        """Why the job has ended; "" if by itself and well."""
        host = self.spec.hostname
        if "error" in told:
            return f"the job could not be started on {host}: {told['error']}"
        if told["overdue"]:
            return f"the job was stopped on {host}: it had used up its time limit"
        if told["oom"]:
            return f"out of memory: {host} had none left and ended the job; let it need less, or use a larger host"
        status = int(told["status"])
        if status < 0:
            return f"the job was killed on {host} by {signal.Signals(-status).name}"
        return f"the job ended on {host} with exit status {status}" if status else ""

    def cancel(self, handle: Handle) -> None:
        """End a job and what it has started.

        Raises:
            Busy: something of it does not end.

        """
        left = self._ask("cancel", handle).get("left")
        if left:
            raise Busy(f"processes {left} on {self.spec.hostname} do not end")

    def fetch(self, handle: Handle, name: str) -> bytes | None:
        """A file of the job's folder, if there is one of this name."""
        return self.host.get(f"{handle['folder']}/{name}")

    def logs(self, handle: Handle) -> str:
        """The end of what the job has written."""
        return self._run(scripts.end_of(f"{handle['folder']}/log")).output

    def clean(self, handle: Handle) -> None:
        """Remove the job's folder; its ticket at least."""
        folder = shlex.quote(str(handle["folder"]))
        self._run(f"rm -rf -- {folder}" if self.spec.do_cleanup else f"rm -f -- {folder}/{TICKET}")

    def _ask(self, verb: str, handle: Handle) -> dict[str, Any]:
        folder, python = str(handle["folder"]), shlex.quote(str(handle["python"]))
        keeper_file = shlex.quote(f"{folder}/{KEEPER}")
        done = self._run(
            _ASK.format(
                shortcut=_HAS_TOLD.format(folder=shlex.quote(folder)) if verb == "look" else "",
                keeper=keeper_file,
                python=python,
                verb=verb,
                folder=shlex.quote(folder),
            )
        )
        try:
            found: dict[str, Any] = json.loads(done.output)
        except ValueError as exc:
            raise Refused(f"{self.spec.hostname} cannot tell of the job: {done.told}") from exc
        return found

    def _run(self, script: str) -> Done:
        done = self.host.run(script)
        if done.status < 0:
            raise Busy(f"{self.spec.hostname} has ended the session")
        return done


def adapter(spec: SSHSpec, secrets: Secrets) -> Adapter:
    """The host of an executor.

    Raises:
        Refused: the key cannot be read, or asyncssh is not installed.

    """
    return SshAdapter(spec, reached(spec.login(spec.hostname, secrets), "ssh"))
