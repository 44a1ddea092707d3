"""Runs the electron of a job in a process of its own, and ends that when its time is up or the job is stopped.

The electron may hold the interpreter's lock for minutes, so nothing in its process could do it. And the first process
of a container gets no signal that it has not asked for: of a job that is stopped it would hear nothing.
"""

import os
import signal
import subprocess
import sys
from types import FrameType

from covalent_contracts.envelope import TIME_LIMIT
from covalent_runner import processes

TIMED_OUT = 5
"""Exit code: the electron did not end in time. Nothing is recorded; the state's report tells the user."""


def supervise() -> int:
    """Run this program again, as a child, and wait for it.

    Returns:
        The exit code of the child; with 128 and the signal's number, if that ended it.

    """
    limit = float(os.environ.pop(TIME_LIMIT))
    signal.signal(signal.SIGTERM, _stop)
    child = subprocess.Popen([sys.executable, *sys.orig_argv[1:]])  # noqa: S603  # ourselves
    try:
        code = child.wait(limit or None)
    except subprocess.TimeoutExpired:
        return TIMED_OUT
    finally:
        _end(child)
    return code if code >= 0 else 128 - code


def _stop(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGSTOP)  # or it would see its children end, and go on
        processes.end([child.pid])
        child.kill()
        child.wait()
