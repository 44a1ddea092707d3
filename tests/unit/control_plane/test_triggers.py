"""Triggers through the API: registered, listed, shown, stopped, and fired by hand."""

from typing import Any

import boto3
import pytest
from tests.unit.control_plane.conftest import BOB, Api, Dispatched, new_trigger

from covalent_contracts.ids import new_dispatch_id
from covalent_control_plane import triggers
from covalent_control_plane.aws import Aws
from covalent_control_plane.settings import Settings, TriggerNames

URL = "/api/v1/triggers"


@pytest.fixture
def registered(dispatched: Dispatched) -> str:
    """A dispatch that has not run."""
    return dispatched(run="false")


def add(api: Api, dispatch_id: str, overlap: str = "allow", **settings: Any) -> str:
    new = new_trigger(dispatch_id, overlap, **settings)
    answer = api.post(URL, new)
    assert answer.status == 201, answer.body
    return str(new["trigger_id"])


def test_twice_is_once(api: Api, registered: str) -> None:
    new = new_trigger(registered)
    first = api.post(URL, new)
    assert (first.status, first.body["state"], first.body["runs"]) == (201, "ACTIVE", [])
    assert api.post(URL, new).body == first.body
    assert api.post(URL, new | {"overlap": "skip"}).status == 409
    assert api.get(f"{URL}/{new['trigger_id']}").body == first.body
    assert api.get(URL).body["triggers"] == [first.body]


def test_the_dispatch_must_be_there(api: Api) -> None:
    answer = api.post(URL, new_trigger(new_dispatch_id()))
    assert (answer.status, answer.body["code"]) == (404, "NotFound")


def test_lists_those_of_a_dispatch(api: Api, dispatched: Dispatched) -> None:
    one, other = dispatched(run="false"), dispatched(run="false")
    ids = [add(api, one), add(api, other), add(api, one)]
    found = api.get(URL, query={"dispatch_id": one}).body["triggers"]
    assert [each["trigger_id"] for each in found] == [ids[2], ids[0]]
    assert len(api.get(URL).body["triggers"]) == 3
    assert api.get(URL, query={"dispatch_id": new_dispatch_id()}).status == 404
    assert api.get(URL, query={"dispatch_id": "x"}).status == 404
    assert Api(BOB).get(URL).body["triggers"] == []
    assert api.get("/api/v1/dispatches").body["dispatches"][0]["dispatch_id"] == other


def test_pages(api: Api, registered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triggers, "PAGE", 2)
    ids = [add(api, registered) for _ in range(5)]
    found: list[str] = []
    query: dict[str, str] | None = None
    while query is None or query["cursor"]:
        page = api.get(URL, query=query).body
        found += [each["trigger_id"] for each in page["triggers"]]
        query = {"cursor": page["cursor"]}
    assert found == ids[::-1]


def test_a_listing_leaves_pickles_out(api: Api, registered: str) -> None:
    watched = {"kind": "watched", "name": "Mine", "host": "here", "pickle": "AAAA"}
    trigger_id = add(api, registered, **watched)
    assert api.get(URL).body["triggers"][0]["settings"] == watched | {"pickle": ""}
    assert api.get(f"{URL}/{trigger_id}").body["settings"] == watched


def test_fires_once_for_one_event(api: Api, registered: str) -> None:
    trigger_id = add(api, registered)
    fire = f"{URL}/{trigger_id}/fire"
    first = api.post(fire, {"event_id": "1", "event": {"a": 1}})
    assert (first.status, first.body) == (202, {"outcome": "started", "dispatch_id": registered})
    again = api.post(fire, {"event_id": "1", "event": {"a": 1}})
    assert again.body == {"outcome": "duplicate", "dispatch_id": registered}
    second = api.post(fire, {"event_id": "2"}).body
    assert second["outcome"] == "started"
    shown = api.get(f"{URL}/{trigger_id}").body
    assert shown["runs"] == [registered, second["dispatch_id"]]
    assert shown["fired"] == 2


def test_stopped_is_stopped(api: Api, registered: str) -> None:
    trigger_id = add(api, registered)
    assert api.delete(f"{URL}/{trigger_id}").body["state"] == "STOPPED"
    assert api.delete(f"{URL}/{trigger_id}").status == 200
    answer = api.post(f"{URL}/{trigger_id}/fire", {"event_id": "1"})
    assert answer.body == {"outcome": "stopped", "dispatch_id": None}
    assert api.get(f"/api/v1/dispatches/{registered}").body["status"] == "NEW_OBJECT"


def test_an_event_that_is_too_large(api: Api, registered: str) -> None:
    trigger_id = add(api, registered)
    answer = api.post(f"{URL}/{trigger_id}/fire", {"event_id": "1", "event": "x" * 300_000})
    assert (answer.status, answer.body["code"]) == (400, "InvalidWorkflow")


@pytest.mark.parametrize("path", [f"{URL}/x", f"{URL}/00000000-0000-0000-0000-000000000000"])
def test_what_is_not_there(api: Api, path: str) -> None:
    assert api.get(path).status == 404
    assert api.delete(path).status == 404
    assert api.post(f"{path}/fire", {"event_id": "1"}).status == 404


def test_without_triggers_nothing_of_aws_is_watched(api: Api, registered: str) -> None:
    answer = api.post(URL, new_trigger(registered, kind="time", time_gap=60))
    assert answer.status == 400
    assert "triggers = true" in answer.body["detail"]


def test_what_is_refused_leaves_nothing(
    api: Api, aws: Aws, registered: str, triggers_on: TriggerNames
) -> None:
    never = new_trigger(registered, kind="cron", expression="0 0 30 2 *")
    answer = api.post(URL, never)
    assert "never fires" in answer.body["detail"]
    assert api.get(f"{URL}/{never['trigger_id']}").status == 404


def test_all_go_on_after_a_restart(
    api: Api, aws: Aws, registered: str, triggers_on: TriggerNames
) -> None:
    kept = add(api, registered, kind="time", time_gap=60)
    gone = add(api, registered, kind="time", time_gap=60)
    manual = add(api, registered, overlap="queue")
    api.delete(f"{URL}/{gone}")
    schedules = boto3.client("scheduler")
    schedules.delete_schedule(Name=kept, GroupName=triggers_on.schedules)
    assert triggers.resume(aws) == {kept: "time", manual: "manual"}
    assert schedules.get_schedule(Name=kept, GroupName=triggers_on.schedules)["Name"] == kept


def test_names_come_from_the_environment() -> None:
    environment = {
        "COVALENT_TABLE": "t",
        "COVALENT_BUCKET": "b",
        "COVALENT_RUNNERS": "{}",
        "COVALENT_MACHINE_ROLE": "arn:aws:iam::1:role/m",
    }
    assert Settings.read(environment).triggers is None
    names = '{"function": "f", "schedules": "g", "scheduler_role": "s", "ticker_role": "t"}'
    found = Settings.read(environment | {"COVALENT_TRIGGERS": names}).triggers
    assert found == TriggerNames("f", "g", "s", "t")
    for wrong in ("{", "[1]", '{"function": "f"}'):
        with pytest.raises(Exception, match="COVALENT_TRIGGERS"):
            Settings.read(environment | {"COVALENT_TRIGGERS": wrong})
