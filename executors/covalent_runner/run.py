"""Run one electron: check its inputs, claim, fetch, execute, commit, arrive.

Every step tolerates that the event is delivered again: the claim lets one delivery run the code, the first commit
wins, and what follows a commit is repeated without harm.
"""

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from covalent_contracts import clock, keys
from covalent_contracts.built import Built
from covalent_contracts.envelope import Run
from covalent_contracts.errors import CorruptedObject, NotFound, UnsupportedPython
from covalent_contracts.sheet import Page, Sheet
from covalent_contracts.status import Status
from covalent_runner import gates, inputs, metrics, outcomes, sublattices
from covalent_runner.errors import ElectronFailed, UpstreamFailed
from covalent_runner.execute import Computed, Execution, execute, precompute
from covalent_runner.exits import HANDLE
from covalent_runner.store import Claim, Outcome, Record, Store
from covalent_runner.streams import Streams
from covalent_runner.watcher import LIFE, WATCHER

TIME_TO_ANSWER = 2.0
"""Seconds of the invocation's time that are kept for answering when another delivery does not end."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 1.0
JOBS_PAUSE = 10.0
"""The longest pause of a job that waits for another one: of an array, thousands may."""
SILENCE = 10 * LIFE
"""Seconds without a sign of life after which a job is lost for another one that waits for it."""

Remaining = Callable[[], float]


@dataclass(frozen=True)
class Task:
    """A try of an electron: where it is recorded, what it is, the records of what it needs, when it began.

    job: if it runs in a job, all numbers that the job may give to its tries.
    """

    store: Store
    event: Run
    page: Page
    sheet: Sheet
    records: Mapping[int, Record]
    began: int
    job: range | None = None

    @property
    def dispatch_id(self) -> str:
        """The dispatch of the electron."""
        return self.event.dispatch_id


def run(store: Store, event: Run, remaining: Remaining, job: range | None = None) -> None:
    """Run the electron of the event, unless it is done already or another delivery is at it.

    Args:
        store: The outside world.
        event: Which electron, and which try.
        remaining: Tells how many seconds the process has left.
        job: In a job, the numbers of all tries that are its own: another one may be at any of them.

    Raises:
        ElectronFailed: the try failed, or the electron had failed before.
        UpstreamFailed: an input is not COMPLETED; nothing was written.

    """
    task = replace(prepare(store, event), job=job)
    lights = _lights_first(task)
    claim = store.claim(event.dispatch_id, event.node, event.attempt, clock.now())
    if claim.won:
        _record_lights(task, lights or ())
        conclude(task, _tried(task, claim, with_lights=lights is None), claim)
    else:
        answer(task, _settled(task, claim.record, remaining))


def prepare(store: Store, event: Run) -> Task:
    """Look the try up.

    Raises:
        NotFound: there is no such electron.
        UpstreamFailed: an input is not COMPLETED.

    """
    page = store.page(event.dispatch_id, keys.page_of(event.node))
    sheet = page.sheets.get(event.node)
    if sheet is None:
        raise NotFound(f"dispatch {event.dispatch_id} has no electron {event.node}")
    records = inputs.completed(store, event.dispatch_id, sheet)
    return Task(store, event, page, sheet, records, began=clock.now())


def _lights_first(task: Task) -> Sequence[Computed] | None:
    """The recorded lights that arguments are made of. One that fails keeps the electron from ever starting.

    Returns:
        What became of them; None if only the execution itself can tell.

    """
    if not any(light.is_recorded for light in task.sheet.before):
        return ()
    try:
        material = inputs.fetch(task.store, task.page, task.sheet, task.records)
    except CorruptedObject:
        return None  # will be met again, and recorded, once the electron is claimed
    lights = precompute(task.dispatch_id, task.sheet, material)
    failed = [light.node for light in lights or () if light.data is None]
    if failed:
        _record_lights(task, lights or ())
        raise UpstreamFailed(f"electron {task.sheet.id} needs node {failed[0]}, which failed")
    return lights


def _record_lights(task: Task, lights: Sequence[Computed]) -> None:
    """Record lights that several electrons may compute; the first one's records stay."""
    for outcome in outcomes.of_lights(task.store, task.dispatch_id, lights):
        written = task.store.record_light(task.dispatch_id, outcome)
        if written and outcome.status is Status.FAILED:
            task.store.mark_failed(task.dispatch_id)


def _tried(task: Task, claim: Claim, *, with_lights: bool) -> Execution:
    try:
        _check_python(task.page.python)
        material = inputs.fetch(task.store, task.page, task.sheet, task.records)
    except (CorruptedObject, UnsupportedPython) as exc:
        reason = type(exc).__name__
        return Execution(Streams(), error=f"{reason}: {exc}", reason=reason)
    pending = task.sheet.before if with_lights else ()
    awaited = None if task.job is None else claim
    with WATCHER.over(task.store, task.dispatch_id, task.sheet.id, awaited) as control:
        if handle := os.environ.get(HANDLE):
            task.store.set_job_handle(task.dispatch_id, task.sheet.id, handle)
        return execute(task.dispatch_id, task.sheet, material, pending, control)


def _check_python(wanted: str) -> None:
    """Code objects of another minor version can crash the interpreter."""
    if wanted.split(".")[:2] != platform.python_version().split(".")[:2]:
        raise UnsupportedPython(
            f"the workflow was dispatched from Python {wanted}, this runner is {platform.python_version()}"
        )


def conclude(task: Task, execution: Execution, claim: Claim) -> None:
    """Record what became of a try that was claimed.

    Raises:
        ElectronFailed: it failed.

    """
    try:
        where = task.store, task.dispatch_id, task.sheet.id
        streams = execution.streams.save(*where) | outcomes.attached(*where, execution.attached)
    finally:
        execution.streams.close()
    _record_lights(task, execution.before)
    if execution.built is not None:
        _hand_over(task, execution.built, claim, streams)
    elif execution.cancelled:
        _cancel(task, claim, streams)
    elif execution.error:
        _fail(task, execution, claim, streams)
    else:
        _complete(task, execution, claim, streams)


def _complete(task: Task, execution: Execution, claim: Claim, streams: Mapping[str, str]) -> None:
    store, dispatch_id, node = task.store, task.dispatch_id, task.sheet.id
    lights = outcomes.of_lights(store, dispatch_id, execution.after)
    outcome = Outcome(
        node=node,
        status=Status.COMPLETED,
        ended=clock.now(),
        output=outcomes.stored(store, dispatch_id, node, execution.data),
        failures=claim.record.failures,
        streams=streams,
    )
    if any(light.status is Status.FAILED for light in lights):
        store.mark_failed(dispatch_id)  # before the commit: a repeated delivery would not come here
    if store.commit(dispatch_id, outcome, lights, claim):
        _measure(task, outcome)
        gates.arrive(store, dispatch_id, task.sheet)
    else:
        answer(task, record_of(task))


def _hand_over(task: Task, built: Built, claim: Claim, streams: Mapping[str, str]) -> None:
    """Leave a sublattice's graph to the control plane."""
    sublattices.keep(task.store, task.page, task.sheet.id, built)
    if not task.store.hand_over(task.dispatch_id, task.sheet.id, claim, streams):
        answer(task, record_of(task))


def _fail(task: Task, execution: Execution, claim: Claim, streams: Mapping[str, str]) -> None:
    store, dispatch_id = task.store, task.dispatch_id
    failures = claim.record.failures + 1
    outcome = Outcome(
        node=task.sheet.id,
        status=Status.RUNNING if failures <= task.sheet.retries else Status.FAILED,
        ended=clock.now(),
        error=execution.error,
        failures=failures,
        streams=streams,
    )
    if outcome.status is Status.RUNNING:
        written = store.note_failure(dispatch_id, outcome, task.event.attempt)
    else:
        written = store.commit(dispatch_id, outcome, claim=claim)
    if not written:
        answer(task, record_of(task))
        return
    _measure(task, outcome)
    if outcome.status is Status.FAILED:
        store.mark_failed(dispatch_id)
    raise ElectronFailed(f"electron {task.sheet.id} failed with {execution.reason}")


def _cancel(task: Task, claim: Claim, streams: Mapping[str, str]) -> None:
    """Record that the electron was cancelled where its executor runs it."""
    store, node = task.store, task.sheet.id
    failures = claim.record.failures
    outcome = Outcome(node, Status.CANCELLED, clock.now(), failures=failures, streams=streams)
    if not store.commit(task.dispatch_id, outcome, claim=claim):
        answer(task, record_of(task))
        return
    _measure(task, outcome)
    store.mark_cancelled(task.dispatch_id)
    raise UpstreamFailed(f"electron {node} was cancelled")


def _measure(task: Task, outcome: Outcome) -> None:
    """Tell how long the try waited for its turn, and how long it ran."""
    status = outcome.status.value if outcome.status.is_final else "RETRIED"
    is_first = task.event.attempt == 0  # a later try waits for the interval of its retry
    ends = [record.ended for record in task.records.values() if record.ended is not None]
    ready = max(ends, default=None) if is_first else None
    metrics.tell(task.dispatch_id, status, task.began, outcome.ended, ready)


def _settled(task: Task, record: Record, remaining: Remaining) -> Record:
    """The record once the delivery that runs the code has come to an end, or time is up, or a job has fallen silent."""
    own = task.job or range(task.event.attempt, task.event.attempt + 1)
    longest, silence = (_LONGEST_PAUSE, inf) if task.job is None else (JOBS_PAUSE, SILENCE)
    pause, heard = _FIRST_PAUSE, time.monotonic()
    while (
        record.status is Status.RUNNING
        and record.attempt in own
        and not record.error  # a failed try that will be retried
        and remaining() > TIME_TO_ANSWER
        and time.monotonic() - heard < silence
    ):
        time.sleep(pause)
        pause = min(2 * pause, longest)
        before, record = record, record_of(task)
        if record != before:
            heard = time.monotonic()
    return record


def record_of(task: Task) -> Record:
    """What is recorded of the electron now."""
    node = task.sheet.id
    return task.store.records(task.dispatch_id, [node]).get(node, Record(Status.NEW_OBJECT))


def answer(task: Task, record: Record) -> None:
    """Answer as the record says, for whoever did not write it.

    Raises:
        ElectronFailed: the electron failed, or the try has not ended.
        UpstreamFailed: the electron was cancelled.

    """
    match record.status:
        case Status.DISPATCHING:
            pass  # a sublattice: its graph is built
        case Status.COMPLETED:
            gates.arrive(task.store, task.dispatch_id, task.sheet)
        case Status.FAILED:
            raise ElectronFailed(f"electron {task.sheet.id} had failed")
        case Status.CANCELLED:
            raise UpstreamFailed(f"electron {task.sheet.id} was cancelled")
        case _:
            raise ElectronFailed(f"this try of electron {task.sheet.id} has not ended")
