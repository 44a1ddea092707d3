"""Processes that simulate circuits: made when they are needed, and kept for the next circuit."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from covalent_localstack import quantum_program

AT_ONCE = max(2, os.cpu_count() or 1)


class Stopped(Exception):
    """The simulation was ended before it was done."""


class Simulation:
    """One circuit, which may be stopped from another thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._is_stopped = False
        self._lock = threading.Lock()

    def stop(self) -> None:
        """End it, whether it has begun or not."""
        with self._lock:
            self._is_stopped = True
            if self._process is not None:
                self._process.kill()

    def run(self, process: "subprocess.Popen[str]", request: dict[str, Any]) -> dict[str, Any]:
        """Have a process do it.

        Raises:
            Stopped: someone has stopped it, or the process has died.

        """
        with self._lock:
            if self._is_stopped:
                raise Stopped
            self._process = process
        try:
            answer = _asked(process, request)
        except (OSError, ValueError):
            answer = ""
        with self._lock:
            self._process = None
        if not answer:
            code = process.wait()
            raise Stopped(f"the simulator ended with code {code}; is the circuit too large?")
        answered: dict[str, Any] = json.loads(answer)
        return answered


def _asked(process: "subprocess.Popen[str]", request: dict[str, Any]) -> str:
    assert process.stdin is not None  # noqa: S101  # see _started
    assert process.stdout is not None  # noqa: S101  # as above
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    return process.stdout.readline()


class Simulators:
    """So many processes at a time."""

    def __init__(self) -> None:
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._idle: list[subprocess.Popen[str]] = []
        self._is_closed = False

    def run(
        self, simulation: Simulation, request: dict[str, Any], begins: Callable[[], None]
    ) -> dict[str, Any]:
        """Do a simulation as soon as there is room.

        Args:
            simulation: which one.
            request: what to send to `quantum_program`.
            begins: is called when there is room.

        Returns:
            The answer.

        Raises:
            Stopped: it was stopped.

        """
        with self._room:
            process = self._taken()
            try:
                begins()
                return simulation.run(process, request)
            finally:
                self._give_back(process)

    def close(self) -> None:
        """End the processes; what runs is for its task to stop."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for process in idle:
            _end(process)

    def _taken(self) -> "subprocess.Popen[str]":
        with self._lock:
            if self._is_closed:
                raise Stopped("the embedded AWS is not running")
            return self._idle.pop() if self._idle else _started()

    def _give_back(self, process: "subprocess.Popen[str]") -> None:
        with self._lock:
            if process.poll() is None and not self._is_closed:
                self._idle.append(process)
                return
        _end(process)


def _started() -> "subprocess.Popen[str]":
    """A process, without the credentials of this one: circuits need none."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(  # noqa: S603  # a program of ours
        [sys.executable, "-m", quantum_program.__name__],
        env=kept,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C at the terminal is for the server
    )


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:  # what was written last never arrived
                continue
