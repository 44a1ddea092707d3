"""Containers of the emulated Batch and ECS: processes with the environment of the workers, whatever the image.

At most so many run at once as there are workers; the others wait, as jobs do whose queue has no machine free.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from covalent_localstack import launcher
from covalent_runner import processes

KILLED = 128 + signal.SIGKILL
OUT_OF_TIME = "Job attempt duration exceeded timeout"
"""As Batch words it."""
_PYTHON = ("python", "python3")
_OUTPUT = 64 * 1024
"""Bytes of what a container writes that are kept: the last ones."""


@dataclass(frozen=True)
class Exit:
    """How a container ended. reason: why it was ended, if it did not end by itself."""

    code: int
    reason: str = ""
    output: str = ""


class Container:
    """A process to be, which can be ended at any time, also before it has begun."""

    def __init__(self) -> None:
        self.reason = ""
        self._mark = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None

    @property
    def is_ended(self) -> bool:
        """Whether it was ended."""
        return bool(self.reason)

    def start(self, command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> bool:
        """Start it, unless it was ended before."""
        ours, theirs = socket.socketpair()
        with self._lock, theirs:
            if self.is_ended:
                ours.close()
                return False
            self._connection = ours
            self._process = subprocess.Popen(  # noqa: S603  # the command of the user's own job
                [sys.executable, "-I", "-S", launcher.__file__, str(theirs.fileno()), *command],
                env={**environment, processes.MARK: self._mark},
                cwd="/",
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return True

    def wait(self, limit: float) -> int:
        """Its exit code. It is ended after `limit` seconds, unless that is 0, and what it has started with it."""
        process = self._process
        if process is None:
            return KILLED
        try:
            code = process.wait(limit or None)
        except subprocess.TimeoutExpired:
            self.end(OUT_OF_TIME)
            code = process.wait()
        processes.end([], [self._mark])
        if self._connection is not None:
            self._connection.close()
        return code if code >= 0 else 128 - code

    def end(self, reason: str) -> None:
        """End it with all that it has started; the first reason counts."""
        with self._lock:
            self.reason = self.reason or reason
            process = self._process
        if process is None or process.poll() is not None:
            return
        _signal(
            process.pid, signal.SIGSTOP
        )  # or a command would see its child end, and end by itself
        processes.end([process.pid], [self._mark])
        _signal(process.pid, signal.SIGKILL)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


class Runtime:
    """Runs containers, at most `size` of them at once.

    Args:
        size: how many.
        environment: what all of them find in their environment.

    """

    def __init__(self, size: int, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._changed = threading.Condition()
        self._free = size
        self._present: set[Container] = set()
        self._closed = False

    def run(
        self,
        container: Container,
        command: Sequence[str],
        variables: Mapping[str, str],
        begun: Callable[[], None],
        limit: float = 0,
    ) -> Exit:
        """Run a command in a container, once there is room for it.

        Args:
            container: not yet started.
            command: the command; `python` is this interpreter.
            variables: beside those of the environment.
            begun: called when there is room.
            limit: seconds that it may take, 0 for no limit.

        """
        if not self._take(container):
            return Exit(KILLED, container.reason)
        try:
            begun()
            with tempfile.TemporaryFile() as log:
                container.start(_found(command), {**self._environment, **variables}, log)
                code = container.wait(limit)
                return Exit(code, container.reason, _tail(log))
        finally:
            self._give_back(container)

    def end(self, container: Container, reason: str) -> None:
        """End a container, wherever it is."""
        container.end(reason)
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """End all containers, and run none any more."""
        with self._changed:
            self._closed = True
            present = tuple(self._present)
            self._changed.notify_all()
        for each in present:
            each.end("the server was stopped")

    def _take(self, container: Container) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._free or container.is_ended or self._closed)
            if container.is_ended or self._closed:
                return False
            self._free -= 1
            self._present.add(container)
            return True

    def _give_back(self, container: Container) -> None:
        with self._changed:
            self._free += 1
            self._present.discard(container)
            self._changed.notify()


def _found(command: Sequence[str]) -> Sequence[str]:
    return [sys.executable, *command[1:]] if command[:1] and command[0] in _PYTHON else command


def _tail(log: IO[bytes]) -> str:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(size - _OUTPUT, 0))
    return log.read().decode(errors="replace")


_current: list[Runtime] = []


@contextmanager
def running(size: int, environment: Mapping[str, str]) -> Iterator[None]:
    """Have jobs and tasks run, as `Runtime` does, within the block."""
    made = Runtime(size, environment)
    _current[:] = [made]
    try:
        yield
    finally:
        made.close()
        _current.clear()


def current() -> Runtime:
    """The runtime in use.

    Raises:
        RuntimeError: the stack is not running.

    """
    if not _current:
        raise RuntimeError("nothing runs containers: the embedded AWS is not running")
    return _current[0]
