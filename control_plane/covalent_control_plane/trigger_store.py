"""The records of triggers in DynamoDB. Every decision that two deliveries may take at once is a conditional write."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pynamodb.exceptions import DoesNotExist, TransactWriteError
from pynamodb.transactions import TransactWrite

if TYPE_CHECKING:
    from pynamodb.expressions.update import Action

from covalent_contracts import clock, records
from covalent_contracts.triggers import RUNS_KEPT, Outcome, State
from covalent_control_plane.items import DispatchItem
from covalent_control_plane.store import NewItem, put, update
from covalent_control_plane.trigger_items import EventItem, TriggerItem, WaitingItem

REMEMBERED = 30 * 86400
"""Seconds for which an event is remembered: nothing delivers one later than a day after it happened."""


@dataclass(frozen=True)
class Page:
    """Triggers of one owner, newest first; `after` is where the next page begins."""

    items: list[TriggerItem]
    after: tuple[int, str] | None


def add(item: TriggerItem) -> bool:
    """Write a new trigger, unless it is there already."""
    return put(item, TriggerItem.pk.does_not_exist())


def remove(trigger_id: str) -> None:
    """Forget a trigger that could not be set up."""
    TriggerItem(records.trigger_pk(trigger_id), records.TRIGGER).delete()


def find(trigger_id: str) -> TriggerItem | None:
    """The trigger, or None."""
    try:
        key = records.trigger_pk(trigger_id)
        return TriggerItem.get(key, records.TRIGGER, consistent_read=True)
    except DoesNotExist:
        return None


def listing(
    owner: str, limit: int, after: tuple[int, str] | None, dispatch_id: str | None = None
) -> Page:
    """A page of an owner's triggers, newest first, beginning after `(created, id)`; of one dispatch, if it is named."""
    begin = None if after is None else _place(owner, *after)
    found = TriggerItem.by_owner.query(
        records.triggers_of(owner),
        filter_condition=None if dispatch_id is None else TriggerItem.dispatch_id == dispatch_id,
        scan_index_forward=False,
        limit=limit,
        page_size=limit,
        last_evaluated_key=begin,
    )
    items = list(found)
    more = found.last_evaluated_key is not None and bool(items)
    return Page(items, (items[-1].created, items[-1].trigger_id) if more else None)


def active() -> Iterator[TriggerItem]:
    """Every trigger that has not been stopped; reads the whole table."""
    condition = (TriggerItem.sk == records.TRIGGER) & (TriggerItem.state == State.ACTIVE.value)
    return TriggerItem.scan(condition)


def stop(trigger_id: str) -> bool:
    """Stop a trigger; False if it is not there."""
    actions = [TriggerItem.state.set(State.STOPPED.value)]
    return update(_trigger(trigger_id), actions, TriggerItem.pk.exists())


def ticks(trigger_id: str, execution: str) -> bool:
    """Say which execution ticks for a trigger; False if the trigger was stopped."""
    actions = [TriggerItem.ticking.set(execution)]
    return update(_trigger(trigger_id), actions, TriggerItem.state == State.ACTIVE.value)


def note(trigger_id: str, key: str) -> EventItem:
    """Write down that a trigger has seen an event; what is known of it if it had."""
    item = _event(trigger_id, key)
    item.ttl = int(time.time()) + REMEMBERED
    if put(item, EventItem.pk.does_not_exist()):
        return item
    return EventItem.get(item.pk, item.sk, consistent_read=True)


def settle(trigger_id: str, key: str, outcome: Outcome, run: str | None = None) -> bool:
    """Write down what has become of an event; False if that is written already."""
    actions: list[Action] = [EventItem.outcome.set(outcome.value)]
    if run is not None:
        actions.append(EventItem.run.set(run))
    not_yet = EventItem.outcome.does_not_exist() | (EventItem.outcome == Outcome.QUEUED.value)
    return update(_event(trigger_id, key), actions, not_yet)


def add_to_batch(trigger_id: str, key: str) -> frozenset[str]:
    """Add an event to the incomplete batch; the events of the batch then."""
    item = _trigger(trigger_id)
    item.update(actions=[TriggerItem.pending.add({key})])
    return frozenset(item.pending or ())


def batch(trigger_id: str) -> frozenset[str]:
    """The events of the incomplete batch."""
    item = find(trigger_id)
    return frozenset(item.pending or ()) if item is not None else frozenset()


def complete_batch(trigger_id: str, key: str, members: frozenset[str], size: int) -> bool:
    """Let an event complete a batch of so many of the members; False if they are no longer the members."""
    others = sorted(members - {key})[: size - 1]
    connection = TriggerItem._get_connection().connection
    try:
        with TransactWrite(connection=connection) as together:
            together.update(
                _trigger(trigger_id),
                actions=[TriggerItem.pending.delete({key, *others})],
                condition=TriggerItem.pending == set(members),
            )
            together.update(_event(trigger_id, key), actions=[EventItem.complete.set(True)])
    except TransactWriteError as exc:
        if exc.cause_response_code == "TransactionCanceledException":
            return False
        raise
    return True


def claim_registered(dispatch_id: str, event: str) -> bool:
    """Claim the registered dispatch, which has not run, for the first event; True if it is this event's."""
    item = DispatchItem(records.dispatch_pk(dispatch_id), records.DISPATCH)
    is_new = DispatchItem.status == "NEW_OBJECT"
    free = is_new & DispatchItem.fired_by.does_not_exist()
    ours = DispatchItem.fired_by == event
    return update(item, [DispatchItem.fired_by.set(event)], free | ours)


def mark_run(dispatch_id: str, readers: set[str] | None, wakes: str | None) -> None:
    """Before a run starts: who may read it, and which trigger's queue goes on when it ends."""
    actions: list[Action] = []
    if readers:
        actions.append(DispatchItem.shared_with.set(readers))
    if wakes:
        actions.append(DispatchItem.wakes.set(wakes))
    if actions:
        item = DispatchItem(records.dispatch_pk(dispatch_id), records.DISPATCH)
        item.update(actions=actions, condition=DispatchItem.pk.exists())


def hold(trigger_id: str, run: str, instead_of: str | None) -> bool:
    """Make a run the one that others wait for, instead of one that has ended."""
    running = TriggerItem.running
    allowed = running.does_not_exist() | (running == run)
    if instead_of is not None:
        allowed |= running == instead_of
    actions = [running.set(run), TriggerItem.held.set(int(time.time()))]
    return update(_trigger(trigger_id), actions, allowed)


def wait(trigger_id: str, key: str, run: str) -> None:
    """Put a run into the queue. A second delivery of its event may put it there again, which is harmless."""
    sk = records.waiting_sk(clock.now(), key)
    WaitingItem(records.trigger_pk(trigger_id), sk, run=run, event=key).save()


def waiting(trigger_id: str) -> WaitingItem | None:
    """The run that waits longest, or None."""
    begins = WaitingItem.sk.startswith("W#")
    pk = records.trigger_pk(trigger_id)
    return next(iter(WaitingItem.query(pk, begins, limit=1, consistent_read=True)), None)


def started(trigger_id: str, run: str) -> None:
    """Count a run, and remember its id."""
    item = _trigger(trigger_id)
    runs = TriggerItem.runs
    item.update(
        actions=[
            TriggerItem.fired.add(1),
            runs.set((runs | []).append([run])),
        ]
    )
    surplus = len(item.runs or ()) - RUNS_KEPT
    if surplus > 0:
        item.update(actions=[runs[index].remove() for index in range(surplus)])


def _trigger(trigger_id: str) -> TriggerItem:
    return TriggerItem(records.trigger_pk(trigger_id), records.TRIGGER)


def _event(trigger_id: str, key: str) -> EventItem:
    return EventItem(records.trigger_pk(trigger_id), records.event_sk(key))


def _place(owner: str, created: int, trigger_id: str) -> NewItem:
    return {
        "pk": {"S": records.trigger_pk(trigger_id)},
        "sk": {"S": records.TRIGGER},
        "owner": {"S": records.triggers_of(owner)},
        "created": {"N": str(created)},
    }
