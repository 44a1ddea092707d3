"""Events, as AWS delivers them to `fire`, and what becomes of runs that overlap."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from tests.unit.control_plane.conftest import BOB, EVENTS, Api, Dispatched, new_trigger

from covalent_contracts import keys
from covalent_contracts.status import Status
from covalent_contracts.triggers import RUNS_KEPT, Firing
from covalent_control_plane import application, firing, store, trigger_store
from covalent_control_plane.aws import Aws
from covalent_control_plane.settings import TriggerNames

URL = "/api/v1/triggers"


@pytest.fixture
def registered(dispatched: Dispatched, triggers_on: TriggerNames) -> str:
    """A dispatch that has not run, where there are triggers."""
    return dispatched(run="false")


def add(api: Api, dispatch_id: str, overlap: str = "allow", **settings: Any) -> str:
    new = new_trigger(dispatch_id, overlap, **settings)
    answer = api.post(URL, new)
    assert answer.status == 201, answer.body
    return str(new["trigger_id"])


def fire(aws: Aws, trigger_id: str, event_id: str) -> tuple[str, str | None]:
    fired = firing.fire(aws, trigger_id, Firing(event_id=event_id, event={"id": event_id}))
    return fired.outcome.value, fired.dispatch_id


def recorded(name: str, trigger_id: str) -> dict[str, Any]:
    """A recorded event, for a trigger."""
    text = (EVENTS / "fire" / f"{name}.json").read_text()
    event: dict[str, Any] = json.loads(text)
    return event | {"trigger_id": trigger_id}


def stored(aws: Aws, dispatch_id: str) -> Any:
    found = aws.objects.get_object(Bucket=aws.settings.bucket, Key=keys.event(dispatch_id))
    return json.loads(found["Body"].read())


def end(dispatch_id: str) -> None:
    assert store.advance(dispatch_id, Status.COMPLETED) is not None


def statuses(*dispatch_ids: str | None) -> list[str]:
    found = [store.find(str(each)) for each in dispatch_ids]
    return [each.status for each in found if each is not None]


def test_later_runs_are_dispatches_of_the_same_workflow(
    aws: Aws, api: Api, registered: str
) -> None:
    shared = f"/api/v1/dispatches/{registered}/sharing"
    assert api.put(shared, {"shared_with": [BOB]}).status == 200
    trigger_id = add(api, registered)
    assert fire(aws, trigger_id, "1") == ("started", registered)
    outcome, run = fire(aws, trigger_id, "2")
    assert (outcome, run == registered) == ("started", False)
    assert statuses(registered, run) == ["RUNNING", "RUNNING"]
    first, second = store.find(registered), store.find(str(run))
    assert first is not None
    assert second is not None
    assert (second.name, second.owner, second.machine) == (first.name, first.owner, first.machine)
    assert second.shared_with == first.shared_with
    address = Api(BOB).get(f"/api/v1/dispatches/{run}/manifest").body["url"]
    assert address
    manifest = json.loads(
        aws.objects.get_object(Bucket=aws.settings.bucket, Key=keys.manifest(str(run)))[
            "Body"
        ].read()
    )
    assert manifest["redispatch_of"] == registered
    assert manifest["dispatch_id"] == manifest["root_dispatch_id"] == run
    assert [stored(aws, each) for each in (registered, str(run))] == [{"id": "1"}, {"id": "2"}]


def test_several_triggers_of_one_dispatch(aws: Aws, api: Api, registered: str) -> None:
    one, other = add(api, registered), add(api, registered)
    assert fire(aws, one, "1") == ("started", registered)
    assert fire(aws, other, "1")[1] not in (registered, None)


def test_a_dispatch_that_was_started_by_hand_runs_anew(aws: Aws, api: Api, registered: str) -> None:
    trigger_id = add(api, registered)
    assert api.post(f"/api/v1/dispatches/{registered}/start").status == 202
    outcome, run = fire(aws, trigger_id, "1")
    assert (outcome, run == registered) == ("started", False)


@pytest.mark.usefixtures("atomic")
def test_many_deliveries_at_once_run_once(aws: Aws, api: Api, registered: str) -> None:
    trigger_id = add(api, registered)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: fire(aws, trigger_id, "1"), range(8)))
    assert {run for _, run in found} == {registered}
    shown = api.get(f"{URL}/{trigger_id}").body
    assert (shown["fired"], shown["runs"]) == (1, [registered])


def test_a_delivery_that_died_is_made_good(
    aws: Aws, api: Api, registered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger_id = add(api, registered)
    fire(aws, trigger_id, "1")
    with monkeypatch.context() as patch:
        patch.setattr(firing, "register", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fire(aws, trigger_id, "2")
    outcome, run = fire(aws, trigger_id, "2")
    assert outcome == "started"
    assert fire(aws, trigger_id, "2") == ("duplicate", run)


def test_skips_while_the_run_before_is_under_way(aws: Aws, api: Api, registered: str) -> None:
    trigger_id = add(api, registered, "skip")
    assert fire(aws, trigger_id, "1") == ("started", registered)
    assert fire(aws, trigger_id, "2") == ("skipped", None)
    end(registered)
    assert fire(aws, trigger_id, "2") == ("duplicate", None)
    assert fire(aws, trigger_id, "3")[0] == "started"
    assert fire(aws, trigger_id, "4")[0] == "skipped"


def test_queues_in_order_and_goes_on_when_a_run_ends(
    aws: Aws, api: Api, registered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[dict[str, Any]] = []
    monkeypatch.setattr(
        aws.functions, "invoke", lambda **asked: woken.append(json.loads(asked["Payload"]))
    )
    trigger_id = add(api, registered, "queue")
    assert fire(aws, trigger_id, "1") == ("started", registered)
    runs = [fire(aws, trigger_id, str(number)) for number in (2, 3)]
    assert [outcome for outcome, _ in runs] == ["queued", "queued"]
    assert statuses(*(run for _, run in runs)) == []
    assert fire(aws, trigger_id, "2") == ("duplicate", runs[0][1])
    _finish(aws, registered)
    assert woken == [{"wake": trigger_id}]
    assert application.fire(woken[0], None) == {}
    assert statuses(runs[0][1]) == ["RUNNING"]
    assert statuses(runs[1][1]) == []
    assert application.fire(woken[0], None) == {}  # delivered again
    assert statuses(runs[1][1]) == []
    _finish(aws, str(runs[0][1]))
    application.fire(woken[1], None)
    assert statuses(runs[1][1]) == ["RUNNING"]
    assert api.get(f"{URL}/{trigger_id}").body["fired"] == 3


def _finish(aws: Aws, dispatch_id: str) -> None:
    """The execution of a dispatch ends."""
    from covalent_control_plane import finish

    item = store.find(dispatch_id)
    assert item is not None
    detail = {
        "status": "SUCCEEDED",
        "name": dispatch_id,
        "executionArn": aws.execution_arn(item.machine, dispatch_id),
        "stateMachineArn": aws.machine_arn(item.machine),
    }
    assert finish.finish(aws, detail) is not None


def test_what_waits_when_the_trigger_is_stopped_does_not_start(
    aws: Aws, api: Api, registered: str
) -> None:
    trigger_id = add(api, registered, "queue")
    fire(aws, trigger_id, "1")
    _, run = fire(aws, trigger_id, "2")
    assert api.delete(f"{URL}/{trigger_id}").status == 200
    end(registered)
    firing.wake(aws, trigger_id)
    assert statuses(run) == []


def test_schedules(aws: Aws, api: Api, registered: str) -> None:
    trigger_id = add(api, registered, kind="cron", expression="0 9 * * *")
    event = recorded("schedule", trigger_id)
    assert application.fire(event, None)["outcome"] == "started"
    assert application.fire(event, None)["outcome"] == "duplicate"
    assert stored(aws, registered) == {"kind": "schedule", "time": event["scheduled"]}


@pytest.fixture
def bucket(aws: Aws) -> str:
    """A bucket that tells EventBridge."""
    aws.objects.create_bucket(
        Bucket="pictures", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    return "pictures"


def in_bucket(api: Api, dispatch_id: str, monkeypatch: pytest.MonkeyPatch, **more: Any) -> str:
    monkeypatch.setattr("covalent_control_plane.arming._check_bucket", lambda *_: None)
    settings = {"kind": "bucket", "bucket": "pictures", "prefix": "in/", "events": ["created"]}
    return add(api, dispatch_id, **(settings | more))


def object_event(trigger_id: str, key: str, sequencer: str) -> dict[str, Any]:
    event = recorded("s3", trigger_id)
    event["event"]["detail"]["object"] |= {"key": key, "sequencer": sequencer}
    return event


def test_objects(aws: Aws, api: Api, registered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger_id = in_bucket(api, registered, monkeypatch)
    event = recorded("s3", trigger_id)
    assert application.fire(event, None) == {"outcome": "started", "dispatch_id": registered}
    event["event"]["id"] = "another delivery of the same change"
    assert application.fire(event, None)["outcome"] == "duplicate"
    assert stored(aws, registered)["detail"]["object"]["key"] == "in/cat.png"
    deep = object_event(trigger_id, "in/deep/cat.png", "01")
    assert application.fire(deep, None)["outcome"] == "ignored"


def test_objects_in_folders(api: Api, registered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger_id = in_bucket(api, registered, monkeypatch, recursive=True)
    deep = object_event(trigger_id, "in/deep/cat.png", "01")
    assert application.fire(deep, None)["outcome"] == "started"


@pytest.mark.usefixtures("atomic")
def test_batches(api: Api, registered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger_id = in_bucket(api, registered, monkeypatch, batch_size=3)
    events = [object_event(trigger_id, f"in/{number}", f"0{number}") for number in range(7)]
    with ThreadPoolExecutor(7) as threads:
        found = list(threads.map(lambda event: application.fire(event, None)["outcome"], events))
    assert sorted(found) == ["counted"] * 5 + ["started"] * 2
    again = [application.fire(event, None)["outcome"] for event in events]
    assert again == ["duplicate"] * 7
    assert api.get(f"{URL}/{trigger_id}").body["fired"] == 2


def test_a_trigger_does_not_fire_for_its_own_runs(aws: Aws, api: Api, registered: str) -> None:
    trigger_id = add(api, registered, kind="event", pattern={"source": ["aws.states"]})
    ours = {"stateMachineArn": aws.machine_arn(f"{aws.settings.prefix}-{'0' * 40}")}
    event = {"id": "1", "source": "aws.states", "detail": ours}
    answer = application.fire({"trigger_id": trigger_id, "event": event}, None)
    assert answer["outcome"] == "ignored"
    others = {"id": "2", "source": "aws.states", "detail": {"stateMachineArn": "arn:other"}}
    answer = application.fire({"trigger_id": trigger_id, "event": others}, None)
    assert answer["outcome"] == "started"


def test_what_is_no_event_of_a_trigger() -> None:
    with pytest.raises(ValueError, match="not an event"):
        application.fire({"source": "aws.s3"}, None)


def test_remembers_its_last_runs(aws: Aws, api: Api, registered: str) -> None:
    trigger_id = add(api, registered)
    for number in range(RUNS_KEPT + 3):
        trigger_store.started(trigger_id, f"00000000-0000-0000-0000-{number:012d}")
    runs = api.get(f"{URL}/{trigger_id}").body["runs"]
    assert [int(run[-4:]) for run in runs] == list(range(3, RUNS_KEPT + 3))


def test_a_run_that_nobody_registered_does_not_block_for_ever(
    aws: Aws, api: Api, registered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger_id = add(api, registered, "skip")
    fire(aws, trigger_id, "1")
    end(registered)
    with monkeypatch.context() as patch:
        patch.setattr(firing, "register", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fire(aws, trigger_id, "2")
    assert fire(aws, trigger_id, "3")[0] == "skipped"
    monkeypatch.setattr(firing, "_REGISTERED_WITHIN", -1)
    assert fire(aws, trigger_id, "4")[0] == "started"


def test_metrics_name_the_kind(
    aws: Aws, api: Api, registered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(firing, "count", lambda name, **labels: counted.append((name, labels)))
    fire(aws, add(api, registered), "1")
    assert counted == [("TriggersFired", {"kind": "manual"})]


def test_rules_and_schedules_are_gone_when_stopped(
    aws: Aws, api: Api, registered: str, triggers_on: TriggerNames
) -> None:
    rule = add(api, registered, kind="event", pattern={"source": ["me"]})
    cron = add(api, registered, kind="cron", expression="0 9 * * *")
    for trigger_id in (rule, cron, cron):
        assert api.delete(f"{URL}/{trigger_id}").status == 200
    assert boto3.client("events").list_rules()["Rules"] == []
    group = boto3.client("scheduler").list_schedules(GroupName=triggers_on.schedules)
    assert group["Schedules"] == []
