"""A run of all that the deployment can do, for the requests that come of it."""

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.iam import recording
from tests.iam.calls import Request
from tests.iam.workflows import (
    ATTEMPTS,
    HELD,
    LARGE,
    broken,
    fired_by,
    flowers,
    long,
    nesting,
    paused,
    spying,
    wide,
)
from tests.running import Server
from tests.terraform.cycle import WATCHED

import covalent as ct
from covalent._triggers import registration
from covalent.triggers import BaseTrigger, DirTrigger, EventTrigger, TimeTrigger
from covalent_contracts import records
from covalent_contracts.api import PREFIX
from covalent_contracts.errors import InvalidWorkflow
from covalent_localstack import environment

PATIENCE = 60.0
"""Seconds; generous, because it only bounds a failing run."""
COLLEAGUE = "arn:aws:iam::123456789012:user/colleague"


@dataclass(frozen=True)
class Run:
    """What was recorded: requests of the deployment, and those that the spy made beside."""

    requests: Sequence[Request]
    attempts: Sequence[Request]


def run(folder: Path) -> Run:
    """Do everything on a server of its own, and read what was recorded.

    Args:
        folder: for the server's data and the record.

    """
    record = folder / "calls.jsonl"
    server = Server(folder, secrets.token_hex(16), module="tests.iam.recording")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(recording.VARIABLE, str(record))
        patch.setenv("COVALENT_CONFIG_DIR", str(folder / "config"))
        ct.reload_config()
        server.start()
        try:
            Script(server).play()
        finally:
            server.stop()
    ct.reload_config()
    requests = [Request(**json.loads(line)) for line in record.read_text().splitlines()]
    spied = [each for each in requests if each.role == "electron" and "Boto3" in each.agent]
    return Run([each for each in requests if each not in spied], spied)


@dataclass
class Script:
    """The steps, on a running server."""

    server: Server

    @cached_property
    def items(self) -> Any:
        """A client of the table."""
        return self.server.client("dynamodb")

    def play(self) -> None:
        """Make all steps, and see that each did what it is for."""
        first = self._ended(flowers)
        self._read(first)
        self._ended(broken, status="FAILED")
        self._ended(wide, 1200)
        divided = self._ended(long, 1800, 40, status="FAILED")
        answers = ct.get_result(self._ended(spying, first, self._owner(first))).result
        assert len(answers) == ATTEMPTS, answers
        self._ended(nesting, 0)
        self._ended(nesting, 1)
        again = ct.redispatch(first, reuse_previous_results=True)()
        assert ct.get_result(again, wait=True).status == "COMPLETED"
        self._cancel(ct.dispatch(paused)(1800, 40))
        self._stop(ct.dispatch(paused)(1800, 40))
        self._watch()
        self._look_after(divided)

    def _ended(self, lattice: Any, *args: Any, status: str = "COMPLETED") -> str:
        dispatch_id: str = ct.dispatch(lattice)(*args)
        assert ct.get_result(dispatch_id, wait=True).status == status
        return dispatch_id

    def _read(self, dispatch_id: str) -> None:
        """As its owner does: values and streams by presigned addresses, listings, records far apart, sharing."""
        result = ct.get_result(dispatch_id)
        node = next(
            each for each in result.get_all_node_results() if each["node_name"] == "measured"
        )
        assert len(node["stdout"]) > LARGE
        assert len(node["output"].get_deserialized()["bulk"]) == LARGE
        self._ask("GET", "/dispatches")
        self._ask("POST", f"/dispatches/{dispatch_id}/nodes", {"ids": [0, 9]})
        self._ask("GET", f"/dispatches/{dispatch_id}/sharing")
        self._ask("PUT", f"/dispatches/{dispatch_id}/sharing", {"shared_with": [COLLEAGUE]})

    def _ask(self, method: str, path: str, document: Any = None) -> Any:
        address = f"http://127.0.0.1:{self.server.port}{PREFIX}{path}"
        headers = {"Authorization": f"Bearer {self.server.token}"}
        answer = httpx.request(method, address, headers=headers, json=document, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _cancel(self, dispatch_id: str) -> None:
        self._await_held(dispatch_id)
        ct.cancel(dispatch_id, task_ids=[HELD])
        ct.cancel(dispatch_id)
        assert ct.get_result(dispatch_id, wait=True).status == "CANCELLED"

    def _await_held(self, dispatch_id: str) -> None:
        while "Item" not in self._item(dispatch_id, records.node_sk(HELD)):
            pass  # each look is a request; there is nothing to sleep for

    def _stop(self, dispatch_id: str) -> None:
        """While one of its parts runs."""
        self._await_held(dispatch_id)
        self.server.client("stepfunctions").stop_execution(
            executionArn=self.server.execution(dispatch_id)
        )
        assert ct.get_result(dispatch_id, wait=True).status == "FAILED"

    def _watch(self) -> None:
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
        with pytest.raises(InvalidWorkflow, match="does not take the pattern"):
            ct.dispatch(fired_by(EventTrigger({"source": "no list"})))()

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

    def _look_after(self, dispatch_id: str) -> None:
        """A dispatch that was left STARTING and has lost its machines is started again; then unused machines go."""
        states = self.server.client("stepfunctions")
        machine = self.server.execution(dispatch_id).split(":")[6]
        for each in states.list_state_machines()["stateMachines"]:
            states.delete_state_machine(stateMachineArn=each["stateMachineArn"])
        self._leave_starting(dispatch_id, machine)
        self._invoke("restart")
        assert ct.get_result(dispatch_id, wait=True).status == "FAILED"  # as before
        for _ in range(2):  # parts go a day after the machines that name them
            self._invoke("sweep")
        assert states.list_state_machines()["stateMachines"] == []

    def _leave_starting(self, dispatch_id: str, machine: str) -> None:
        self.items.update_item(
            TableName=environment.TABLE,
            Key={"pk": {"S": f"D#{dispatch_id}"}, "sk": {"S": "DISPATCH"}},
            UpdateExpression="SET #status = :status, starting = :one, asked = :now, machine = :machine",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":status": {"S": "STARTING"},
                ":one": {"S": "1"},
                ":now": {"N": str(time.time_ns() // 1000)},
                ":machine": {"S": machine},
            },
        )

    def _invoke(self, name: str) -> None:
        event = {
            **dict.fromkeys(("version", "id", "source", "account", "time", "region"), ""),
            "detail-type": "Scheduled Event",
            "resources": [],
            "detail": {},
        }
        answer = self.server.client("lambda").invoke(
            FunctionName=f"covalent-{name}", Payload=json.dumps(event)
        )
        said = answer["Payload"].read().decode()
        assert "FunctionError" not in answer, said

    def _owner(self, dispatch_id: str) -> str:
        return str(self._item(dispatch_id, records.DISPATCH)["Item"]["owner"]["S"])

    def _item(self, dispatch_id: str, sk: str) -> Any:
        key = {records.PK: {"S": records.dispatch_pk(dispatch_id)}, records.SK: {"S": sk}}
        return self.items.get_item(TableName=environment.TABLE, Key=key)
