"""Processes that stand for machines: EC2 instances and hybrid jobs of Braket run as programs on this one."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from covalent_localstack import launcher
from covalent_runner import processes

PAUSE = 0.05
GRACE = 15.0
"""Seconds between being asked to end and being killed."""


class Program:
    """A process and all that it starts, in a session and a folder of its own."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: IO[bytes]
    ) -> None:
        self.folder = folder
        self._mark = uuid.uuid4().hex
        self._is_settled = threading.Event()
        self._is_settled.set()
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

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        return self._process.pid

    def wait(self) -> int:
        """Its exit status, 128 and the number of a signal that ended it, once it has ended; nothing of it runs then."""
        code = self._process.wait()
        self._is_settled.wait(
            2 * GRACE
        )  # the first process may go before others have done what they do at the end
        processes.end([self.pid], [self._mark])
        self._connection.close()
        return code if code >= 0 else 128 - code

    def end(self, grace: float = GRACE) -> None:
        """Ask it to end with all that it has started, and kill what is left of it after a while."""
        self._is_settled.clear()
        end = time.monotonic() + grace
        is_there = self._signal(signal.SIGTERM)
        while is_there and time.monotonic() < end:
            time.sleep(PAUSE)
            self._process.poll()  # or it would count as there after its end
            is_there = self._signal(0)
        processes.end([self.pid], [self._mark])
        self._signal(signal.SIGKILL)
        self._is_settled.set()

    def _signal(self, number: int) -> bool:
        """Send a signal to the group; False if there is none any more."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True


class Programs:
    """Starts programs, and ends them with the server.

    Args:
        environment: what all of them find in their environment.
        log: where they write.

    """

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log.open("ab")
        self._folder = Path(tempfile.mkdtemp(prefix="covalent-programs-"))
        self._lock = threading.Lock()
        self._running: set[Program] = set()
        self._is_closed = False

    def folder(self) -> Path:
        """A new folder for a program.

        Raises:
            RuntimeError: the server goes away.

        """
        if self._is_closed:
            raise RuntimeError("the embedded AWS is not running")
        return Path(tempfile.mkdtemp(dir=self._folder))

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> Program:
        """Start one.

        Args:
            command: the program and its arguments.
            environment: its own variables; `PATH` goes before that of the others.
            folder: where it works.

        Raises:
            RuntimeError: the server goes away.

        """
        merged = {**self._environment, **environment}
        if path := environment.get("PATH"):
            merged["PATH"] = os.pathsep.join((path, self._environment["PATH"]))
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the embedded AWS is not running")
            program = Program(command, merged, folder, self._log)
            self._running.add(program)
            return program

    def wait(self, program: Program) -> int:
        """Its exit status, once it has ended. Its folder goes."""
        try:
            return program.wait()
        finally:
            with self._lock:
                self._running.discard(program)
            shutil.rmtree(program.folder, ignore_errors=True)

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            self._is_closed = True
            running = list(self._running)
        for program in running:
            program.end(grace=0)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def executable(path: Path, text: str) -> None:
    """Write a script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def python(path: Path) -> None:
    """Write a script that is the Python that runs here, under another name."""
    executable(path, f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')


_current: list[Programs] = []


@contextmanager
def running(environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """Within the block, instances and jobs can be started."""
    made = Programs(environment, log)
    _current[:] = [made]
    try:
        yield
    finally:
        _current.clear()
        made.close()


def current() -> Programs:
    """The one in use.

    Raises:
        RuntimeError: the stack is not running.

    """
    if not _current:
        raise RuntimeError("nothing can be started: the embedded AWS is not running")
    return _current[0]
