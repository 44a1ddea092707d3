"""Runs the electron of a job in a process of its own, and ends that when its time is up or nobody wants it any more.

The electron may hold the interpreter's lock for minutes, and may take all memory: nothing in its process could do it.
And the first process of a container gets no signal that it has not asked for: of a job that is stopped it would hear
nothing.
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf

from covalent_contracts.envelope import ELECTRON, TIME_LIMIT
from covalent_runner import processes

PAUSE = 60.0
"""Seconds between two questions whether the electron is wanted."""
ECHO = 1.0
"""Seconds in which a signal that has ended the electron may come here as well."""


class OutOfTime(Exception):
    """The electron has not ended in time."""


class Unwanted(Exception):
    """Nobody waits for the electron any more."""


class Terminated(Exception):
    """Someone has asked this process to end."""


def supervise(
    is_wanted: Callable[[], bool] = lambda: True,
    pause: float = PAUSE,
    stderr: int | None = None,
) -> int:
    """Run this program again, as a child without a time limit and a task token, and wait for it.

    Args:
        is_wanted: Asked now and then.
        pause: Seconds between two questions.
        stderr: Where the child writes what it has to say; where this process does, unless told otherwise.

    Returns:
        The exit status of the child, as `subprocess` gives it.

    Raises:
        OutOfTime: The time limit is up.
        Unwanted: `is_wanted` has said so.
        Terminated: By SIGTERM.

    """
    end = time.monotonic() + (float(os.environ.get(TIME_LIMIT, "0")) or inf)
    with _terminable(), _child(stderr) as child:
        while (status := _status(child, min(pause, end - time.monotonic()))) is None:
            if time.monotonic() >= end:
                raise OutOfTime
            if not is_wanted():
                raise Unwanted
        if status == -signal.SIGTERM:
            time.sleep(ECHO)  # if it was for the whole machine, it is for this process, too
        return status


@contextmanager
def _terminable() -> Iterator[None]:
    """Within the block, SIGTERM raises `Terminated`, once."""

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _child(stderr: int | None) -> Iterator[subprocess.Popen[bytes]]:
    """The child, which ends with the block, and all that it has started with it."""
    inherited = {name: each for name, each in os.environ.items() if name != TIME_LIMIT}
    mark = uuid.uuid4().hex
    words = " ".join(os.environ[ELECTRON].split()[:3])
    child = subprocess.Popen(
        [sys.executable, "-m", "covalent_runner"],
        env={**inherited, ELECTRON: words, processes.SUPERVISED: mark},
        stderr=stderr,
    )
    try:
        yield child
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it must not cut short what follows
        child.send_signal(signal.SIGSTOP)  # or it would see its children end, and go on
        processes.end([child.pid], [mark], processes.SUPERVISED)
        child.kill()
        child.wait()


def _status(child: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Its exit status; None if it still runs after so many seconds."""
    try:
        return child.wait(max(seconds, 0))
    except subprocess.TimeoutExpired:
        return None
