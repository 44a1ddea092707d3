"""Processes that stand for machines: EC2 instances and hybrid jobs of Braket run as programs on this one."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from covalent_localstack import launcher
from covalent_runner import processes

GRACE = 2.0
"""Seconds between being asked to end and being killed."""


class Program:
    """A process and all that it starts, in a session and a folder of its own."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: IO[bytes]
    ) -> None:
        self.folder = folder
        self._mark = uuid.uuid4().hex
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
        processes.end([self.pid], [self._mark])
        self._connection.close()
        return code if code >= 0 else 128 - code

    def end(self, grace: float = GRACE) -> None:
        """Ask it to end, and kill what is left of it after a while."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        processes.end([self.pid], [self._mark])
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


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
        """A new folder for a program."""
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


def use(programs: Programs | None) -> None:
    """Make `programs` the one that instances and jobs are started by."""
    _current[:] = [programs] if programs else []


def current() -> Programs:
    """The one in use.

    Raises:
        RuntimeError: the stack is not running.

    """
    if not _current:
        raise RuntimeError("nothing can be started: the embedded AWS is not running")
    return _current[0]
