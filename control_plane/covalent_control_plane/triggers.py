"""What can be done with triggers: register, list, show, stop; they belong to who owns the dispatch."""

from pydantic import TypeAdapter

from covalent_contracts import clock, records
from covalent_contracts.errors import Conflict, CovalentError, NotFound
from covalent_contracts.triggers import (
    Fired,
    Firing,
    NewTrigger,
    Overlap,
    Settings,
    State,
    Trigger,
    Triggers,
    WatchedSettings,
)
from covalent_control_plane import answers, arming, firing, trigger_store
from covalent_control_plane.aws import Aws
from covalent_control_plane.dispatches import owned
from covalent_control_plane.pages import Cursor
from covalent_control_plane.telemetry import log
from covalent_control_plane.trigger_items import TriggerItem

PAGE = 50
"""Triggers of one answer."""
_settings: TypeAdapter[Settings] = TypeAdapter(Settings)


def register(aws: Aws, owner: str, new: NewTrigger) -> Trigger:
    """Attach a trigger to a registered dispatch. The same one twice is the same as once.

    Raises:
        NotFound: the dispatch is not there, or not the owner's.
        Conflict: the id belongs to another trigger.
        InvalidWorkflow: it could never fire.

    """
    owned(owner, new.dispatch_id)
    arming.check(aws, new.settings)
    item = _item(owner, new)
    is_new = trigger_store.add(item)
    if not is_new:
        item = _known(item)
    if item.is_active:
        _arm(aws, item, new.settings, is_new=is_new)
    log().info("trigger registered", correlation_id=new.dispatch_id, trigger=new.trigger_id)
    return shown(item)


def listing(owner: str, cursor: str | None, dispatch_id: str | None) -> Triggers:
    """The owner's triggers, newest first, or those of one dispatch; without what only a watcher needs.

    Raises:
        NotFound: the dispatch is not there, or not the owner's.

    """
    if dispatch_id is not None:
        owned(owner, dispatch_id)
    after = None if cursor is None else Cursor.read(cursor)
    page = trigger_store.listing(owner, PAGE, after, dispatch_id)
    found = answers.fitting(shown(item, whole=False) for item in page.items)
    if len(found) < len(page.items) or page.after is not None:
        return Triggers(
            triggers=list(found), cursor=Cursor(found[-1].created, found[-1].trigger_id).write()
        )
    return Triggers(triggers=list(found))


def show(owner: str, trigger_id: str) -> Trigger:
    """One trigger.

    Raises:
        NotFound: it is not there, or not the owner's.

    """
    return shown(_owned(owner, trigger_id))


def stop(aws: Aws, owner: str, trigger_id: str) -> Trigger:
    """Stop a trigger for good. What it has started runs on; what is in its queue does not start any more.

    Raises:
        NotFound: it is not there, or not the owner's.

    """
    _owned(owner, trigger_id)
    trigger_store.stop(trigger_id)
    item = _owned(owner, trigger_id)  # as it is now: another execution may tick
    arming.disarm(aws, item)
    return shown(item)


def fire(aws: Aws, owner: str, trigger_id: str, happened: Firing) -> Fired:
    """Fire a trigger, for whoever watches for it.

    Raises:
        NotFound: it is not there, or not the owner's.

    """
    _owned(owner, trigger_id)
    return firing.fire(aws, trigger_id, happened)


def resume(aws: Aws) -> dict[str, str]:
    """Have AWS watch for every trigger again; for the offline AWS, which forgets that when it stops.

    Returns:
        The kinds of the triggers by id.

    """
    found = list(trigger_store.active())
    for item in found:
        try:
            arming.arm(aws, item, settings_of(item))
            if item.overlap == Overlap.QUEUE:
                firing.wake(aws, item.trigger_id)
        except Exception:  # noqa: BLE001  # whatever it is, the others must fire
            log().exception("a trigger cannot go on", trigger=item.trigger_id)
    return {item.trigger_id: item.kind for item in found}


def settings_of(item: TriggerItem) -> Settings:
    """The settings of a stored trigger."""
    return _settings.validate_json(item.settings)


def shown(item: TriggerItem, *, whole: bool = True) -> Trigger:
    """A trigger as the API shows it."""
    settings = settings_of(item)
    if not whole and isinstance(settings, WatchedSettings):
        settings = settings.model_copy(update={"pickle": ""})
    return Trigger(
        trigger_id=item.trigger_id,
        dispatch_id=item.dispatch_id,
        overlap=Overlap(item.overlap),
        settings=settings,
        state=State(item.state),
        created=item.created,
        fired=item.fired or 0,
        runs=list(item.runs or ()),
    )


def _arm(aws: Aws, item: TriggerItem, settings: Settings, *, is_new: bool) -> None:
    try:
        arming.arm(aws, item, settings)
    except CovalentError:
        if is_new:  # refused: nobody shall find a trigger that never fires
            trigger_store.remove(item.trigger_id)
        raise


def _item(owner: str, new: NewTrigger) -> TriggerItem:
    return TriggerItem(
        records.trigger_pk(new.trigger_id),
        records.TRIGGER,
        owner=records.triggers_of(owner),
        created=clock.now(),
        dispatch_id=new.dispatch_id,
        kind=new.settings.kind,
        settings=new.settings.model_dump_json(),
        overlap=new.overlap.value,
        state=State.ACTIVE.value,
    )


def _known(item: TriggerItem) -> TriggerItem:
    """The trigger that has the id already, if it is the same one."""
    known = trigger_store.find(item.trigger_id)
    same = ("owner", "dispatch_id", "settings", "overlap")
    if known is None or any(getattr(known, each) != getattr(item, each) for each in same):
        raise Conflict(f"the id {item.trigger_id} belongs to another trigger")
    return known


def _owned(owner: str, trigger_id: str) -> TriggerItem:
    item = trigger_store.find(trigger_id)
    if item is None or item.principal != owner:
        raise NotFound(f"there is no trigger {trigger_id}")
    return item
