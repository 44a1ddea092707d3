"""Answers for an electron where Step Functions waits for its task token to come back, also for one that was killed."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from covalent_contracts.envelope import Run
from covalent_runner import supervisor
from covalent_runner.errors import ElectronFailed, UpstreamFailed
from covalent_runner.exits import COMMITTED, FAILED, NOT_STARTED
from covalent_runner.store import Store
from covalent_runner.watcher import STOPPED

HEARTBEAT = "COVALENT_HEARTBEAT_SECONDS"
"""After how many seconds of silence Step Functions gives the electron up; not set if it never does."""
PER_HEARTBEAT = 5
"""So many are sent in the time after which silence means loss: one that is lost does no harm."""
LOST = "ElectronLost"
"""The error of a try whose process or machine ended before it did."""
OUT_OF_TIME = "TimeLimitExceeded"
TAIL = 2000
"""Characters of what the process has written last that are told."""
_OUT_OF_MEMORY = "most often because the machine has run out of memory: ask for one with more, or for less at once"


@dataclass(frozen=True)
class Failure:
    """What the waiting state is told."""

    error: str
    cause: str


def answer(store: Store, event: Run, token: str) -> int:
    """Run the electron in a child process, tell the state that waits that it lives, and answer for it.

    Args:
        store: The outside world.
        event: Which electron, and which try.
        token: The token of the state that waits.

    Returns:
        The exit code, as if the electron had run here.

    """
    if not _is_awaited(store, token):
        return NOT_STARTED
    failure = _outcome(store, event, token)
    if failure is None:
        store.release(token)
        return COMMITTED
    store.refuse(token, failure.error, failure.cause)
    return NOT_STARTED if failure.error == UpstreamFailed.__name__ else FAILED


def pause_of(heartbeat: float) -> float:
    """Seconds between two heartbeats, when so many seconds of silence mean loss; 0 if they never do."""
    return min(supervisor.PAUSE, heartbeat / PER_HEARTBEAT) if heartbeat > 0 else supervisor.PAUSE


def failure_of(node: int, status: int, told: str) -> Failure | None:
    """What it means that the electron's process ended with this status, having written `told` last."""
    if status == COMMITTED:
        return None
    if status in (NOT_STARTED, STOPPED):
        reason = told or "it was cancelled"
        return Failure(UpstreamFailed.__name__, f"electron {node} did not run: {reason}")
    if status < 0:
        name = signal.Signals(-status).name
        because = f", {_OUT_OF_MEMORY}" if -status == signal.SIGKILL else ""
        return Failure(LOST, f"the process of electron {node} was killed by {name}{because}")
    said = f": {told}" if told else ""
    if status == FAILED:
        return Failure(
            ElectronFailed.__name__, told or f"electron {node} left with status {status}"
        )
    return Failure(LOST, f"the process of electron {node} left with exit status {status}{said}")


def _outcome(store: Store, event: Run, token: str) -> Failure | None:
    """What becomes of the electron; heartbeats until then."""
    pause = pause_of(float(os.environ.get(HEARTBEAT, "0")))
    last = bytearray()
    try:
        with _copied(last) as stderr:
            status = supervisor.supervise(lambda: _is_awaited(store, token), pause, stderr)
        return failure_of(event.node, status, last.decode(errors="replace").strip())
    except supervisor.OutOfTime:
        limit = f"its time limit of {float(os.environ[supervisor.LIMIT]):g} s"
        return Failure(OUT_OF_TIME, f"electron {event.node} did not end within {limit}")
    except supervisor.Unwanted:
        return Failure(UpstreamFailed.__name__, f"nobody waits for electron {event.node}")
    except supervisor.Terminated:
        return _terminated(store, event)


def _terminated(store: Store, event: Run) -> Failure:
    if store.is_cancelled(event.dispatch_id, event.node):
        return Failure(UpstreamFailed.__name__, f"electron {event.node} was cancelled")
    return Failure(
        LOST,
        f"the machine of electron {event.node} was shut down before it had ended: a spot instance was taken back, "
        "or someone has stopped it",
    )


def _is_awaited(store: Store, token: str) -> bool:
    """Send a heartbeat."""
    with suppress(Exception):  # AWS is busy or not to be reached: the next one tells
        return store.beat(token)
    return True


@contextmanager
def _copied(last: bytearray) -> Iterator[int]:
    """A pipe, within the block: what is written into it goes on to stderr, and the end of it into `last`."""
    ours, theirs = os.pipe()

    def copy() -> None:
        with os.fdopen(ours, "rb") as pipe:
            for line in pipe:
                sys.stderr.buffer.write(line)
                sys.stderr.flush()
                last[:] = (last + line)[-TAIL:]

    reader = threading.Thread(target=copy, daemon=True)
    reader.start()
    try:
        yield theirs
    finally:
        os.close(theirs)
        reader.join(timeout=1)  # what the child has started may hold the pipe open
