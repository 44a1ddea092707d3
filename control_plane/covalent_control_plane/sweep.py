"""Deletes state machines that nobody has used for 30 days, once a day.

listed -> parts of each -> last use of each -> condemned -> deleted

listed     the machines of this deployment, by their names.
parts      what a machine starts; read once, a definition never changes.
last use   the newest execution's start or stop, or the creation. Asked for only when it may be 30 days ago.
condemned  which of them may go. Nothing is read from AWS here.
deleted    one by one; first a look for executions that run.

A main machine that exists has all its parts: parts go only when no machine that was there at the beginning names them,
so on a later day than the machines that did. A main one whose part is missing all the same (someone deleted it by
hand) is of no use, and goes so that the next dispatch makes both.

AWS grants few of these calls a second. What was learnt is kept in the bucket and the time of a function is limited,
so each day goes on with what the days before could not look at: the machines whose last known use is the oldest.
"""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from covalent_contracts.errors import NotFound
from covalent_contracts.ids import is_dispatch_id
from covalent_control_plane import objects
from covalent_control_plane.aws import Aws
from covalent_control_plane.telemetry import count, log
from covalent_step_functions.names import machine_names

DAY = 86400
UNUSED = 30 * DAY
"""Seconds after its last use at which a machine goes."""
YOUNG = 3600
"""Seconds in which a family may still be in the making, or not be listed whole."""
RESERVE = 30.0
"""Seconds of the function's time that are left for keeping what was learnt."""
MEMORY = "sweep/machines.json"
"""The object that holds what was learnt."""

LISTING, DESCRIBING, ASKING, DELETING = 0.25, 0.1, 0.25, 1.0
"""Seconds between two calls: AWS refills 5, 20, 5 and 1 a second, and dispatches need some of them too.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""
DELETION = 2.0
"""Seconds that one deletion takes, with the look before it and the pause after it."""
_STARTS = ":states:startExecution.sync:2"


@dataclass(frozen=True)
class Known:
    """What was learnt of a machine.

    parts are the machines that it starts, None if its definition was not read. used is the time of the last known use.
    is_main tells that this was by a dispatch of its own, not as a part of another machine.
    """

    parts: tuple[str, ...] | None = None
    used: float = 0
    is_main: bool = False


@dataclass
class Swept:
    """What became of a sweep: names that were deleted, machines that could not be looked at or deleted."""

    deleted: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def sweep(
    aws: Aws,
    now: float,
    remaining: Callable[[], float],
    sleep: Callable[[float], None] = time.sleep,
) -> Swept:
    """Delete machines of this deployment that were not used for 30 days. A failure on one does not stop the others.

    Args:
        aws: the clients.
        now: seconds since the epoch.
        remaining: tells how many seconds the process has left.
        sleep: waits some seconds.

    """
    sweeper = _Sweeper(aws, now, remaining, sleep)
    try:
        sweeper.learn_parts()
        sweeper.learn_uses()
        sweeper.delete()
    finally:
        sweeper.remember()
    swept = sweeper.swept
    log().info("swept", deleted=len(swept.deleted), failed=len(swept.failed))
    return swept


def condemned(
    created: Mapping[str, float],
    known: Mapping[str, Known],
    unused: Collection[str],
    now: float,
) -> list[str]:
    """The machines that may go if none of their executions runs.

    Args:
        created: when each machine was made, all machines there are.
        known: what was learnt of them, and of those that vanished during this sweep.
        unused: those that were found unused by this sweep.
        now: seconds since the epoch.

    """
    needed = {part for each in known.values() for part in each.parts or ()}
    all_read = all(known[name].parts is not None for name in created)

    def may_go(name: str) -> bool:
        if name in needed:
            return False
        if set(known[name].parts or ()) - created.keys() and created[name] <= now - YOUNG:
            return True
        return name in unused and (all_read or known[name].is_main)

    return [name for name in created if may_go(name)]


def parts_of(definition: str) -> tuple[str, ...]:
    """The names of the machines that a definition starts."""
    found = {
        str(state["Parameters"]["StateMachineArn"]).rpartition(":")[2]
        for state in _objects(json.loads(definition))
        if str(state.get("Resource", "")).endswith(_STARTS)
        and "StateMachineArn"
        in state["Parameters"]  # that of a sublattice is known only when it runs
    }
    return tuple(sorted(found))


def _objects(document: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a JSON document."""
    waiting = [document]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


class _Sweeper:
    """One sweep: what is there, what is known of it, and how much time is left."""

    def __init__(
        self,
        aws: Aws,
        now: float,
        remaining: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._aws = aws
        self._now = now
        self._remaining = remaining
        self._sleep = sleep
        self.swept = Swept()
        self._created = dict(self._listed())
        held = _recall(aws)
        self._unused: set[str] = set()
        self._known = {name: held.get(name, Known()) for name in self._created}

    def learn_parts(self) -> None:
        """Read definitions that were not read before, for half of the time at most."""
        unread = [name for name, known in self._known.items() if known.parts is None]
        for name in self._in_time(unread, DESCRIBING, self._remaining() / 2):
            self._trying(name, self._learn_parts)

    def learn_uses(self) -> None:
        """Ask for the last use of the machines that may be unused, oldest first; leave time for deleting."""
        doubtful = [name for name in self._created if self._last_use(name) <= self._now - UNUSED]
        doubtful.sort(key=self._last_use)
        for name in self._in_time(doubtful, ASKING):
            self._trying(name, self._learn_use)
            if self._remaining() <= RESERVE + len(self._unused) * DELETION:
                return

    def delete(self) -> None:
        """Delete what may go."""
        names = condemned(self._created, self._known, self._unused, self._now)
        for name in self._in_time(names, DELETING):
            self._trying(name, self._delete)

    def remember(self) -> None:
        """Keep what was learnt for the next sweep."""
        document = {
            name: [known.parts, known.used, known.is_main]
            for name, known in self._known.items()
            if name in self._created and name not in self.swept.deleted
        }
        objects.write(self._aws, {MEMORY: json.dumps(document).encode()})

    def _listed(self) -> Iterator[tuple[str, float]]:
        ours = machine_names(f"{self._aws.settings.prefix}-")
        for page in self._aws.states.get_paginator("list_state_machines").paginate():
            for each in page["stateMachines"]:
                if ours.fullmatch(each["name"]):
                    yield each["name"], each["creationDate"].timestamp()
            self._sleep(LISTING)

    def _last_use(self, name: str) -> float:
        return max(self._created[name], self._known[name].used)

    def _in_time(
        self, names: Collection[str], pause: float, until: float = RESERVE
    ) -> Iterator[str]:
        """The names, with a pause after each, until so many seconds are left."""
        for name in names:
            if self._remaining() <= max(until, RESERVE):
                return
            yield name
            self._sleep(pause)

    def _trying(self, name: str, do: Callable[[str], None]) -> None:
        try:
            do(name)
        except self._aws.states.exceptions.StateMachineDoesNotExist:
            self._created.pop(name, None)  # someone else deleted it
        except (ClientError, BotoCoreError, ValueError, KeyError):
            log().exception("machine not swept", machine=name)
            self.swept.failed.append(name)

    def _learn_parts(self, name: str) -> None:
        found = self._aws.states.describe_state_machine(stateMachineArn=self._arn(name))
        self._known[name] = replace(self._known[name], parts=parts_of(found["definition"]))

    def _learn_use(self, name: str) -> None:
        newest = self._newest(name)
        if newest is not None:
            stopped = newest.get("stopDate")
            used = self._now if stopped is None else stopped.timestamp()
            is_main = is_dispatch_id(newest["name"])
            self._known[name] = replace(self._known[name], used=used, is_main=is_main)
        if self._last_use(name) <= self._now - UNUSED:
            self._unused.add(name)

    def _delete(self, name: str) -> None:
        if self._newest(name, statusFilter="RUNNING") is not None:
            self._known[name] = replace(self._known[name], used=self._now)
            return
        self._aws.states.delete_state_machine(stateMachineArn=self._arn(name))
        self.swept.deleted.append(name)
        count("MachinesDeleted")
        log().info("machine deleted", machine=name)

    def _newest(self, name: str, **which: Any) -> Any:
        """The execution that started last, if there is one."""
        answer = self._aws.states.list_executions(
            stateMachineArn=self._arn(name), maxResults=1, **which
        )
        return next(iter(answer["executions"]), None)

    def _arn(self, name: str) -> str:
        return self._aws.machine_arn(name)


def _recall(aws: Aws) -> dict[str, Known]:
    """What sweeps before have learnt; nothing if it cannot be read: it can be learnt again."""
    try:
        document = json.loads(objects.read(aws, MEMORY))
        return {
            name: Known(None if parts is None else tuple(parts), float(used), bool(is_main))
            for name, (parts, used, is_main) in document.items()
        }
    except NotFound:
        return {}
    except (ValueError, TypeError, AttributeError):
        log().exception("what sweeps have learnt cannot be read")
        return {}
