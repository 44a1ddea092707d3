"""Jobs as processes: a folder for each, with what it is told, its process id, its log and its exit code."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from covalent_executors.adapter import (
    TICKET,
    Busy,
    Handle,
    Job,
    Refused,
    Secrets,
    Sighting,
    State,
)
from covalent_shell.spec import ShellSpec

_SCRIPT = 'trap "" HUP; "$0" runner.pyz > log 2>&1; echo $? > code'


class Shell:
    """Jobs below one folder."""

    def __init__(self, spec: ShellSpec) -> None:
        self._root = Path(spec.root)
        self._spec = spec

    def submit(self, job: Job) -> Handle:
        """See `Adapter`."""
        if self._spec.refuse:
            raise Refused(self._spec.refuse)
        self._fail_at_first()
        folder = self._root / job.name
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700, parents=True)
            (folder / "runner.pyz").write_bytes(job.program)
            (folder / TICKET).write_bytes(job.ticket)
            started = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, sys.executable],
                cwd=folder,
                env={"PATH": os.environ["PATH"], "HOME": str(folder)},
                start_new_session=True,
            )
            (folder / "pid").write_text(str(started.pid))
        return {"folder": str(folder)}

    def _fail_at_first(self) -> None:
        """Be busy the first times that anyone asks."""
        self._root.mkdir(exist_ok=True)
        asked = len(list(self._root.glob("busy-*")))
        if asked < self._spec.busy:
            (self._root / f"busy-{asked}").touch()
            raise Busy("the shell is full")

    def look(self, handle: Handle) -> Sighting:
        """See `Adapter`."""
        folder = Path(handle["folder"])
        with suppress(FileNotFoundError):
            return Sighting(State.ENDED, f"it exited with {(folder / 'code').read_text().strip()}")
        try:
            with suppress(ChildProcessError):
                os.waitpid(int((folder / "pid").read_text()), os.WNOHANG)
            os.kill(int((folder / "pid").read_text()), 0)
        except ProcessLookupError:
            return Sighting(State.ENDED, "its process was killed")
        return Sighting(State.RUNNING)

    def cancel(self, handle: Handle) -> None:
        """See `Adapter`."""
        with suppress(ProcessLookupError, FileNotFoundError):
            os.killpg(int((Path(handle["folder"]) / "pid").read_text()), signal.SIGKILL)

    def logs(self, handle: Handle) -> str:
        """See `Adapter`."""
        with suppress(FileNotFoundError):
            return (Path(handle["folder"]) / "log").read_text()
        return ""

    def clean(self, handle: Handle) -> None:
        """See `Adapter`."""
        for name in ("runner.pyz", TICKET):
            (Path(handle["folder"]) / name).unlink(missing_ok=True)


def adapter(spec: ShellSpec, secrets: Secrets) -> Shell:  # an adapter's signature
    """The adapter of the executor."""
    return Shell(spec)
