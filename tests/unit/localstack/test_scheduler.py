"""When schedules are due, and that they call their targets."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from covalent_localstack import lambdas, scheduler
from covalent_localstack.stack import EmbeddedAws

CREATED = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC).timestamp()
PATIENCE = 30


def schedule(expression: str, **changes: Any) -> Any:
    fields = {
        "schedule_expression": expression,
        "schedule_expression_timezone": "UTC",
        "start_date": None,
        "end_date": None,
        "creation_date": CREATED,
    }
    return SimpleNamespace(**(fields | changes))


def at(hour: int, minute: int, second: int = 0) -> float:
    return datetime(2026, 11, 22, hour, minute, second, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("made", "after", "due"),
    [
        (schedule("at(2026-11-22T13:00:00)"), CREATED, at(13, 0)),
        (schedule("at(2026-11-22T11:00:00)"), CREATED, float("inf")),
        (
            schedule("at(2026-11-22T14:00:00)", schedule_expression_timezone="Europe/Berlin"),
            CREATED,
            at(13, 0),
        ),
        (schedule("rate(5 minutes)"), CREATED, at(12, 5, 30)),
        (schedule("rate(5 minutes)"), at(12, 5, 30), at(12, 10, 30)),
        (schedule("rate(1 hour)", start_date=at(12, 10)), CREATED, at(12, 10)),
        (schedule("rate(1 hour)", start_date=at(12, 10)), at(15, 0), at(15, 10)),
        (schedule("cron(*/15 * * * ? *)"), CREATED, at(12, 15)),
        (schedule("cron(0 12 30 2 ? *)"), CREATED, float("inf")),
        (schedule("rate(1 hour)", end_date=at(12, 30)), CREATED, float("inf")),
    ],
)
def test_when_it_is_due(made: Any, after: float, due: float) -> None:
    assert scheduler.due(made, after) == due


def test_what_is_no_expression() -> None:
    with pytest.raises(ValueError, match="not a schedule expression"):
        scheduler.due(schedule("every day"), CREATED)


def test_calls_its_target(
    aws: EmbeddedAws, client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[Any] = []
    is_called = threading.Event()

    def invoke(self: Any, function: Any, event: Any) -> None:
        called.append((function.function_name, event))
        is_called.set()

    monkeypatch.setattr(lambdas.Runtime, "invoke_later", invoke)
    schedules = client("scheduler")
    moment = (datetime.now(UTC) + timedelta(seconds=1)).replace(microsecond=0)
    asked = {
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": "arn:aws:lambda:us-east-1:123456789012:function:echo",
            "RoleArn": "arn:aws:iam::123456789012:role/covalent-scheduler",
            "Input": json.dumps({"scheduled": "<aws.scheduler.scheduled-time>"}),
        },
    }
    schedules.create_schedule(Name="never", ScheduleExpression="rate(1 day)", **asked)
    schedules.create_schedule(
        Name="off",
        ScheduleExpression=f"at({moment.isoformat().removesuffix('+00:00')})",
        State="DISABLED",
        **asked,
    )
    schedules.create_schedule(
        Name="once", ScheduleExpression=f"at({moment.isoformat().removesuffix('+00:00')})", **asked
    )
    assert is_called.wait(PATIENCE) or moment.timestamp() <= time.time()
    assert called == [("echo", {"scheduled": moment.strftime("%Y-%m-%dT%H:%M:%SZ")})]
