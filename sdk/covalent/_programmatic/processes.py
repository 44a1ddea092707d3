"""Processes that outlive whoever has started them: known by a file that their command line names.

A process id that the system has given to another program is left alone.
"""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

STOP_SECONDS = 30
_POLL_SECONDS = 0.02

children: dict[int, subprocess.Popen[bytes]] = {}
"""Servers that this very process started; it must reap them."""


def own(process: subprocess.Popen[bytes]) -> None:
    """Have a process that this very one has started reaped when it is ended."""
    children[process.pid] = process


def is_process(pid: int, state_file: Path) -> bool:
    """Whether a process lives whose command line names the file."""
    return str(state_file) in command_of(pid)


def end(pid: int, state_file: Path) -> None:
    """End a process whose command line names the file: in order, or by force if it does not obey."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    if not _gone(state_file, pid, STOP_SECONDS):
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        _gone(state_file, pid, STOP_SECONDS)


def command_of(pid: int) -> str:
    """The command line of a living process; empty if there is none."""
    if Path("/proc/self/cmdline").exists():
        try:
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return ""
        return raw.replace(b"\0", b" ").decode(errors="replace")
    listed = subprocess.run(  # noqa: S603  # a number of ours
        ["ps", "-ww", "-p", str(pid), "-o", "command="],  # noqa: S607  # where it lies differs
        capture_output=True,
        text=True,
        check=False,
    )
    return listed.stdout


def _gone(state_file: Path, pid: int, seconds: float) -> bool:
    """Whether the process ended within the time."""
    deadline = time.monotonic() + seconds
    while is_process(pid, state_file):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    child = children.pop(pid, None)
    if child is not None:
        child.wait()
    return True
