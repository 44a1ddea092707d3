"""A trigger fires: the registered dispatch runs, or a new one from the same manifest. One event never runs twice.

event -> seen before? -> complete batch? -> which run? -> may it run now? -> start

seen      a conditional write per event; without an outcome, whoever was at it may have died, so it is done again
which     the first event of all claims the registered dispatch; every other one has a dispatch whose id follows from
          trigger and event, so that whoever does it again does the same
now       with `allow` always; else the trigger holds one run at a time, which is released when its dispatch is final
start     register (from the stored manifest, nothing is unpickled), then start; both may be repeated

Whatever waits in the queue goes on when the finisher ends the run before it, or when the next event finds it ended.
"""

import json
import time
import uuid
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from covalent_contracts import keys
from covalent_contracts.errors import InvalidWorkflow, NotFound
from covalent_contracts.triggers import (
    MAX_EVENT,
    BucketSettings,
    Fired,
    Firing,
    Outcome,
    Overlap,
)
from covalent_control_plane import dispatches, manifests, objects, store, ticking, trigger_store
from covalent_control_plane.aws import Aws
from covalent_control_plane.items import DispatchItem
from covalent_control_plane.registration import register
from covalent_control_plane.telemetry import count, log
from covalent_control_plane.trigger_items import TriggerItem

_MOST_ROUNDS = 100
_REGISTERED_WITHIN = 60
"""Seconds after which a run that nobody has registered never will be."""


def deliver(aws: Aws, event: Mapping[str, Any]) -> dict[str, Any]:
    """An event of AWS for the function `fire`: of a schedule, a rule, a machine that ticks, or the finisher.

    Returns:
        What a machine that ticks has to wait for; nothing of interest to the others.

    """
    match event:
        case {"tick": _}:
            return ticking.tick(aws, event, fire)
        case {"wake": trigger_id}:
            wake(aws, str(trigger_id))
            return {}
        case {"trigger_id": trigger_id, "scheduled": moment}:
            happened = {"kind": "schedule", "time": moment}
            firing = Firing(event_id=f"scheduled {moment}", event=happened)
        case {"trigger_id": trigger_id, "event": dict(happened)}:
            firing = Firing(event_id=_id_of(happened), event=happened)
        case _:
            raise ValueError(f"not an event of a trigger: {json.dumps(event)[:200]}")
    return fire(aws, str(trigger_id), firing).model_dump(mode="json")


def fire(aws: Aws, trigger_id: str, firing: Firing) -> Fired:
    """Something has happened. Twice is the same as once.

    Raises:
        InvalidWorkflow: the event is too large.

    """
    stored = json.dumps(firing.event).encode()
    if len(stored) > MAX_EVENT:
        raise InvalidWorkflow(f"an event has at most {MAX_EVENT} bytes, this one {len(stored)}")
    trigger = trigger_store.find(trigger_id)
    if trigger is None or not trigger.is_active:
        return Fired(outcome=Outcome.STOPPED)
    key = _key(firing.event_id)
    seen = trigger_store.note(trigger_id, key)
    if seen.outcome is not None:
        return Fired(outcome=Outcome.DUPLICATE, dispatch_id=seen.run)
    if _is_foreign(aws, trigger, firing.event):
        return _settled(trigger, key, Outcome.IGNORED)
    if not (seen.complete or _completes_batch(trigger, key)):
        return _settled(trigger, key, Outcome.COUNTED)
    return _run(aws, trigger, key, stored)


def wake(aws: Aws, trigger_id: str) -> None:
    """A run of a trigger with a queue has ended: start the next one."""
    trigger = trigger_store.find(trigger_id)
    if trigger is not None and trigger.is_active and trigger.overlap == Overlap.QUEUE:
        _drain(aws, trigger)


def woken_by(aws: Aws, item: DispatchItem) -> None:
    """A dispatch has ended: if the queue of a trigger waits for it, have `fire` go on with it."""
    names = aws.settings.triggers
    if item.wakes is None or names is None:
        return
    aws.functions.invoke(
        FunctionName=names.function,
        InvocationType="Event",
        Payload=json.dumps({"wake": item.wakes}).encode(),
    )


def _run(aws: Aws, trigger: TriggerItem, key: str, event: bytes) -> Fired:
    run = _run_of(trigger, key)
    objects.write(aws, {keys.event(run): event})
    if trigger.overlap == Overlap.QUEUE:
        trigger_store.wait(trigger.trigger_id, key, run)
        trigger_store.settle(trigger.trigger_id, key, Outcome.QUEUED, run)
        has_begun = run in _drain(aws, trigger)
        outcome = Outcome.STARTED if has_begun else Outcome.QUEUED
        return Fired(outcome=outcome, dispatch_id=run)
    if trigger.overlap == Overlap.SKIP and not _holds(trigger.trigger_id, run):
        return _settled(trigger, key, Outcome.SKIPPED)
    _start(aws, trigger, key, run)
    return Fired(outcome=Outcome.STARTED, dispatch_id=run)


def _drain(aws: Aws, trigger: TriggerItem) -> list[str]:
    """Start what waits, as far as it may, the oldest first; the runs that were started.

    What has been started leaves the queue last, so that whoever dies in between is made good by the next one.
    """
    begun: list[str] = []
    for _ in range(_MOST_ROUNDS):
        item = trigger_store.waiting(trigger.trigger_id)
        if item is None or not _holds(trigger.trigger_id, item.run):
            break
        _start(aws, trigger, item.event, item.run)
        item.delete()
        begun.append(item.run)
    return begun


def _holds(trigger_id: str, run: str) -> bool:
    """Whether a run may go on: no other one of the trigger is under way."""
    for _ in range(_MOST_ROUNDS):
        item = trigger_store.find(trigger_id)
        before = item.running if item is not None else None
        held = (item.held or 0) if item is not None else 0
        if before is not None and before != run and not _has_ended(before, held):
            return False
        if trigger_store.hold(trigger_id, run, before):
            return True
    return False


def _has_ended(dispatch_id: str, held: int) -> bool:
    item = store.find(dispatch_id)
    if item is None:  # it is being registered, or whoever did that has died
        return time.time() - held > _REGISTERED_WITHIN
    return item.state.is_final


def _start(aws: Aws, trigger: TriggerItem, key: str, run: str) -> None:
    registered = store.find(trigger.dispatch_id)
    if registered is None:
        raise NotFound(
            f"the dispatch {trigger.dispatch_id} of trigger {trigger.trigger_id} is gone"
        )
    if run != registered.dispatch_id:
        _register(aws, registered, run)
    wakes = trigger.trigger_id if trigger.overlap == Overlap.QUEUE else None
    readers = set(registered.shared_with or ())
    trigger_store.mark_run(run, readers if run != registered.dispatch_id else None, wakes)
    dispatches.start(aws, registered.owner, run)
    if trigger_store.settle(trigger.trigger_id, key, Outcome.STARTED, run):
        trigger_store.started(trigger.trigger_id, run)
        count("TriggersFired", kind=trigger.kind)
        log().info("fired", correlation_id=run, trigger=trigger.trigger_id)


def _register(aws: Aws, registered: DispatchItem, run: str) -> None:
    """A new dispatch from the manifest of the registered one."""
    if store.find(run) is not None:
        return
    manifest = manifests.load(aws, registered.dispatch_id, registered.manifest)
    changes = {
        "dispatch_id": run,
        "root_dispatch_id": run,
        "redispatch_of": registered.dispatch_id,
    }
    register(aws, registered.owner, manifest.model_copy(update=changes))
    dispatches.start(aws, registered.owner, run, run=False)


def _run_of(trigger: TriggerItem, key: str) -> str:
    """The dispatch for an event: the registered one for the first event of all, else one of its own."""
    if trigger_store.claim_registered(trigger.dispatch_id, f"{trigger.trigger_id} {key}"):
        return trigger.dispatch_id
    return str(uuid.uuid5(uuid.UUID(trigger.trigger_id), key))


def _completes_batch(trigger: TriggerItem, key: str) -> bool:
    """Whether an event is the last of a batch. Of a batch that several complete at once, one does."""
    settings = _bucket(trigger)
    if settings is None or settings.batch_size == 1:
        return True
    members = trigger_store.add_to_batch(trigger.trigger_id, key)
    while key in members:
        if len(members) < settings.batch_size:
            return False
        if trigger_store.complete_batch(trigger.trigger_id, key, members, settings.batch_size):
            return True
        members = trigger_store.batch(trigger.trigger_id)
    return False


def _is_foreign(aws: Aws, trigger: TriggerItem, event: Any) -> bool:
    """Whether an event is none of the trigger's: deeper than its prefix, or caused by this deployment's own machines.

    A trigger on the executions of state machines would otherwise cause the events that it fires for.
    """
    if trigger.kind not in ("bucket", "event") or not isinstance(event, dict):
        return False
    detail = event.get("detail")
    if not isinstance(detail, dict):
        return False
    settings = _bucket(trigger)
    if settings is not None:
        key = str(detail.get("object", {}).get("key", ""))
        return not settings.recursive and "/" in key.removeprefix(settings.prefix).strip("/")
    machine = str(detail.get("stateMachineArn", ""))
    return machine.startswith(aws.machine_arn(f"{aws.settings.prefix}-"))


def _bucket(trigger: TriggerItem) -> BucketSettings | None:
    if trigger.kind != "bucket":
        return None
    return BucketSettings.model_validate_json(trigger.settings)


def _settled(trigger: TriggerItem, key: str, outcome: Outcome) -> Fired:
    trigger_store.settle(trigger.trigger_id, key, outcome)
    return Fired(outcome=outcome)


def _id_of(event: Mapping[str, Any]) -> str:
    """What an event of EventBridge is known by. S3 may tell EventBridge of one change twice, with two ids."""
    detail = event.get("detail")
    changed = detail.get("object") if isinstance(detail, dict) else None
    if event.get("source") == "aws.s3" and isinstance(changed, dict) and changed.get("sequencer"):
        change = [event.get("detail-type"), changed.get("key"), changed["sequencer"]]
        return json.dumps(change)[:1024]
    return str(event["id"])


def _key(event_id: str) -> str:
    return sha256(event_id.encode()).hexdigest()[:32]
