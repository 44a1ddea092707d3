"""What a sublattice leaves behind for the control plane, and what became of the dispatch that was made of it."""

from collections.abc import Iterator
from textwrap import indent

from covalent_contracts import keys
from covalent_contracts.built import Built
from covalent_contracts.ids import sub_dispatch_id
from covalent_contracts.sheet import Page, Sheet
from covalent_contracts.status import Status
from covalent_contracts.wording import in_one_line
from covalent_runner.store import Dispatch, Store

_WHO = "sublattice "
MAX_LISTED = 20
"""Failed electrons of a sublattice that its own error names."""
MAX_LINE = 500
"""Characters of each."""


def keep(store: Store, page: Page, node: int, built: Built) -> None:
    """Store the graph of a sublattice: its objects, and then the manifest, of which the first one stays."""
    for digest, data in built.objects.items():
        store.put(keys.asset(page.owner, digest), data)
    store.put_once(keys.sub_manifest(page.dispatch_id, node), built.manifest)


def failure(store: Store, dispatch_id: str, sheet: Sheet, told: str = "") -> tuple[Status, str]:
    """What a sublattice is recorded as whose dispatch has not succeeded.

    Args:
        store: The outside world.
        dispatch_id: The dispatch of the sublattice node.
        sheet: The node.
        told: What the state machine said.

    Returns:
        FAILED, or CANCELLED if the sublattice's dispatch was; and why.

    """
    child = sub_dispatch_id(dispatch_id, sheet.id)
    try:
        dispatch = store.dispatch(child)
    except LookupError:  # there is none: it could not be made; or only who collects may read it
        return Status.FAILED, told
    who = f"{_WHO}{sheet.name.removeprefix(':sublattice:')} (dispatch {child})"
    ended = dict(_ended_badly(store, dispatch, child))
    if dispatch.status is Status.CANCELLED or (
        ended and None in ended.values() and not any(ended.values())
    ):
        return Status.CANCELLED, f"{who} was cancelled"
    failed = [line for line in ended.values() if line]
    head = f"{who} failed: {told}" if told else f"{who} failed:"
    more = [f"and {len(failed) - MAX_LISTED} more"] if len(failed) > MAX_LISTED else []
    return Status.FAILED, "\n".join([head, *failed[:MAX_LISTED], *more])


def has_succeeded(store: Store, dispatch_id: str, dispatch: Dispatch) -> bool:
    """Whether nothing went wrong in a dispatch whose execution has succeeded."""
    if dispatch.has_failed or dispatch.status in (Status.FAILED, Status.CANCELLED):
        return False
    return not dispatch.has_cancelled or not dict(_ended_badly(store, dispatch, dispatch_id))


def _ended_badly(
    store: Store, dispatch: Dispatch, dispatch_id: str
) -> Iterator[tuple[int, str | None]]:
    """The nodes that failed, each with a line about it, and those that were cancelled, with none."""
    for number in range(keys.page_of(dispatch.nodes - 1) + 1):
        try:
            sheets = store.page(dispatch_id, number).sheets.values()
        except LookupError:  # nothing on it runs
            continue
        names = dict(pair for sheet in sheets for pair in _named(sheet))
        records = store.records(dispatch_id, tuple(names))
        for node in sorted(records):
            if records[node].status is Status.FAILED:
                yield node, f"{node}: {names[node]}: {_told(records[node].error)}"
            elif records[node].status is Status.CANCELLED:
                yield node, None


def _named(sheet: Sheet) -> Iterator[tuple[int, str]]:
    """What has a record of what a sheet tells of."""
    yield sheet.id, sheet.name
    lights = (*sheet.before, *sheet.after)
    yield from ((light.id, light.kind) for light in lights if light.is_recorded)


def _told(error: str) -> str:
    if error.startswith(_WHO):
        return indent(error, "  ").strip()
    return in_one_line(error)[:MAX_LINE]
