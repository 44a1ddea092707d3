"""A branch stopped: record why, and let go of everything that waits for what will never come."""

import json
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from covalent_contracts import clock, keys
from covalent_contracts.envelope import Lost, Report
from covalent_contracts.sheet import Sheet
from covalent_contracts.status import Status
from covalent_runner import causes, gates, sublattices
from covalent_runner.errors import UpstreamFailed
from covalent_runner.store import Outcome, Record, Store

_TIMEOUT = "States.Timeout"
_SILENCE = "States.HeartbeatTimeout"
_SILENT = (
    "its machine has fallen silent: a spot instance was taken back, the host was lost or never got to start the "
    "electron, or its memory was used up. Retries help against the first two (retries=...), a larger machine "
    "against the last"
)


def report(store: Store, event: Report) -> None:
    """Find the electron that stopped the branch, fail it if that was not recorded, and doom its descendants."""
    records = dict(store.records(event.dispatch_id, event.nodes))
    for node in event.nodes:
        sheet = sheet_of(store, event.dispatch_id, node)
        record = records.get(node, Record(Status.NEW_OBJECT))
        if record.status is not Status.COMPLETED:
            record = _failed(store, event, sheet, record)
        if record.status is not Status.COMPLETED:
            gates.doom(
                store, event.dispatch_id, gated_descendants(store, event.dispatch_id, [sheet])
            )
            return
        # Its process may have died between its commit and its arrivals.
        gates.arrive(store, event.dispatch_id, sheet)


def _failed(store: Store, event: Report, sheet: Sheet, record: Record) -> Record:
    """The record of the electron that stopped the branch, once it is as it must be."""
    if not record.status.is_final and not _is_blameless(store, event, sheet, record):
        why = silence(sheet) if _is_silent(event, sheet, record) else explained(event, sheet)
        status, error = Status.FAILED, record.error or why
        if record.status is Status.DISPATCHING:
            status, error = sublattices.failure(store, event.dispatch_id, sheet, error)
        outcome = Outcome(
            node=sheet.id,
            status=status,
            ended=clock.now(),
            error=error,
            failures=record.failures,
        )
        store.commit(event.dispatch_id, outcome)
        record = store.records(event.dispatch_id, [sheet.id])[sheet.id]
    if record.status is Status.FAILED:
        store.mark_failed(event.dispatch_id)
    elif record.status is Status.CANCELLED:
        store.mark_cancelled(event.dispatch_id)
    return record


def _is_blameless(store: Store, event: Report, sheet: Sheet, record: Record) -> bool:
    """Whether the electron could not begin, because something that it needs has failed.

    Where Step Functions waits for a job, the error says no more than that the job failed.
    """
    if event.error == UpstreamFailed.__name__:
        return True
    if event.error != "States.TaskFailed" or record.status is not Status.NEW_OBJECT:
        return False
    needed = (*sheet.inputs, *sheet.waits)
    lights = [light.id for light in sheet.before if light.is_recorded]
    found = store.records(event.dispatch_id, {*needed, *lights})
    return any(
        node not in found or found[node].status is not Status.COMPLETED for node in needed
    ) or any(node in found and found[node].status is Status.FAILED for node in lights)


def _is_silent(event: Report, sheet: Sheet, record: Record) -> bool:
    """Whether heartbeats were missing. Step Functions may call that a timeout, as if it were the electron's limit."""
    if not sheet.heartbeat or event.error not in (_TIMEOUT, _SILENCE):
        return False
    began, limit = record.started, sheet.time_limit
    if event.error == _SILENCE or limit <= 0:
        return True
    return began is not None and clock.now() - began < limit * 1_000_000


def silence(sheet: Sheet) -> str:
    """What to say of an electron whose machine has fallen silent."""
    return f"{_SILENCE}: electron {sheet.id} was lost: {_SILENT}"


def explained(event: Report | Lost, sheet: Sheet) -> str:
    """Why an electron failed that could not record it itself."""
    document = _document(event.cause)
    job = causes.job_of(document)
    is_lost = isinstance(event, Lost)
    if not is_lost and _is_out_of_time(event, job):
        limit = f" of {sheet.time_limit:g} s" if sheet.time_limit > 0 else ""
        error = "States.Timeout" if job else event.error
        return f"{error}: electron {sheet.id} did not end within its time limit{limit}"
    if job is not None:
        return job.text
    if event.cause == causes.NO_JOBS:
        return f"{event.error}: {causes.FORGOTTEN}"
    if cure := causes.cure_of(event.error):
        return f"{event.error}: {_message(document, event.cause)}: {cure}"
    told = ": ".join(filter(None, (event.error, _message(document, event.cause))))
    return (
        told
        or f"the electron's {'execution ended before it did' if is_lost else 'process was lost'}"
    )


def _is_out_of_time(event: Report | Lost, job: causes.Job | None) -> bool:
    if job is not None and job.is_out_of_time:
        return True
    return event.error == _TIMEOUT or "Sandbox.Timedout" in f"{event.error} {event.cause}"


def _document(cause: str) -> Mapping[str, Any]:
    """The document in a cause, which is JSON where Lambda, a job or a nested execution wrote it.

    Of a job in an array there is a list with one, or none.
    """
    try:
        found = json.loads(cause)
    except ValueError:
        return {}
    if isinstance(found, list):
        found = next(iter(found), {})
    return found if isinstance(found, dict) else {}


def _message(document: Mapping[str, Any], cause: str) -> str:
    if "ExecutionArn" in document:
        told = (str(document[key]) for key in ("Status", "Error", "Cause") if document.get(key))
        return f"the nested execution ended {': '.join(told)}"
    return str(document.get("errorMessage", cause))


def gated_descendants(store: Store, dispatch_id: str, sheets: Iterable[Sheet]) -> list[int]:
    """The electrons with a gate that cannot run without these."""
    seen = {child for sheet in sheets for child in sheet.children}
    queue = deque(seen)
    gated: list[int] = []
    while queue:
        child = sheet_of(store, dispatch_id, queue.popleft())
        if child.gated:
            gated.append(child.id)
        fresh = set(child.children) - seen
        seen |= fresh
        queue += fresh
    return gated


def sheet_of(store: Store, dispatch_id: str, node: int) -> Sheet:
    """The sheet of one electron."""
    return store.page(dispatch_id, keys.page_of(node)).sheets[node]
