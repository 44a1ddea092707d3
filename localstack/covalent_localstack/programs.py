"""What AWS would run on machines of its own, as processes of this one, with the environment of the workers.

Jobs of Batch and tasks of ECS are containers, whatever the image: at most so many run at once as there are workers, the
others wait, as jobs do whose queue has no machine free. EC2 instances and hybrid jobs of Braket stand for machines.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from covalent_localstack import launcher
from covalent_runner import processes

KILLED = 128 + signal.SIGKILL
OUT_OF_TIME = "Job attempt duration exceeded timeout"
"""As Batch words it."""
GRACE = 15.0
"""Seconds that a machine has between being asked to end and being killed."""
PAUSE = 0.05
_PYTHON = ("python", "python3")
_OUTPUT = 64 * 1024
"""Bytes of what a container writes that are kept: the last ones."""


@dataclass(frozen=True)
class Exit:
    """How a program ended. reason: why it was ended, if it did not end by itself; output: what a container wrote."""

    code: int
    reason: str = ""
    output: str = ""


class Program:
    """A process to be, with all that it starts; it can be ended at any time, also before it has begun.

    Args:
        is_machine: it waits for no room, and is asked to end before it is killed, as a machine that shuts down is.

    """

    def __init__(self, *, is_machine: bool = False) -> None:
        self.is_machine = is_machine
        self.reason = ""
        self._mark = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._is_settled = threading.Event()
        self._is_settled.set()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None

    @property
    def is_ended(self) -> bool:
        """Whether it was ended."""
        return bool(self.reason)

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: IO[bytes]
    ) -> None:
        """Start it in a session of its own, unless it was ended before."""
        with self._lock:
            if self.is_ended:
                return
            self._connection, theirs = socket.socketpair()  # it ends with the server
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603  # what the user has asked this AWS to run
                    [sys.executable, "-I", "-S", launcher.__file__, str(theirs.fileno()), *command],
                    env={**environment, processes.MARK: self._mark},
                    cwd=folder,
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def wait(self, limit: float = 0) -> int:
        """Wait until nothing of it runs any more.

        Args:
            limit: seconds after which it is ended, 0 for no limit.

        Returns:
            Its exit code; 128 and the number of a signal that ended it.

        """
        process, connection = self._process, self._connection
        if process is None or connection is None:
            return KILLED
        try:
            code = process.wait(limit or None)
        except subprocess.TimeoutExpired:
            self.end(OUT_OF_TIME)
            code = process.wait()
        # The first process may go before others have done what they do at the end.
        self._is_settled.wait(2 * GRACE)
        processes.end([process.pid], [self._mark])
        connection.close()
        return code if code >= 0 else 128 - code

    def end(self, reason: str, *, at_once: bool = False) -> None:
        """End it with all that it has started; a machine gets time for that, unless it must be at once.

        The first reason counts.
        """
        with self._lock:
            process = self._process
            if process is not None and process.poll() is not None:
                return  # it has ended by itself, which is how it is to be told
            self.reason = self.reason or reason
        if process is None:
            return
        self._is_settled.clear()
        if self.is_machine and not at_once:
            _ask_to_end(process)
        # Stopped first, or a command would see its child end, and end by itself.
        _signal(process.pid, signal.SIGSTOP)
        processes.end([process.pid], [self._mark])
        _signal(process.pid, signal.SIGKILL)
        self._is_settled.set()


def _ask_to_end(process: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM to all in the group of a process, and wait a while until they have ended."""
    end = time.monotonic() + GRACE
    is_there = _signal(process.pid, signal.SIGTERM)
    while is_there and time.monotonic() < end:
        time.sleep(PAUSE)
        process.poll()  # or it would count as there after its end
        is_there = _signal(process.pid, 0)


def _signal(group: int, number: int) -> bool:
    """Send a signal to a group; False if there is none any more."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


class Runtime:
    """Runs programs, and ends them with the server.

    Args:
        size: how many containers run at once.
        environment: what all programs find in their environment.
        log: where machines write.
        python: the interpreter that `python` is.

    """

    def __init__(
        self, size: int, environment: Mapping[str, str], log: Path, python: str = sys.executable
    ) -> None:
        self.environment = environment
        self._python = python
        self._size = size
        self._log = log.open("ab")
        self._folders = tempfile.TemporaryDirectory(
            prefix="covalent-programs-", ignore_cleanup_errors=True
        )
        self._changed = threading.Condition()
        self._running: set[Program] = set()
        self._is_closed = False

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A new folder for a machine, as long as the block lasts."""
        with tempfile.TemporaryDirectory(
            dir=self._folders.name, ignore_cleanup_errors=True
        ) as made:
            yield Path(made)

    def run(
        self,
        program: Program,
        command: Sequence[str],
        variables: Mapping[str, str],
        *,
        begun: Callable[[], None] = lambda: None,
        limit: float = 0,
        folder: Path = Path("/"),
    ) -> Exit:
        """Run a command, once there is room for it, and wait for its end.

        Args:
            program: not yet started.
            command: the command; `python` is this interpreter.
            variables: beside those of the environment.
            begun: called when there is room.
            limit: seconds that it may take, 0 for no limit.
            folder: where it works.

        """
        if not self._take(program):
            return Exit(KILLED, program.reason)
        try:
            begun()
            with tempfile.TemporaryFile() as output:
                log = self._log if program.is_machine else output
                program.start(self._found(command), {**self.environment, **variables}, folder, log)
                code = program.wait(limit)
                return Exit(code, program.reason, _tail(output))
        finally:
            self._give_back(program)

    def end(self, program: Program, reason: str) -> None:
        """End a program, wherever it is."""
        program.end(reason)
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """End all programs, and run none any more."""
        with self._changed:
            self._is_closed = True
            running = tuple(self._running)
            self._changed.notify_all()
        for each in running:
            each.end("the server was stopped", at_once=True)
        self._log.close()
        self._folders.cleanup()

    def _found(self, command: Sequence[str]) -> Sequence[str]:
        is_python = bool(command) and command[0] in _PYTHON
        return [self._python, *command[1:]] if is_python else command

    def _take(self, program: Program) -> bool:
        with self._changed:
            self._changed.wait_for(
                lambda: self._has_room(program) or program.is_ended or self._is_closed
            )
            if program.is_ended or self._is_closed:
                return False
            self._running.add(program)
            return True

    def _has_room(self, program: Program) -> bool:
        return program.is_machine or self._size > sum(not each.is_machine for each in self._running)

    def _give_back(self, program: Program) -> None:
        with self._changed:
            self._running.discard(program)
            self._changed.notify()


def _tail(log: IO[bytes]) -> str:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(size - _OUTPUT, 0))
    return log.read().decode(errors="replace")


_current: list[Runtime] = []


@contextmanager
def running(
    size: int, environment: Mapping[str, str], log: Path, python: str = sys.executable
) -> Iterator[None]:
    """Have programs run, as `Runtime` does, within the block."""
    made = Runtime(size, environment, log, python)
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
        raise RuntimeError("nothing runs programs: the embedded AWS is not running")
    return _current[0]
