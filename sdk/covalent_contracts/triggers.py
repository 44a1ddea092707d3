"""Triggers: what starts a registered dispatch, and again, with a new id, each time it happens.

POST   /api/v1/triggers               NewTrigger     -> 201 Trigger
GET    /api/v1/triggers               ?dispatch_id&cursor -> 200 Triggers
GET    /api/v1/triggers/{id}                         -> 200 Trigger
DELETE /api/v1/triggers/{id}                         -> 200 Trigger, STOPPED
POST   /api/v1/triggers/{id}/fire     Firing         -> 202 Fired

Who registered the dispatch owns its triggers; to everyone else they do not exist (404).

kind      what watches                                what calls `fire`
time      EventBridge Scheduler, or a ticking machine they call the function `fire`
cron      EventBridge Scheduler                       it calls the function `fire`
bucket    a rule of EventBridge                       it calls the function `fire`
event     a rule of EventBridge                       it calls the function `fire`
watched   a process on the user's machine             POST .../fire
manual    nobody                                      POST .../fire
"""

from enum import StrEnum
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from covalent_contracts import cron
from covalent_contracts.manifest import DispatchId

TriggerId = DispatchId
"""A UUID too, chosen by the client, so that registering twice is the same as once."""
MAX_GAP = 366 * 86400
MAX_BATCH = 1000
MAX_PICKLE = 300_000
"""Characters of a watched trigger: it lives in an item of DynamoDB, which holds 400 KB."""
MAX_EVENT = 256 * 1024
"""Bytes of an event, as EventBridge has it."""
MAX_PATTERN = 2048
"""Characters of an event pattern. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""
RUNS_KEPT = 100
"""Dispatches that a trigger remembers."""


class Overlap(StrEnum):
    """What happens when a trigger fires while the run before has not ended."""

    ALLOW = "allow"
    SKIP = "skip"
    QUEUE = "queue"


class State(StrEnum):
    """Whether a trigger still fires."""

    ACTIVE = "ACTIVE"
    STOPPED = "STOPPED"


class Outcome(StrEnum):
    """What a firing has led to."""

    STARTED = "started"
    DUPLICATE = "duplicate"  # the event had been seen
    COUNTED = "counted"  # it is one of a batch that is not complete
    SKIPPED = "skipped"  # the run before has not ended
    QUEUED = "queued"  # it runs when the run before has ended
    IGNORED = "ignored"  # the event is none of the trigger's
    STOPPED = "stopped"  # the trigger was stopped


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeSettings(_Document):
    """Every `time_gap` seconds, counted from when the trigger was registered."""

    kind: Literal["time"] = "time"
    time_gap: Annotated[int, Field(ge=1, le=MAX_GAP)]


class CronSettings(_Document):
    """At the times of a cron expression, in a time zone."""

    kind: Literal["cron"] = "cron"
    expression: Annotated[str, Field(max_length=256)]
    timezone: Annotated[str, Field(max_length=64)] = "UTC"

    @field_validator("expression")
    @classmethod
    def _is_cron(cls, text: str) -> str:
        return cron.parse(text).text

    @field_validator("timezone")
    @classmethod
    def _is_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise ValueError(f"there is no time zone {name!r}") from exc
        return name


class BucketSettings(_Document):
    """When objects below a prefix of a bucket are created or deleted; `batch_size` of them are one event."""

    kind: Literal["bucket"] = "bucket"
    bucket: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    prefix: Annotated[str, Field(max_length=1024)] = ""
    events: Annotated[list[Literal["created", "deleted"]], Field(min_length=1, max_length=2)]
    batch_size: Annotated[int, Field(ge=1, le=MAX_BATCH)] = 1
    recursive: bool = False


class EventSettings(_Document):
    """When an event on the account's default bus matches a pattern of EventBridge."""

    kind: Literal["event"] = "event"
    pattern: dict[str, Any]


class WatchedSettings(_Document):
    """When the `observe` of a trigger says so, which runs on the user's machine `host`.

    pickle: the trigger, pickled, in base64; nobody but the watcher on that machine unpickles it. name: its class.
    A listing leaves the pickle out.
    """

    kind: Literal["watched"] = "watched"
    name: Annotated[str, Field(max_length=256)]
    host: Annotated[str, Field(min_length=1, max_length=256)]
    pickle: Annotated[str, Field(max_length=MAX_PICKLE)] = ""


class ManualSettings(_Document):
    """When someone asks for it."""

    kind: Literal["manual"] = "manual"


Settings = Annotated[
    TimeSettings | CronSettings | BucketSettings | EventSettings | WatchedSettings | ManualSettings,
    Field(discriminator="kind"),
]


class NewTrigger(_Document):
    """A trigger to attach to a registered dispatch."""

    trigger_id: TriggerId
    dispatch_id: DispatchId
    overlap: Overlap = Overlap.ALLOW
    settings: Settings


class Trigger(BaseModel):
    """A trigger. `created` is in microseconds since the epoch; `runs` are its last dispatches, the newest last."""

    trigger_id: TriggerId
    dispatch_id: DispatchId
    overlap: Overlap
    settings: Settings
    state: State
    created: int
    fired: int = 0
    runs: list[DispatchId] = []


class Triggers(BaseModel):
    """Triggers of the caller, newest first."""

    triggers: list[Trigger]
    cursor: str | None = None


class Firing(_Document):
    """Something has happened. The same `event_id` twice is the same as once."""

    event_id: Annotated[str, Field(min_length=1, max_length=1024)]
    event: Any = None


class Fired(BaseModel):
    """What became of it, and the dispatch that was started, if one was."""

    outcome: Outcome
    dispatch_id: DispatchId | None = None
