"""Triggers that tick: to the second, without drift, in executions that end before AWS ends them."""

import json
import time
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from statelint.config import Config
from statelint.linter import Linter
from tests.unit.control_plane.conftest import EVENTS, NAMES, Api, Dispatched, new_trigger

from covalent_contracts.triggers import Firing, TimeSettings
from covalent_control_plane import application, ticking, trigger_store
from covalent_control_plane.aws import Aws
from covalent_control_plane.settings import TriggerNames
from covalent_control_plane.ticking import Over

URL = "/api/v1/triggers"


@pytest.fixture
def trigger_id(api: Api, dispatched: Dispatched, triggers_on: TriggerNames) -> str:
    """A trigger that ticks every two seconds."""
    new = new_trigger(dispatched(run="false"), kind="time", time_gap=2)
    answer = api.post(URL, new)
    assert answer.status == 201, answer.body
    return str(new["trigger_id"])


def tick(trigger_id: str, **changes: Any) -> dict[str, Any]:
    """The recorded event of a tick."""
    event: dict[str, Any] = json.loads((EVENTS / "fire" / "tick.json").read_text())
    return event | {"trigger_id": trigger_id} | changes


def executions(aws: Aws) -> list[dict[str, Any]]:
    machine = aws.machine_arn(ticking.machine_name(aws.settings.prefix, NAMES))
    found = aws.states.list_executions(stateMachineArn=machine)["executions"]
    shown = [aws.states.describe_execution(executionArn=each["executionArn"]) for each in found]
    return [{"name": each["name"], **json.loads(each["input"])} for each in shown]


def created(trigger_id: str) -> int:
    item = trigger_store.find(trigger_id)
    assert item is not None
    return item.created


def test_the_machine_is_valid() -> None:
    text = ticking.definition("arn:aws:lambda:eu-west-1:123456789012:function:f")
    assert Linter.validate(text, Config(["URI", "FLOAT"], False, False)) == []


def test_begins_with_the_first_tick(aws: Aws, trigger_id: str) -> None:
    (begun,) = executions(aws)
    start = created(trigger_id) // 1_000_000
    assert begun["name"] == f"{trigger_id}-1"
    assert (begun["tick"], begun["first"]) == (1, 1)
    assert datetime.fromisoformat(begun["next"]).timestamp() == start + 2


def test_a_tick_fires_once_and_tells_the_next(
    api: Api, trigger_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = created(trigger_id) // 1_000_000
    monkeypatch.setattr(time, "time", lambda: start + 2.3)
    after = application.fire(tick(trigger_id), None)
    assert (after["tick"], after["first"]) == (2, 1)
    assert datetime.fromisoformat(after["next"]).timestamp() == start + 4
    assert application.fire(tick(trigger_id), None) == after
    assert api.get(f"{URL}/{trigger_id}").body["fired"] == 1


@pytest.mark.parametrize(("late", "number"), [(9.5, 2), (60, 2), (1000, 471)])
def test_ticks_that_are_late(
    trigger_id: str, monkeypatch: pytest.MonkeyPatch, late: float, number: int
) -> None:
    """They are made up for, unless they are later than a minute."""
    start = created(trigger_id) // 1_000_000
    monkeypatch.setattr(time, "time", lambda: start + late)
    after = application.fire(tick(trigger_id), None)
    assert after["tick"] == number
    assert datetime.fromisoformat(after["next"]).timestamp() == start + 2 * number


def test_another_execution_goes_on(
    aws: Aws, trigger_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticking, "MOST_TICKS", 10)
    assert application.fire(tick(trigger_id, tick=9), None)["first"] == 1
    for _ in range(2):  # delivered twice
        with pytest.raises(Over):
            application.fire(tick(trigger_id, tick=10), None)
    begun = {each["name"]: each for each in executions(aws)}
    assert set(begun) == {f"{trigger_id}-1", f"{trigger_id}-11"}
    assert begun[f"{trigger_id}-11"]["first"] == 11
    item = trigger_store.find(trigger_id)
    assert item is not None
    assert str(item.ticking).endswith(f"{trigger_id}-11")


def test_an_execution_ends_within_a_year() -> None:
    slow = TimeSettings(time_gap=7 * 86400 + 1)
    assert not ticking._is_used_up(slow, ticking.Tick("t", 42, 1))
    assert ticking._is_used_up(slow, ticking.Tick("t", 43, 1))


def test_stopped(aws: Aws, api: Api, trigger_id: str) -> None:
    assert api.delete(f"{URL}/{trigger_id}").status == 200
    with pytest.raises(Over):
        application.fire(tick(trigger_id), None)
    assert api.delete(f"{URL}/{trigger_id}").status == 200


def test_a_tick_that_cannot_fire_does_not_end_the_ticking(
    aws: Aws, trigger_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(aws: Aws, trigger_id: str, firing: Firing) -> None:
        raise ClientError({"Error": {"Code": "Throttling"}}, "StartExecution")

    for attempt in range(ticking.TRIES - 1):
        with pytest.raises(ClientError):
            ticking.tick(aws, tick(trigger_id, attempt=attempt), refuse)
    assert ticking.tick(aws, tick(trigger_id, attempt=ticking.TRIES - 1), refuse)["tick"] == 2


@given(
    gap=st.integers(1, 10**6),
    created=st.integers(10**15, 2 * 10**15),
    passed=st.floats(0, 10**8, allow_nan=False),
)
def test_the_next_tick_is_the_first_to_come(gap: int, created: int, passed: float) -> None:
    settings = TimeSettings(time_gap=gap)
    now = created // 1_000_000 + passed
    following = ticking.following(settings, created, now)
    assert ticking.moment(settings, created, following) > now
    assert following == 1 or ticking.moment(settings, created, following - 1) <= now
    assert (ticking.moment(settings, created, following) - created // 1_000_000) % gap == 0
