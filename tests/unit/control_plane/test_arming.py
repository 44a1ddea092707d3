"""What AWS is asked to watch for."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.unit.control_plane.conftest import BUCKET, Api, Dispatched, new_trigger

from covalent_control_plane.aws import Aws
from covalent_control_plane.settings import TriggerNames

URL = "/api/v1/triggers"
OBJECTS = {"kind": "bucket", "bucket": "pictures", "events": ["created", "deleted"]}


@pytest.fixture
def registered(dispatched: Dispatched, triggers_on: TriggerNames) -> str:
    """A dispatch that has not run, where there are triggers."""
    return dispatched(run="false")


def post(api: Api, dispatch_id: str, **settings: Any) -> tuple[int, dict[str, Any], str]:
    new = new_trigger(dispatch_id, **settings)
    answer = api.post(URL, new)
    return answer.status, answer.body, str(new["trigger_id"])


def make_bucket(aws: Aws, *, tells: bool) -> None:
    aws.objects.create_bucket(
        Bucket="pictures", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    if tells:
        asked: Any = {"EventBridgeConfiguration": {}}
        aws.objects.put_bucket_notification_configuration(
            Bucket="pictures", NotificationConfiguration=asked
        )


@pytest.mark.parametrize(
    ("settings", "expression", "zone"),
    [
        ({"kind": "time", "time_gap": 60}, "rate(1 minute)", "UTC"),
        ({"kind": "time", "time_gap": 7200}, "rate(120 minutes)", "UTC"),
        (
            {"kind": "cron", "expression": "0 9 * * 1", "timezone": "Europe/Berlin"},
            "cron(0 9 ? * 2 *)",
            "Europe/Berlin",
        ),
    ],
)
def test_schedules(
    api: Api,
    registered: str,
    triggers_on: TriggerNames,
    settings: dict[str, Any],
    expression: str,
    zone: str,
) -> None:
    status, body, trigger_id = post(api, registered, **settings)
    assert status == 201, body
    made = boto3.client("scheduler").get_schedule(Name=trigger_id, GroupName=triggers_on.schedules)
    assert (made["ScheduleExpression"], made["ScheduleExpressionTimezone"]) == (expression, zone)
    target = made["Target"]
    assert (target["Arn"], target["RoleArn"]) == (
        triggers_on.function,
        triggers_on.scheduler_role,
    )
    assert json.loads(target["Input"]) == {
        "trigger_id": trigger_id,
        "scheduled": "<aws.scheduler.scheduled-time>",
    }
    if settings["kind"] == "time":
        begins = made["StartDate"].timestamp()
        assert begins == body["created"] // 1_000_000 + settings["time_gap"]


def test_a_rule_for_a_pattern(api: Api, registered: str, triggers_on: TriggerNames) -> None:
    pattern = {"source": ["my.application"], "detail": {"size": [{"numeric": [">", 3]}]}}
    status, body, trigger_id = post(api, registered, kind="event", pattern=pattern)
    assert status == 201, body
    events = boto3.client("events")
    (rule,) = events.list_rules()["Rules"]
    assert rule["Name"] == f"covalent-trigger-{trigger_id.replace('-', '')[:24]}"
    assert json.loads(rule["EventPattern"]) == pattern
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"] == triggers_on.function
    template = target["InputTransformer"]["InputTemplate"]
    assert json.loads(template.replace("<aws.events.event.json>", "{}")) == {
        "trigger_id": trigger_id,
        "event": {},
    }


def test_a_rule_for_objects(aws: Aws, api: Api, registered: str, triggers_on: TriggerNames) -> None:
    make_bucket(aws, tells=True)
    # moto does not tell of EventBridge; the embedded AWS does
    found: Any = {"EventBridgeConfiguration": {}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aws.objects, "get_bucket_notification_configuration", lambda **_: found)
        status, body, _ = post(api, registered, **OBJECTS, prefix="in/")
    assert status == 201, body
    (rule,) = boto3.client("events").list_rules()["Rules"]
    assert json.loads(rule["EventPattern"]) == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created", "Object Deleted"],
        "detail": {"bucket": {"name": ["pictures"]}, "object": {"key": [{"prefix": "in/"}]}},
    }


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (OBJECTS, "no bucket pictures"),
        (OBJECTS | {"bucket": BUCKET}, "the bucket of the deployment itself"),
        ({"kind": "cron", "expression": "0 0 30 2 *"}, "never fires"),
        ({"kind": "cron", "expression": "0 0 1 1 ? 2020"}, "never fires"),
        ({"kind": "event", "pattern": {}}, "must have fields"),
        ({"kind": "event", "pattern": {"source": ["x" * 3000]}}, "at most 2048"),
        ({"kind": "time", "time_gap": 0}, "greater than or equal to 1"),
    ],
)
def test_what_could_never_fire(
    api: Api, registered: str, settings: dict[str, Any], said: str
) -> None:
    status, body, _ = post(api, registered, **settings)
    assert status == 400
    assert body["code"] == "InvalidWorkflow"
    assert said in body["detail"]


def test_a_bucket_that_tells_nothing(aws: Aws, api: Api, registered: str) -> None:
    make_bucket(aws, tells=False)
    status, body, _ = post(api, registered, **OBJECTS)
    assert status == 400
    assert "put-bucket-notification-configuration" in body["detail"]


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("InvalidEventPatternException", 400, "does not take the pattern"),
        ("LimitExceededException", 422, "300 rules"),
    ],
)
def test_what_eventbridge_refuses_is_forgotten(
    aws: Aws,
    api: Api,
    registered: str,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    status: int,
    said: str,
) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "PutRule")

    monkeypatch.setattr(aws.rules, "put_rule", refuse)
    found, body, trigger_id = post(api, registered, kind="event", pattern={"source": ["me"]})
    assert (found, said in body["detail"]) == (status, True)
    assert api.get(f"{URL}/{trigger_id}").status == 404


def test_a_bucket_that_may_not_be_looked_at(
    aws: Aws, api: Api, registered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetBucketNotification")

    monkeypatch.setattr(aws.objects, "get_bucket_notification_configuration", refuse)
    status, body, _ = post(api, registered, **OBJECTS)
    assert (status, "trigger_buckets" in body["detail"]) == (400, True)
