"""Triggers and the control plane."""

from __future__ import annotations

import os
import platform
import uuid
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from covalent._dispatch.client import connect
from covalent._dispatch.pickles import pickled
from covalent_contracts.errors import LimitExceeded
from covalent_contracts.triggers import (
    MAX_PICKLE,
    Fired,
    Firing,
    ManualSettings,
    NewTrigger,
    Overlap,
    Settings,
    Trigger,
    WatchedSettings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from covalent._dispatch.client import Client
    from covalent.triggers.base import BaseTrigger

HOST = "COVALENT_TRIGGERS_HOST"
"""The environment variable that names this machine to triggers, where its host name changes."""


def attached(triggers: Any) -> Sequence[BaseTrigger]:
    """What a lattice has as its triggers, as a list.

    Raises:
        TypeError: something in it is not a trigger.

    """
    from covalent.triggers.base import BaseTrigger  # noqa: PLC0415  # only for lattices that have some

    if not triggers:
        return ()
    found = list(triggers) if isinstance(triggers, list | tuple | set) else [triggers]
    for each in found:
        if not isinstance(each, BaseTrigger):
            raise TypeError(f"triggers of a lattice are triggers, not {each!r}")
    return found


def connected(triggers: Iterable[BaseTrigger], dispatch_id: str, address: str | None) -> None:
    """Register triggers for a dispatch, which is at `address`."""
    for each in triggers:
        each.lattice_dispatch_id = dispatch_id
        if each.dispatcher_addr is None:
            each.dispatcher_addr = address
        each.register()


def register(trigger: BaseTrigger, settings: Settings) -> str:
    """Register a trigger.

    Returns:
        Its id.

    Raises:
        RuntimeError: no dispatch is connected to it.

    """
    new = NewTrigger(
        trigger_id=str(uuid.uuid4()),
        dispatch_id=_dispatch_of(trigger),
        overlap=Overlap(trigger.overlap),
        settings=settings,
    )
    return client_of(trigger).add_trigger(new).trigger_id


def fire(trigger: BaseTrigger, event_id: str, event: Any) -> Fired:
    """Fire a registered trigger; the same event twice is the same as once."""
    _dispatch_of(trigger)
    firing = Firing(event_id=event_id, event=event)
    return client_of(trigger).fire(str(trigger.trigger_id), firing)


def runs(trigger: BaseTrigger) -> list[str]:
    """The last dispatches that a registered trigger has started."""
    return client_of(trigger).trigger(str(trigger.trigger_id)).runs


def stop(dispatch_ids: str | Iterable[str], address: str | None) -> None:
    """Stop all triggers of dispatches.

    Raises:
        NotFound: there is no such dispatch.

    """
    client = connect(address)
    wanted = [dispatch_ids] if isinstance(dispatch_ids, str) else list(dispatch_ids)
    for dispatch_id in wanted:
        for trigger in list(triggers_of(client, dispatch_id)):
            client.stop_trigger(trigger.trigger_id)


def triggers_of(client: Client, dispatch_id: str | None = None) -> Iterator[Trigger]:
    """The triggers of a dispatch, or all of the caller's."""
    cursor = None
    while True:
        page = client.triggers(dispatch_id, cursor)
        yield from page.triggers
        cursor = page.cursor
        if cursor is None:
            return


def by_hand() -> Settings:
    """The settings of a trigger that only fires when someone calls `trigger`."""
    return ManualSettings()


def watched(trigger: BaseTrigger) -> Settings:
    """The settings of a trigger that is watched on this machine.

    Raises:
        UnpicklableValue: it cannot travel to the process that watches.
        LimitExceeded: it is too large.

    """
    name = type(trigger).__name__
    data = b64encode(pickled(trigger, f"the trigger {name}")).decode()
    if len(data) > MAX_PICKLE:
        raise LimitExceeded(
            f"the trigger {name} has {len(data)} characters when pickled, {MAX_PICKLE} at most can be kept: "
            "read what is large in observe()",
            limit="characters of a pickled trigger",
            number=MAX_PICKLE,
        )
    return WatchedSettings(name=name, host=host(), pickle=data)


def host() -> str:
    """What this machine is called, so that no other one watches for its triggers."""
    return os.environ.get(HOST) or platform.node() or "localhost"


def client_of(trigger: BaseTrigger) -> Client:
    """The control plane that a trigger is registered with; in a watcher, the one that the watcher looks at."""
    given: Client | None = vars(trigger).get("_client")
    return given or connect(trigger.triggers_server_addr or trigger.dispatcher_addr)


def _dispatch_of(trigger: BaseTrigger) -> str:
    if trigger.lattice_dispatch_id is None:
        raise RuntimeError(
            f"no dispatch is connected to this {type(trigger).__name__}: set lattice_dispatch_id, "
            "or dispatch a lattice that has it among its triggers"
        )
    return trigger.lattice_dispatch_id
