"""The part of the recorded run that has to do with triggers."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.iam.workflows import fired_by
from tests.running import Server
from tests.terraform.cycle import WATCHED

import covalent as ct
from covalent._triggers import registration
from covalent.triggers import BaseTrigger, DirTrigger, EventTrigger, TimeTrigger
from covalent_contracts.errors import InvalidWorkflow
from covalent_localstack import environment

PATIENCE = 60.0
"""Seconds; generous, because it only bounds a failing run."""


def refuse(server: Server, function: str, event: Any) -> None:
    """Have a function be asked for what is not there."""
    functions = server.client("lambda")
    answer = functions.invoke(FunctionName=function, Payload=json.dumps(event))
    assert "FunctionError" in answer, answer["Payload"].read()


@dataclass
class Watching:
    """The steps, on a running server."""

    server: Server

    def play(self) -> None:
        """Triggers: a machine that ticks, and is taken away meanwhile; a schedule; and what `_watch_events` has."""
        ticking = TimeTrigger(time_gap=1)
        with self._armed(ticking):
            self._fired(ticking, 1)
            states = self.server.client("stepfunctions")
            for each in states.list_state_machines()["stateMachines"]:
                states.delete_state_machine(stateMachineArn=each["stateMachineArn"])
            self._fired(ticking, 5)
        scheduled = TimeTrigger(time_gap=3600)
        with self._armed(scheduled):
            self._make_due(str(scheduled.trigger_id))
            self._fired(scheduled, 1)
        self._watch_events()

    def _watch_events(self) -> None:
        objects = self.server.client("s3")
        objects.create_bucket(Bucket=WATCHED)
        objects.put_bucket_notification_configuration(
            Bucket=WATCHED, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        arriving = DirTrigger(f"s3://{WATCHED}/in", ["created"], batch_size=2, overlap="queue")
        with self._armed(arriving):
            for number in range(6):
                objects.put_object(Bucket=WATCHED, Key=f"in/{number}", Body=b"x")
            self._fired(arriving, 3)
        with self._armed(EventTrigger({"source": ["an.application"]})) as dispatch_id:
            plain: Any = BaseTrigger  # abstract to a type checker
            by_hand = plain(lattice_dispatch_id=dispatch_id)
            by_hand.trigger({"by": "hand"})
            self._fired(by_hand, 1)
            self._lose_assets(str(by_hand.trigger_id))
        refused = EventTrigger({"source": ["an.application"]})
        refused.pattern = {"source": "no list"}
        with pytest.raises(InvalidWorkflow, match="does not take the pattern"):
            ct.dispatch(fired_by(refused))()

    def _lose_assets(self, trigger_id: str) -> None:
        """What the next run of a trigger needs is no longer there."""
        objects, name = self.server.client("s3"), {"Bucket": environment.BUCKET}
        kept = {}
        for each in objects.list_objects_v2(Prefix="assets/", **name)["Contents"]:
            kept[each["Key"]] = objects.get_object(Key=each["Key"], **name)["Body"].read()
            objects.delete_object(Key=each["Key"], **name)
        event = {"id": "later", "source": "an.application"}
        refuse(self.server, environment.FIRE, {"trigger_id": trigger_id, "event": event})
        for key, body in kept.items():
            objects.put_object(Key=key, Body=body, **name)

    @contextmanager
    def _armed(self, trigger: BaseTrigger) -> Iterator[str]:
        dispatch_id: str = ct.dispatch(fired_by(trigger))()
        yield dispatch_id
        ct.stop_triggers(dispatch_id)

    def _fired(self, trigger: BaseTrigger, times: int) -> None:
        """Wait until it has, and what it has started has ended."""
        ends = time.monotonic() + PATIENCE
        while len(found := registration.runs(trigger)) < times:
            assert time.monotonic() < ends, f"{trigger} has fired {len(found)} times only"
            time.sleep(0.05)
        for each in found:
            result = ct.get_result(each, wait=True)
            assert result.status == "COMPLETED", result
            assert result.result, "no event has arrived"

    def _make_due(self, name: str) -> None:
        """Have a schedule be due now, with the target that it has."""
        schedules = self.server.client("scheduler")
        group = environment.SCHEDULES
        target = schedules.get_schedule(Name=name, GroupName=group)["Target"]
        schedules.update_schedule(
            Name=name,
            GroupName=group,
            Target=target,
            FlexibleTimeWindow={"Mode": "OFF"},
            State="ENABLED",
            ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
        )
