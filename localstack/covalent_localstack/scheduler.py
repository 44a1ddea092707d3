"""EventBridge Scheduler: schedules call their targets when they are due.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- no schedule ever calls its target -> one thread waits for the next that is due

Targets are Lambda functions. Of `at`, `rate` and `cron` expressions all are understood, in the schedule's time zone.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from moto.awslambda.models import lambda_backends
from moto.scheduler.models import EventBridgeSchedulerBackend, scheduler_backends

from covalent_contracts import cron
from covalent_localstack import lambdas
from covalent_localstack.patching import replace

_EXPRESSION = re.compile(r"(at|rate|cron)\((.*)\)")
_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_NEVER = float("inf")
GRACE = 60
"""Seconds that the time of a new schedule may be past, and it is called at once."""
_changed = threading.Condition()
_changes = 0

Deliver = Callable[[Any, float], None]


def due(schedule: Any, after: float) -> float:
    """When a schedule is next due after a time, both in seconds since the epoch; infinity for never."""
    kind, text = _expression(schedule)
    zone = ZoneInfo(schedule.schedule_expression_timezone)
    start = float(schedule.start_date or 0)
    match kind:
        case "at":
            moment = datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()
            found = moment if moment > after else _NEVER
        case "rate":
            found = _next_of_rate(text, start, float(schedule.creation_date), after)
        case _:
            begin = datetime.fromtimestamp(max(after, start - 1), zone)
            following = cron.parse(text).following(begin)
            found = _NEVER if following is None else following.timestamp()
    return found if schedule.end_date is None or found <= float(schedule.end_date) else _NEVER


def _expression(schedule: Any) -> tuple[str, str]:
    match = _EXPRESSION.fullmatch(schedule.schedule_expression)
    if match is None:
        raise ValueError(f"not a schedule expression: {schedule.schedule_expression!r}")
    return match[1], match[2]


def _next_of_rate(text: str, start: float, created: float, after: float) -> float:
    number, unit = text.split()
    period = int(number) * _UNITS[unit.removesuffix("s")]
    first = start or created + period
    if after < first:
        return first
    return first + period * (int((after - first) // period) + 1)


@dataclass
class Clock:
    """Waits for the schedules of all accounts and regions."""

    deliver: Deliver
    _is_over: bool = False
    _next: dict[tuple[str, float], float] = field(default_factory=dict)

    def run(self) -> None:
        """Deliver what is due, until stopped."""
        with _changed:
            while not self._is_over:
                seen = _changes
                moment = self._deliver(time.time())
                if seen == _changes and not self._is_over:
                    _changed.wait(None if moment == _NEVER else max(0.0, moment - time.time()))

    def stop(self) -> None:
        """Deliver nothing any more."""
        with _changed:
            self._is_over = True
            _changed.notify_all()

    def _deliver(self, now: float) -> float:
        """Deliver what is due now; when to look again."""
        known, self._next = self._next, {}
        for schedule in _enabled():
            key = (schedule.arn, schedule.last_modified_date)
            moment = known.get(key)
            if moment is None:
                since = float(schedule.last_modified_date)
                grace = 0 if schedule.schedule_expression.startswith("cron") else GRACE
                moment = due(schedule, min(now, since) - grace)
            if moment <= now:
                self.deliver(schedule, moment)
                moment = due(schedule, now)
            self._next[key] = moment
        return min(self._next.values(), default=_NEVER)


def _enabled() -> Iterator[Any]:
    for regions in list(scheduler_backends.values()):
        for backend in list(regions.values()):
            for group in list(backend.schedule_groups.values()):
                yield from (
                    each for each in list(group.schedules.values()) if each.state == "ENABLED"
                )


def deliver(schedule: Any, moment: float) -> None:
    """Call the target of a schedule, in the background."""
    _, _, service, region, account, *_ = schedule.target["Arn"].split(":")
    if service != "lambda":
        raise NotImplementedError(f"schedules cannot call {service} here")
    function = lambda_backends[account][region].get_function(schedule.target["Arn"])
    lambdas.current().invoke_later(function, json.loads(_input(schedule, moment)))


def _input(schedule: Any, moment: float) -> str:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html ."""
    scheduled = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        str(schedule.target.get("Input") or "{}")
        .replace("<aws.scheduler.scheduled-time>", scheduled)
        .replace("<aws.scheduler.schedule-arn>", schedule.arn)
    )


@contextmanager
def running() -> Iterator[Clock]:
    """A clock that runs in a thread meanwhile."""
    clock = Clock(deliver)
    thread = threading.Thread(target=clock.run, daemon=True, name="scheduler")
    thread.start()
    try:
        yield clock
    finally:
        clock.stop()
        thread.join()


def _announced(name: str) -> Callable[..., Any]:
    """A method of the backend that tells the clock when it has changed something."""
    stock = getattr(EventBridgeSchedulerBackend, name)

    def change(*args: Any, **kwargs: Any) -> Any:
        global _changes  # noqa: PLW0603  # read and written under the lock
        answer = stock(*args, **kwargs)
        with _changed:
            _changes += 1
            _changed.notify_all()
        return answer

    return change


def install() -> None:
    """Repair moto."""
    for name in ("create_schedule", "update_schedule", "delete_schedule"):
        replace(EventBridgeSchedulerBackend, name, _announced(name))
