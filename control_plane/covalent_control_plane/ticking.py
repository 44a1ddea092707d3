"""Time triggers that EventBridge Scheduler is too coarse for: a small state machine that ticks.

    wait until `next` -> call `fire`, which answers with the time after -> wait ...

- Every time is the start plus a whole number of gaps, so nothing drifts. Ticks that are late are made up for, each
  with the time that it should have had; those that are late by more than a minute are left out.
- A tick is two transitions and about seven events. Before the 25,000 events or the year of an execution are used up,
  `fire` starts the next execution, which goes on with the next tick, and ends this one with the error `Over`.
- The execution is named after trigger and tick, and an event after its tick: each happens once.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any

from covalent_contracts.errors import Unavailable
from covalent_contracts.triggers import Firing, TimeSettings
from covalent_control_plane import trigger_store
from covalent_control_plane.aws import Aws
from covalent_control_plane.settings import TriggerNames
from covalent_control_plane.telemetry import log
from covalent_control_plane.trigger_items import TriggerItem

MINUTE = 60
"""Seconds that EventBridge Scheduler counts in."""
MOST_TICKS = 3000
"""Ticks of one execution: 7 events each, and room for those that are retried."""
MOST_SECONDS = 300 * 86400
"""Seconds that one execution ticks for; AWS ends it after a year."""
MADE_UP_FOR = 60
"""Seconds by which a tick may be late."""
TRIES = 3
"""Times that the firing of one tick is tried before the next one is waited for."""
_WAITS = (0.0, 0.2, 0.4, 0.8, 1.6, 3.2)


class Over(Exception):
    """An execution need not tick any more: another goes on, or the trigger was stopped."""


@dataclass(frozen=True)
class Tick:
    """The tick that an execution waits for, and the one that it began with."""

    trigger_id: str
    number: int
    first: int
    attempt: int = 0

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> "Tick":
        """The tick in an event of the machine."""
        return cls(
            str(event["trigger_id"]),
            int(event["tick"]),
            int(event["first"]),
            int(event.get("attempt", 0)),
        )

    def state(self, settings: TimeSettings, created: int) -> dict[str, Any]:
        """The tick as the machine carries it."""
        return {
            "trigger_id": self.trigger_id,
            "tick": self.number,
            "first": self.first,
            "next": _iso(moment(settings, created, self.number)),
        }


def ticks(settings: TimeSettings) -> bool:
    """Whether a machine must tick, because Scheduler cannot: it counts in minutes."""
    return settings.time_gap % MINUTE != 0


def moment(settings: TimeSettings, created: int, tick: int) -> float:
    """When a tick is, in seconds since the epoch; the first is one gap after the second of the start.

    Step Functions waits until a whole second: it cuts fractions off.
    """
    return created // 1_000_000 + tick * settings.time_gap


def following(settings: TimeSettings, created: int, now: float) -> int:
    """The first tick after a time."""
    return max(1, int((now - created // 1_000_000) // settings.time_gap) + 1)


def start(aws: Aws, names: TriggerNames, item: TriggerItem, settings: TimeSettings) -> None:
    """Have a trigger tick from now on, with the next tick that is due."""
    number = following(settings, item.created, time.time())
    _go_on(aws, names, item, settings, Tick(item.trigger_id, number, number))


def stop(aws: Aws, item: TriggerItem) -> None:
    """Stop what ticks for a trigger."""
    if item.ticking is None:
        return
    errors = aws.states.exceptions
    try:
        aws.states.stop_execution(executionArn=item.ticking, cause="The trigger was stopped.")
    except (errors.ExecutionDoesNotExist, errors.ValidationException):
        return  # it has ended, or did not survive a restart of the offline AWS


def tick(
    aws: Aws, event: Mapping[str, Any], fire: Callable[[Aws, str, Firing], object]
) -> dict[str, Any]:
    """A tick is due: fire, and say what to wait for.

    Raises:
        Over: for nothing, in this execution.

    """
    due = Tick.read(event)
    item = trigger_store.find(due.trigger_id)
    names = aws.settings.triggers
    if item is None or not item.is_active or names is None:
        raise Over("the trigger was stopped")
    settings = TimeSettings.model_validate_json(item.settings)
    happened = _iso(moment(settings, item.created, due.number))
    firing = Firing(
        event_id=f"tick {due.number}",
        event={"kind": "time", "time": happened, "number": due.number},
    )
    try:
        fire(aws, due.trigger_id, firing)
    except Exception:
        if due.attempt < TRIES - 1:
            raise
        log().exception("a tick could not fire", trigger=due.trigger_id, tick=due.number)
    later = max(due.number + 1, following(settings, item.created, time.time() - MADE_UP_FOR))
    after = Tick(due.trigger_id, later, due.first)
    if _is_used_up(settings, after):
        _go_on(aws, names, item, settings, Tick(due.trigger_id, later, later))
        raise Over("another execution goes on")
    return after.state(settings, item.created)


def _is_used_up(settings: TimeSettings, after: Tick) -> bool:
    count = after.number - after.first
    return count >= MOST_TICKS or (count + 1) * settings.time_gap > MOST_SECONDS


def _go_on(
    aws: Aws, names: TriggerNames, item: TriggerItem, settings: TimeSettings, begin: Tick
) -> None:
    """Start an execution that begins with a tick. Twice is the same as once."""
    machine = machine_name(aws.settings.prefix, names)
    name = f"{item.trigger_id}-{begin.number}"
    if not trigger_store.ticks(item.trigger_id, aws.execution_arn(machine, name)):
        return  # it was stopped meanwhile
    state = json.dumps(begin.state(settings, item.created))
    errors = aws.states.exceptions
    for wait in _WAITS:
        time.sleep(wait)
        try:
            aws.states.start_execution(
                stateMachineArn=aws.machine_arn(machine), name=name, input=state
            )
        except errors.ExecutionAlreadyExists:
            return
        except errors.StateMachineDoesNotExist:
            _make(aws, names, machine)
        else:
            return
    raise Unavailable("the state machine that ticks is not there yet: register the trigger again")


def _make(aws: Aws, names: TriggerNames, machine: str) -> None:
    errors = aws.states.exceptions
    try:
        aws.states.create_state_machine(
            name=machine,
            definition=definition(names.function),
            roleArn=names.ticker_role,
            type="STANDARD",
        )
    except (errors.StateMachineAlreadyExists, errors.StateMachineDeleting):
        return


def machine_name(prefix: str, names: TriggerNames) -> str:
    """The name of the machine that ticks, made like those of dispatches, so that `sweep` knows it."""
    text = definition(names.function) + names.ticker_role
    return f"{prefix}-{sha256(text.encode()).hexdigest()[:40]}"


@cache
def definition(function: str) -> str:
    """The machine, one for all triggers of a deployment."""
    states = {
        "wait": {"Type": "Wait", "TimestampPath": "$.next", "Next": "fire"},
        "fire": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {
                "FunctionName": function,
                "Payload": {
                    "trigger_id.$": "$.trigger_id",
                    "tick.$": "$.tick",
                    "first.$": "$.first",
                    "attempt.$": "$$.State.RetryCount",
                },
            },
            "OutputPath": "$.Payload",
            "Retry": [
                {"ErrorEquals": ["Over"], "MaxAttempts": 0},
                {
                    "ErrorEquals": ["States.ALL"],
                    "IntervalSeconds": 1,
                    "MaxAttempts": 30,
                    "BackoffRate": 2.0,
                    "MaxDelaySeconds": 300,
                    "JitterStrategy": "FULL",
                },
            ],
            "Catch": [{"ErrorEquals": ["Over"], "Next": "over"}],
            "Next": "wait",
        },
        "over": {"Type": "Succeed"},
    }
    return json.dumps({"StartAt": "wait", "States": states})


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
