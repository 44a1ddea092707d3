"""One step of a try that runs far away: submit its job; or look at it, and record what became of it.

Every step may be taken twice. A job is known by its name, so that the second submission finds the first; its verdict is
one object; and the first commit of a node stays.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from typing import Any

from covalent_bridge import errands
from covalent_bridge.errands import Objects
from covalent_bridge.program import program
from covalent_contracts import clock, keys
from covalent_contracts.envelope import Run
from covalent_contracts.errors import CorruptedObject
from covalent_contracts.status import Status
from covalent_contracts.ticket import VERDICT_FILE
from covalent_executors.adapter import (
    Adapter,
    Busy,
    Carrier,
    Handle,
    Job,
    Refused,
    Sighting,
    State,
)
from covalent_runner import run
from covalent_runner.errors import ElectronFailed, UpstreamFailed
from covalent_runner.execute import Execution
from covalent_runner.remote import verdicts
from covalent_runner.run import Task
from covalent_runner.store import Claim, Record, Store
from covalent_runner.streams import Streams

SILENCE = 600
"""Seconds for which a place may not answer until the job there is given up."""
GRACE = 10
"""Seconds that a job gets to end by itself once its verdict is handed in."""
FIRST_PAUSE = 1.0
SLOWER = 1.5
"""How much longer each pause is than the one before."""
RARER = 100
"""A pause is at least this part of the time since the job was submitted: so a year's job takes 1,400 looks, which with
their nine events each fill half of an execution's history.
"""


@dataclass(frozen=True)
class Progress:
    """How far a try has come: what the state machine keeps between two steps.

    Times are seconds since the epoch: when the job was submitted, first seen to run, and last answered for.
    """

    attempt: int = 0
    handle: Handle | None = None
    submitted: float = 0
    ran: float = 0
    heard: float = 0
    looks: int = 0
    handed_in: float = 0


@dataclass(frozen=True)
class Electron:
    """What a step is for, and what its executor is."""

    dispatch_id: str
    node: int
    executor: str
    attributes: str
    poll: float


@dataclass(frozen=True)
class Answer:
    """Whether the electron is done; if not, in how many seconds to come again, and with what."""

    is_over: bool
    seconds: int = 0
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True)
class Bridge:
    """What a step needs: the record, the bucket, the place, and where a ticket is renewed.

    carries: whether adapters bring and fetch files themselves, if they can, because the bucket is on this machine.
    """

    store: Store
    objects: Objects
    adapter: Callable[[Electron], Adapter]
    renewal: str = ""
    carries: bool = False
    now: Callable[[], float] = time.time


def step(bridge: Bridge, electron: Electron, progress: Progress) -> Answer:
    """Take a step.

    Raises:
        ElectronFailed: the electron failed, and no try is left.
        UpstreamFailed: it cannot run, or was cancelled.
        Busy: the place cannot take the job now.

    """
    task = run.prepare(bridge.store, Run(electron.dispatch_id, electron.node, progress.attempt))
    try:
        if progress.handle is None:
            return _submit(bridge, electron, task, progress)
        return _look(bridge, electron, task, progress, progress.handle)
    except ElectronFailed:
        record = run.record_of(task)
        if record.status is not Status.RUNNING or not record.error:
            raise
        return Answer(False, 1, Progress(attempt=record.attempt + 1))


def _submit(bridge: Bridge, electron: Electron, task: Task, progress: Progress) -> Answer:
    store, event = bridge.store, task.event
    claim = store.claim(event.dispatch_id, event.node, event.attempt, clock.now())
    is_ours = claim.record.status is Status.RUNNING and claim.record.attempt == event.attempt
    if not (claim.won or (is_ours and not claim.record.error)):
        run.answer(task, claim.record)
        return Answer(True)
    try:
        adapter = bridge.adapter(electron)
        handle = adapter.submit(_job(bridge, adapter, task))
    except Refused as exc:
        raise _refused(task, claim.record, str(exc)) from exc
    known = {"bridge": electron.executor, "attributes": electron.attributes, "handle": handle}
    store.set_job_handle(event.dispatch_id, event.node, json.dumps(known))
    if store.is_cancelled(event.dispatch_id, event.node):
        end(adapter, handle)  # the cancellation has not seen the handle
        raise UpstreamFailed(f"electron {event.node} was cancelled")
    now = bridge.now()
    return _again(electron, replace(progress, handle=handle, submitted=now, heard=now), now)


def _look(
    bridge: Bridge, electron: Electron, task: Task, progress: Progress, handle: Handle
) -> Answer:
    record = run.record_of(task)
    adapter = bridge.adapter(electron)
    if record.status is not Status.RUNNING:
        if record.status is Status.CANCELLED:
            end(adapter, handle)
        run.answer(task, record)
        return Answer(True)
    now = bridge.now()
    sighting = _sighting(adapter, handle)
    if progress.handed_in and _is_ending(sighting) and now - progress.handed_in < GRACE:
        return Answer(False, 1, progress)
    execution = _handed_in(bridge, task, adapter, handle)
    if execution is not None:
        if not progress.handed_in and _is_ending(sighting):
            execution.streams.close()
            return Answer(False, 1, replace(progress, handed_in=now))
    else:
        progress = _seen(progress, sighting, now)
        execution = _lost(adapter, handle, task, sighting, progress, now)
    if execution is None:
        return _again(electron, progress, now, task.sheet.time_limit)
    try:
        _conclude(task, execution, record)
    finally:
        _clean(adapter, handle)
    return Answer(True)


def end(adapter: Adapter, handle: Handle) -> None:
    """Cancel a job and remove what was brought there for it."""
    adapter.cancel(handle)
    _clean(adapter, handle)


def _sighting(adapter: Adapter, handle: Handle) -> Sighting | None:
    """How the job stands; None if the place does not answer.

    A place that does not let us in any more (a login that was revoked) will tell nothing of the job, nor take another.
    """
    try:
        return adapter.look(handle)
    except Busy:
        return None
    except Refused as exc:
        return Sighting(State.ENDED, f"nothing is to be learnt of it any more: {exc}")


def _is_ending(sighting: Sighting | None) -> bool:
    return sighting is not None and sighting.state is not State.ENDED


def _seen(progress: Progress, sighting: Sighting | None, now: float) -> Progress:
    if sighting is None:
        return progress
    runs = sighting.state is State.RUNNING and not progress.ran
    return replace(progress, heard=now, ran=now if runs else progress.ran)


def _lost(
    adapter: Adapter,
    handle: Handle,
    task: Task,
    sighting: Sighting | None,
    progress: Progress,
    now: float,
) -> Execution | None:
    """Why there will be no verdict; None while there may be one."""
    limit = task.sheet.time_limit
    if sighting is None and now - progress.heard > SILENCE:
        reason = "JobLost", f"its place has not answered for {SILENCE // 60} minutes"
    elif sighting is not None and sighting.state is State.ENDED:
        reason = "JobLost", sighting.cause or "it ended without a result"
    elif limit > 0 and progress.ran and now - progress.ran >= limit:
        adapter.cancel(handle)
        reason = "TimeLimit", f"it did not end within its time limit of {limit:g} s"
    else:
        return None
    return _failure(task, reason, _logs(adapter, handle))


def _failure(task: Task, reason: tuple[str, str], logs: str) -> Execution:
    streams = Streams()
    streams.files["stderr"].write(logs.encode(errors="replace"))
    name, why = reason
    text = f"{name}: the job of electron {task.sheet.id}: {why}"
    return Execution(streams, error="\n".join(filter(None, (text, logs.strip()))), reason=name)


def _handed_in(bridge: Bridge, task: Task, adapter: Adapter, handle: Handle) -> Execution | None:
    """What became of the try, if the job has said so: in the bucket, or in a file that its adapter fetches."""
    event = task.event
    if bridge.carries and isinstance(adapter, Carrier):
        data = _fetched(adapter, handle)
    else:
        data = bridge.objects.get(keys.verdict(event.dispatch_id, event.node, event.attempt))
    if data is None:
        return None
    try:
        return verdicts.read(BytesIO(data))
    except CorruptedObject as exc:
        return Execution(Streams(), error=f"CorruptedObject: {exc}", reason="CorruptedObject")


def _fetched(adapter: Carrier, handle: Handle) -> bytes | None:
    try:
        return adapter.fetch(handle, VERDICT_FILE)
    except Busy:
        return None


def _conclude(task: Task, execution: Execution, record: Record) -> None:
    run.conclude(replace(task, began=record.started or task.began), execution, Claim(True, record))


def _refused(task: Task, record: Record, why: str) -> ElectronFailed:
    """Record that the place will never take the job, however often it is tried."""
    last = replace(task, sheet=replace(task.sheet, retries=0))
    execution = _failure(task, ("Refused", why), "")
    try:
        _conclude(last, execution, record)
    except ElectronFailed as exc:
        return exc
    raise AssertionError("a try with an error fails")


def _job(bridge: Bridge, adapter: Adapter, task: Task) -> Job:
    event = task.event
    files: Mapping[str, bytes] = {}
    if bridge.carries and isinstance(adapter, Carrier):
        ticket, files = errands.carry(task)
    else:
        ticket = errands.write(task, bridge.objects, bridge.now(), bridge.renewal)
    return Job(
        name=f"c-{event.dispatch_id}-{event.node}-{event.attempt}",
        program=program(),
        ticket=ticket.dump(),
        python=".".join(task.page.python.split(".")[:2]),
        time_limit=max(task.sheet.time_limit, 0),
        files=files,
    )


def _again(electron: Electron, progress: Progress, now: float, limit: float = 0) -> Answer:
    """Come again: soon at first, then as rarely as the executor's `poll_freq` has it, and in time for the limit."""
    longest = max(electron.poll, FIRST_PAUSE)
    pause = min(FIRST_PAUSE * SLOWER ** min(progress.looks, 30), longest)
    pause = max(pause, (now - progress.submitted) / RARER)
    if limit > 0 and progress.ran:
        pause = min(pause, max(progress.ran + limit - now, 0))
    seconds = max(1, round(pause))
    return Answer(False, seconds, replace(progress, looks=progress.looks + 1))


def _logs(adapter: Adapter, handle: Handle) -> str:
    try:
        return adapter.logs(handle)
    except (Busy, Refused) as exc:
        return f"(its log cannot be had: {exc})"


def _clean(adapter: Adapter, handle: Handle) -> None:
    try:
        adapter.clean(handle)
    except (Busy, Refused) as exc:
        print(f"left behind: {exc}")  # noqa: T201  # for the function's log


def document(answer: Answer) -> dict[str, Any]:
    """An answer as the state machine keeps it."""
    return asdict(answer)
