"""A branch stopped: record why, and let go of everything that waits for what will never come."""

import json
from collections import deque

from covalent_contracts import keys
from covalent_contracts.envelope import Lost, Report
from covalent_contracts.sheet import Sheet
from covalent_contracts.status import Status
from covalent_runner import gates, inputs, outcomes
from covalent_runner.errors import UpstreamFailed
from covalent_runner.store import Outcome, Record, Store

_TIMEOUTS = ("States.Timeout", "States.HeartbeatTimeout", "Sandbox.Timedout")


def report(store: Store, event: Report) -> None:
    """Find the electron that stopped the branch, fail it if that was not recorded, and doom its descendants."""
    records = dict(store.records(event.dispatch_id, event.nodes))
    for node in event.nodes:
        sheet = _sheet(store, event.dispatch_id, node)
        record = records.get(node, Record(Status.NEW_OBJECT))
        if record.status is not Status.COMPLETED:
            record = _failed(store, event, sheet, record)
        if record.status is not Status.COMPLETED:
            gates.doom(store, event.dispatch_id, gated_descendants(store, event.dispatch_id, sheet))
            return
        # Its process may have died between its commit and its arrivals.
        gates.arrive(store, event.dispatch_id, sheet)


def lost(store: Store, event: Lost) -> None:
    """Settle what should have run in an execution that has ended.

    An electron that could have run and has no result is failed; one that lacks an input never started, and stays so.
    """
    records = dict(store.records(event.dispatch_id, event.nodes))
    for node in event.nodes:
        sheet = _sheet(store, event.dispatch_id, node)
        record = records.get(node, Record(Status.NEW_OBJECT))
        if not record.status.is_final:
            try:
                inputs.completed(store, event.dispatch_id, sheet)
            except UpstreamFailed:
                continue
            record = _failed(store, event, sheet, record)
        if record.status is Status.COMPLETED:
            gates.arrive(store, event.dispatch_id, sheet)
        else:
            gates.doom(store, event.dispatch_id, gated_descendants(store, event.dispatch_id, sheet))


def _failed(store: Store, event: Report | Lost, sheet: Sheet, record: Record) -> Record:
    """The record of the electron that stopped the branch, once it is as it must be."""
    blameless = event.error == UpstreamFailed.__name__
    if not record.status.is_final and not blameless:
        outcome = Outcome(
            node=sheet.id,
            status=Status.FAILED,
            ended=outcomes.now(),
            error=record.error or explained(event, sheet),
            failures=record.failures,
        )
        store.commit(event.dispatch_id, outcome)
        record = store.records(event.dispatch_id, [sheet.id])[sheet.id]
    if record.status is Status.FAILED:
        store.mark_failed(event.dispatch_id)
    return record


def explained(event: Report | Lost, sheet: Sheet) -> str:
    """Why an electron failed that could not record it itself."""
    cause = _message(event.cause)
    if event.error in _TIMEOUTS or "Sandbox.Timedout" in event.cause:
        limit = f" of {sheet.time_limit:g} s" if sheet.time_limit > 0 else ""
        return f"{event.error}: electron {sheet.id} did not end within its time limit{limit}"
    return f"{event.error}: {cause}" if cause else event.error or "the electron's process was lost"


def _message(cause: str) -> str:
    """The message in a cause, which is JSON where Lambda wrote it."""
    try:
        found = json.loads(cause)
    except ValueError:
        return cause
    return str(found.get("errorMessage", cause)) if isinstance(found, dict) else cause


def gated_descendants(store: Store, dispatch_id: str, sheet: Sheet) -> list[int]:
    """The electrons with a gate that cannot run without this one."""
    seen = set(sheet.children)
    queue = deque(seen)
    gated: list[int] = []
    while queue:
        child = _sheet(store, dispatch_id, queue.popleft())
        if child.gated:
            gated.append(child.id)
        fresh = set(child.children) - seen
        seen |= fresh
        queue += fresh
    return gated


def _sheet(store: Store, dispatch_id: str, node: int) -> Sheet:
    return store.page(dispatch_id, keys.page_of(node)).sheets[node]
