"""Starts the executions of dispatches, and again those that were left STARTING.

A dispatch stays STARTING when AWS was busy, or when the process that started it died. Its client may start it again;
those that have no client any more are found by their index. The execution is named after the dispatch, so starting
one twice, even at the same time, is the same as once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from covalent_contracts import clock
from covalent_contracts.errors import NotFound, Unavailable
from covalent_contracts.status import Status
from covalent_control_plane import machines, store
from covalent_control_plane.aws import Aws
from covalent_control_plane.items import DispatchItem
from covalent_control_plane.telemetry import count, log, took
from covalent_control_plane.transient import will_pass

MINUTES = 10
"""Minutes between two looks at what was left STARTING."""
PATIENCE = 5 * 60
"""Seconds for which a start is left to whoever asked for it."""
GIVEN_UP = 24 * 3600
"""Seconds after which a dispatch that cannot be started ends."""
RESERVE = 60.0
"""Seconds of the function's time that one more start may take."""


@dataclass
class Restarted:
    """Ids of the dispatches that were started, that ended because they cannot be, and that wait for the next time."""

    started: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


def launch(aws: Aws, item: DispatchItem) -> DispatchItem:
    """Start the execution of a dispatch that is STARTING; one that AWS refuses to start ends FAILED.

    Returns:
        The dispatch as it is then.

    Raises:
        Unavailable, ClientError, BotoCoreError: not now; it is still STARTING, and the next start may succeed.

    """
    dispatch_id = item.dispatch_id
    began = clock.now()
    try:
        machines.start(aws, item.machine, dispatch_id)
    except (ClientError, BotoCoreError, NotFound) as exc:
        if will_pass(exc):
            raise
        log().exception("start failed", correlation_id=dispatch_id)
        return _fail(item, f"the execution could not be started: {exc}")
    count("DispatchesStarted")
    took("DispatchQueueSeconds", clock.now() - (item.asked or began))
    log().info("started", correlation_id=dispatch_id, machine=item.machine)
    execution = aws.execution_arn(item.machine, dispatch_id)
    moved = store.advance(dispatch_id, Status.RUNNING, execution=execution, started=began)
    if moved is None and (item := _found(item)).state is Status.CANCELLED:
        machines.stop(aws, item.machine, dispatch_id)  # who cancelled it found nothing to stop
    return moved or item


def restart(aws: Aws, now: float, remaining: Callable[[], float]) -> Restarted:
    """Start again what has been STARTING for longer than PATIENCE. A failure on one does not stop the others.

    What one dispatch of a machine could not do for now is not tried for the others of that machine.

    Args:
        aws: the clients.
        now: seconds since the epoch.
        remaining: tells how many seconds the process has left.

    """
    done = Restarted()
    busy: set[str] = set()
    for dispatch_id in store.starting(int((now - PATIENCE) * 1_000_000)):
        if remaining() < RESERVE:
            break
        item = store.find(dispatch_id)
        if item is None or item.state is not Status.STARTING:
            continue  # the index lags behind
        seconds = now - (item.asked or item.since) / 1_000_000
        if seconds > PATIENCE:
            _again(aws, item, seconds, busy, done)
    log().info("restarted", started=len(done.started), failed=len(done.failed))
    return done


def _again(aws: Aws, item: DispatchItem, seconds: float, busy: set[str], done: Restarted) -> None:
    try:
        if item.machine in busy:
            raise Unavailable("its machine could not be started a moment ago")
        after = launch(aws, item)
    except Exception as exc:  # noqa: BLE001  # whatever it is, the others must not wait for it
        if isinstance(exc, Unavailable) or will_pass(exc):
            busy.add(item.machine)
        log().warning("not started again", correlation_id=item.dispatch_id, exc_info=exc)
        if seconds <= GIVEN_UP:
            done.waiting.append(item.dispatch_id)
            count("DispatchesRestarted", outcome="waiting")
            return
        after = _fail(item, f"the execution could not be started for {GIVEN_UP // 3600} h: {exc}")
    has_failed = after.state is Status.FAILED
    (done.failed if has_failed else done.started).append(item.dispatch_id)
    count("DispatchesRestarted", outcome="failed" if has_failed else "started")


def _fail(item: DispatchItem, error: str) -> DispatchItem:
    moved = store.advance(item.dispatch_id, Status.FAILED, error=error, ended=clock.now())
    if moved is None:
        return _found(item)
    count("DispatchesFinished", status=Status.FAILED)
    return moved


def _found(item: DispatchItem) -> DispatchItem:
    """The dispatch as it is now that someone else has moved it."""
    return store.find(item.dispatch_id) or item
