"""Stands beside the process that runs an electron, where Step Functions waits for an answer.

It says that the electron's machine lives, ends the electron when its time is up or nobody waits for it any more, and
answers for it, also for one that was killed. Code of users may hold the interpreter for minutes, and may take all
memory: so this is a process of its own, and the electron is its child.
"""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from covalent_contracts.envelope import ELECTRON, TIME_LIMIT, Run
from covalent_runner import processes
from covalent_runner.errors import ElectronFailed, UpstreamFailed
from covalent_runner.exits import COMMITTED, FAILED, NOT_STARTED
from covalent_runner.store import Store
from covalent_runner.watcher import STOPPED

HEARTBEAT = "COVALENT_HEARTBEAT_SECONDS"
"""After how many seconds of silence Step Functions gives the electron up; not set if it never does."""
_TERMS = (HEARTBEAT, TIME_LIMIT)
LOST = "ElectronLost"
"""The error of a try whose process or machine ended before it did."""
OUT_OF_TIME = "TimeLimitExceeded"
PAUSE = 60.0
"""Seconds between two heartbeats, unless the silence allowed asks for more of them."""
PER_HEARTBEAT = 5
"""So many are sent in the time after which silence means loss: one that is lost does no harm."""
ECHO = 1.0
"""Seconds in which a signal that has ended the electron may come here as well."""
TAIL = 2000
"""Characters of what the process has written last that are told."""
_OUT_OF_MEMORY = "most often because the machine has run out of memory: ask for one with more, or for less at once"


@dataclass(frozen=True)
class Terms:
    """What was agreed for the electron; seconds, 0 for none."""

    heartbeat: float = 0
    time_limit: float = 0

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Terms":
        """What the environment says."""
        return cls(float(environment.get(HEARTBEAT, 0)), float(environment.get(TIME_LIMIT, 0)))

    @property
    def pause(self) -> float:
        """Seconds between two heartbeats."""
        return min(PAUSE, self.heartbeat / PER_HEARTBEAT) if self.heartbeat > 0 else PAUSE


@dataclass(frozen=True)
class Failure:
    """What the waiting state is told."""

    error: str
    cause: str


class Terminated(Exception):
    """Someone has asked the process to end."""


def attend(store: Store, event: Run, token: str, terms: Terms) -> int:
    """Run an electron in a child process, and answer for it.

    Args:
        store: The outside world.
        event: Which electron, and which try.
        token: The token of the state that waits.
        terms: What was agreed.

    Returns:
        The exit code, as if the electron had run here.

    """
    if not _is_awaited(store, token):
        return NOT_STARTED
    child = _Child(event)
    try:
        with _terminating():
            failure = _outcome(store, event, token, terms, child)
    except Terminated:
        failure = _terminated(store, event)
    finally:
        child.end()
    if failure is None:
        store.release(token)
        return COMMITTED
    store.refuse(token, failure.error, failure.cause)
    return NOT_STARTED if failure.error == UpstreamFailed.__name__ else FAILED


def _outcome(store: Store, event: Run, token: str, terms: Terms, child: "_Child") -> Failure | None:
    """What becomes of the electron; heartbeats until then."""
    end = time.monotonic() + (terms.time_limit if terms.time_limit > 0 else float("inf"))
    while True:
        code = child.wait(min(terms.pause, max(0.0, end - time.monotonic())))
        if code is not None:
            if code == -signal.SIGTERM:
                time.sleep(ECHO)  # if it was for the whole machine, it is for this process, too
            return failure_of(event.node, code, child.told())
        if time.monotonic() >= end:
            limit = f"its time limit of {terms.time_limit:g} s"
            return Failure(OUT_OF_TIME, f"electron {event.node} did not end within {limit}")
        if not _is_awaited(store, token):
            return Failure(UpstreamFailed.__name__, f"nobody waits for electron {event.node}")


def failure_of(node: int, code: int, told: str) -> Failure | None:
    """What it means that the electron's process ended with this status, having written `told` last."""
    if code == COMMITTED:
        return None
    if code in (NOT_STARTED, STOPPED):
        reason = told or "it was cancelled"
        return Failure(UpstreamFailed.__name__, f"electron {node} did not run: {reason}")
    if code < 0:
        name = signal.Signals(-code).name
        because = f", {_OUT_OF_MEMORY}" if -code == signal.SIGKILL else ""
        return Failure(LOST, f"the process of electron {node} was killed by {name}{because}")
    said = f": {told}" if told else ""
    if code == FAILED:
        return Failure(ElectronFailed.__name__, told or f"electron {node} left with status {code}")
    return Failure(LOST, f"the process of electron {node} left with exit status {code}{said}")


def _terminated(store: Store, event: Run) -> Failure:
    if store.is_cancelled(event.dispatch_id, event.node):
        return Failure(UpstreamFailed.__name__, f"electron {event.node} was cancelled")
    return Failure(
        LOST,
        f"the machine of electron {event.node} was shut down before it had ended: a spot instance was taken back, "
        "or someone has stopped it",
    )


def _is_awaited(store: Store, token: str) -> bool:
    with suppress(Exception):  # AWS is busy or not to be reached: the next heartbeat tells
        return store.beat(token)
    return True


@contextmanager
def _terminating() -> Iterator[None]:
    """Within the block, SIGTERM raises `Terminated`."""

    def end(*_: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Child:
    """The process that runs the electron: this program, without the token."""

    def __init__(self, event: Run) -> None:
        self._mark = uuid.uuid4().hex
        words = f"{event.dispatch_id} {event.node} {event.attempt}"
        inherited = {name: each for name, each in os.environ.items() if name not in _TERMS}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "covalent_runner"],
            env={**inherited, ELECTRON: words, processes.MARK: self._mark},
            stderr=subprocess.PIPE,
        )
        self._tail = b""
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stderr,), daemon=True
        )
        self._reader.start()

    def wait(self, seconds: float) -> int | None:
        """Its exit status; None if it still runs after so many seconds."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def told(self) -> str:
        """The last that it has written to stderr, once it has ended."""
        self._reader.join(timeout=1)  # what it has started may hold the pipe open
        return self._tail.decode(errors="replace").strip()

    def end(self) -> None:
        """End it with all that it has started."""
        processes.end([self._process.pid], [self._mark])
        self._process.kill()
        self._process.wait()

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            sys.stderr.buffer.write(line)
            sys.stderr.flush()
            self._tail = (self._tail + line)[-TAIL:]
