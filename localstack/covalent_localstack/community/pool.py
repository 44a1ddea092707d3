"""The warm processes of one function.

LocalStack starts an execution environment for each invocation that finds none free: a hundred electrons that start
together would be a hundred interpreters. Here they are few, and an invocation waits until one is free. Its time
runs from then on.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from covalent_localstack.community.runtime_api import Answer, Request, error

WORKERS = "COVALENT_LAMBDA_WORKERS"
"""The environment variable that says how many processes one function may have."""
MAX_ANSWER = 6 * 1024 * 1024 + 100
"""Bytes that Lambda returns: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


def size() -> int:
    """Processes per function: as asked for, or one per core and at least four, because functions wait a lot."""
    asked = os.environ.get(WORKERS, "")
    return int(asked) if asked.isdecimal() and int(asked) else max(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class Limits:
    """What the function's configuration allows."""

    seconds: float
    memory: int
    version: str = "$LATEST"


@dataclass(frozen=True)
class Outcome:
    """The answer to an invocation, and what goes to its log."""

    answer: Answer
    log: str


class Process(Protocol):
    """What the pool needs of a worker."""

    @property
    def is_alive(self) -> bool:
        """Whether it can take another invocation."""

    def run(self, request: Request, seconds: float) -> Answer:
        """Wait for the answer."""

    def output(self) -> str:
        """What was printed since the last call."""

    def close(self) -> None:
        """End it."""


class Pool:
    """Runs invocations of one version of a function, each in a process that nobody else uses meanwhile."""

    def __init__(self, make: Callable[[], Process], limits: Limits, workers: int) -> None:
        self._make = make
        self._limits = limits
        self._seats = threading.BoundedSemaphore(workers)
        self._lock = threading.Lock()
        self._idle: list[Process] = []
        self._all: set[Process] = set()
        self._is_closed = False

    def run(self, request: Request) -> Outcome:
        """Run one invocation; whatever goes wrong is in the answer."""
        with self._seats:
            worker = self._take()
            if worker is None:
                return Outcome(error("Runtime.Stopped", "the function was deleted or updated"), "")
            began = time.monotonic()
            try:
                answer = _bounded(worker.run(request, self._limits.seconds))
                return Outcome(answer, self._log(request, worker.output(), began))
            finally:
                self._give_back(worker)

    def close(self) -> None:
        """End all processes, busy ones too."""
        with self._lock:
            self._is_closed = True
            leaving, self._all, self._idle = list(self._all), set(), []
        for worker in leaving:
            worker.close()

    def _take(self) -> Process | None:
        """The process that was used last, which is the warmest, or a new one; None when the pool is closed."""
        with self._lock:
            if self._is_closed:
                return None
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive:
                    return worker
                self._forget(worker)
            made = self._make()
            self._all.add(made)
            return made

    def _give_back(self, worker: Process) -> None:
        with self._lock:
            if worker not in self._all:  # the pool was closed meanwhile
                return
            if worker.is_alive:
                self._idle.append(worker)
            else:
                self._forget(worker)

    def _forget(self, worker: Process) -> None:
        self._all.discard(worker)
        worker.close()

    def _log(self, request: Request, printed: str, began: float) -> str:
        spent = (time.monotonic() - began) * 1000
        if printed and not printed.endswith("\n"):
            printed += "\n"
        return (
            f"START RequestId: {request.id} Version: {self._limits.version}\n{printed}"
            f"END RequestId: {request.id}\n"
            f"REPORT RequestId: {request.id}\tDuration: {spent:.2f} ms\t"
            f"Billed Duration: {int(spent) + 1} ms\tMemory Size: {self._limits.memory} MB\n"
        )


def _bounded(answer: Answer) -> Answer:
    if len(answer.payload) <= MAX_ANSWER:
        return answer
    message = f"Response payload size exceeded maximum allowed payload size ({MAX_ANSWER} bytes)."
    return error("Function.ResponseSizeTooLarge", message)
