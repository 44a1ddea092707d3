"""Take over what the dispatch of a sublattice gave: the value that the lattice returns is the output of the node.

The execution of that dispatch has succeeded, so nothing in it runs any more; but electrons of it may have failed. Its
own last sheet tells what the lattice returns. May be repeated: the first commit wins.
"""

from dataclasses import replace

from covalent_contracts import clock, keys
from covalent_contracts.envelope import Collect
from covalent_contracts.errors import CorruptedObject
from covalent_contracts.ids import sub_dispatch_id
from covalent_contracts.sheet import Sheet
from covalent_contracts.status import Status
from covalent_runner import gates, inputs, outcomes, sublattices
from covalent_runner.errors import ElectronFailed, UpstreamFailed
from covalent_runner.execute import Execution
from covalent_runner.report import sheet_of
from covalent_runner.returning import Side, put_together
from covalent_runner.store import Outcome, Record, Store
from covalent_runner.streams import Streams


def collect(store: Store, event: Collect) -> None:
    """Commit the value of a sublattice, or why it has none.

    Raises:
        ElectronFailed: it has none.
        UpstreamFailed: it was cancelled.

    """
    sheet = sheet_of(store, event.dispatch_id, event.node)
    record = store.records(event.dispatch_id, [event.node]).get(event.node)
    if record is None:
        raise UpstreamFailed(f"sublattice {event.node} was never built")
    if not record.status.is_final:
        _commit(store, event.dispatch_id, sheet)
        record = store.records(event.dispatch_id, [event.node])[event.node]
    _answer(store, event.dispatch_id, sheet, record)


def _commit(store: Store, dispatch_id: str, sheet: Sheet) -> None:
    execution = _taken_over(store, dispatch_id, sheet)
    if execution is None:
        status, error = sublattices.failure(store, dispatch_id, sheet)
        store.commit(dispatch_id, Outcome(sheet.id, status, clock.now(), error=error))
        return
    try:
        if execution.error:
            told = f"what the sublattice returns cannot be put together: {execution.error}"
            store.commit(dispatch_id, Outcome(sheet.id, Status.FAILED, clock.now(), error=told))
            return
        _complete(store, dispatch_id, sheet, execution)
    finally:
        execution.streams.close()


def _complete(store: Store, dispatch_id: str, sheet: Sheet, execution: Execution) -> None:
    lights = outcomes.of_lights(store, dispatch_id, execution.after)
    outcome = Outcome(
        node=sheet.id,
        status=Status.COMPLETED,
        ended=clock.now(),
        output=outcomes.stored(store, dispatch_id, sheet.id, execution.data),
    )
    if any(light.status is Status.FAILED for light in lights):
        store.mark_failed(dispatch_id)  # before the commit: a repeated delivery would not come here
    store.commit(dispatch_id, outcome, lights)


def _taken_over(store: Store, dispatch_id: str, sheet: Sheet) -> Execution | None:
    """What the sublattice's own dispatch gave; None if that has not succeeded."""
    child = sub_dispatch_id(dispatch_id, sheet.id)
    dispatch = store.dispatch(child)
    if not sublattices.has_succeeded(store, child, dispatch):
        return None
    # Of what the node needed itself nothing is needed any more.
    rest = replace(sheet, function=None, before=(), inputs=(), waits=())
    try:
        returned = _side(store, child, sheet_of(store, child, dispatch.nodes - 1))
        node = _side(store, dispatch_id, rest)
    except UpstreamFailed:
        return None
    except CorruptedObject as exc:
        return Execution(Streams(), error=f"CorruptedObject: {exc}", reason="CorruptedObject")
    return put_together(dispatch_id, node, returned)


def _side(store: Store, dispatch_id: str, sheet: Sheet) -> Side:
    records = inputs.completed(store, dispatch_id, sheet)
    page = store.page(dispatch_id, keys.page_of(sheet.id))
    return Side(sheet, inputs.fetch(store, page, sheet, records))


def _answer(store: Store, dispatch_id: str, sheet: Sheet, record: Record) -> None:
    match record.status:
        case Status.COMPLETED:
            gates.arrive(store, dispatch_id, sheet)
        case Status.CANCELLED:
            store.mark_cancelled(dispatch_id)
            raise UpstreamFailed(f"sublattice {sheet.id} was cancelled")
        case _:
            store.mark_failed(dispatch_id)
            raise ElectronFailed(f"sublattice {sheet.id} failed")
