"""An execution has ended by itself: settle the electrons that it had to run.

records read -> frontier failed -> has_failed -> descendants doomed -> arrivals repeated

An electron that could have run and has no result is failed with the cause. One that needs a node which failed, or which
never started, stays unstarted itself. Whether or not it is failed, what needs it will never run: its
descendants are doomed.

A process may outlive the execution that started it and commit while this goes on. The first commit wins, and if it is
that one, the electrons that need it could have run as well. So the frontier is failed in rounds: after each, what
became of it decides about the next electrons. One round does, unless such a commit came in between.

Every step may be repeated: after a time limit the next delivery starts from the records, and finishes what is left.
"""

from collections.abc import Iterable

from covalent_contracts import clock
from covalent_contracts.envelope import Lost
from covalent_contracts.sheet import Sheet
from covalent_contracts.status import Status
from covalent_runner import gates
from covalent_runner.report import explained, gated_descendants, sheet_of
from covalent_runner.store import Outcome, Record, Store

_UNRECORDED = Record(Status.NEW_OBJECT)


def lost(store: Store, event: Lost) -> None:
    """Settle what should have run in an execution that has ended."""
    dispatch_id = event.dispatch_id
    sheets = [sheet_of(store, dispatch_id, node) for node in event.nodes]
    records = read(store, dispatch_id, sheets)
    waiting = unfinished(sheets, records)
    while waiting:
        frontier, waiting = divided(waiting, records)
        _fail(store, event, frontier, records)
    missing = [sheet for sheet in sheets if _status(records, sheet.id) is not Status.COMPLETED]
    if missing:
        _mark(store, dispatch_id, missing, records)
        gates.doom(store, dispatch_id, gated_descendants(store, dispatch_id, missing))
    # Their processes may have died between commit and arrivals.
    gates.arrive(
        store,
        dispatch_id,
        *(sheet for sheet in sheets if _status(records, sheet.id) is Status.COMPLETED),
    )


def _mark(
    store: Store, dispatch_id: str, missing: Iterable[Sheet], records: dict[int, Record]
) -> None:
    """Say on the dispatch that not all is well, unless all that is missing was cancelled, or needs what was."""
    has_failed = any(_status(records, sheet.id) is Status.FAILED for sheet in missing)
    if has_failed or not any(record.status is Status.CANCELLED for record in records.values()):
        store.mark_failed(dispatch_id)


def read(store: Store, dispatch_id: str, sheets: Iterable[Sheet]) -> dict[int, Record]:
    """The records of the electrons, and then of what the unfinished ones need."""
    own = [sheet.id for sheet in sheets]
    records = dict(store.records(dispatch_id, own))
    needed = {node for sheet in unfinished(sheets, records) for node in _needs(sheet)}
    return {**records, **store.records(dispatch_id, sorted(needed.difference(own)))}


def unfinished(sheets: Iterable[Sheet], records: dict[int, Record]) -> list[Sheet]:
    """Those that are not final."""
    return [sheet for sheet in sheets if not _status(records, sheet.id).is_final]


def _needs(sheet: Sheet) -> set[int]:
    """The recorded nodes that keep the electron from starting: by not being COMPLETED, or by having failed."""
    return {*sheet.inputs, *sheet.waits, *_own_lights(sheet)}


def _own_lights(sheet: Sheet) -> set[int]:
    """What the electron computes itself, before it is claimed."""
    return {light.id for light in sheet.before if light.is_recorded}


def divided(waiting: list[Sheet], records: dict[int, Record]) -> tuple[list[Sheet], list[Sheet]]:
    """Of those that are not final: who could have run, and who needs one of those. The others are blocked."""
    open_nodes = {sheet.id for sheet in waiting}
    frontier: list[Sheet] = []
    later: list[Sheet] = []
    for sheet in waiting:
        if _is_blocked(sheet, records, open_nodes):
            open_nodes.discard(sheet.id)
        elif _needs(sheet) & open_nodes:
            later.append(sheet)
        else:
            frontier.append(sheet)
    return frontier, later


def _is_blocked(sheet: Sheet, records: dict[int, Record], open_nodes: set[int]) -> bool:
    """Whether something that failed or never started keeps the electron from starting."""
    if _status(records, sheet.id) in (Status.RUNNING, Status.DISPATCHING):
        return False  # it has started
    lights = _own_lights(sheet)
    for node in _needs(sheet) - open_nodes:
        status = _status(records, node)
        if status in (Status.FAILED, Status.CANCELLED):
            return True
        if status is Status.NEW_OBJECT and node not in lights:
            return True
    return False


def _fail(store: Store, event: Lost, frontier: list[Sheet], records: dict[int, Record]) -> None:
    """Fail electrons, unless they are final meanwhile; `records` then tell what became of them."""
    at = clock.now()
    failed = [
        Outcome(
            node=sheet.id,
            status=Status.FAILED,
            ended=at,
            error=records.get(sheet.id, _UNRECORDED).error or explained(event, sheet),
            failures=records.get(sheet.id, _UNRECORDED).failures,
        )
        for sheet in frontier
    ]
    written = store.commit_each(event.dispatch_id, failed) if failed else ()
    records.update((each.node, Record(Status.FAILED)) for each in failed)
    beaten = [each.node for each, ours in zip(failed, written, strict=True) if not ours]
    records.update(store.records(event.dispatch_id, beaten))


def _status(records: dict[int, Record], node: int) -> Status:
    return records.get(node, _UNRECORDED).status
