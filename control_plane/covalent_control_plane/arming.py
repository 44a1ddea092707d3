"""What AWS watches for a trigger: a schedule, a machine that ticks, or a rule of EventBridge. Twice is as once.

Schedules are in the group of the deployment, named after the trigger; rules are on the account's default bus, which
holds 300 of them, named `<prefix>-trigger-<id>`.
"""

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, assert_never
from zoneinfo import ZoneInfo

from botocore.exceptions import ClientError

from covalent_contracts import cron
from covalent_contracts.errors import InvalidWorkflow, LimitExceeded
from covalent_contracts.triggers import (
    MAX_PATTERN,
    BucketSettings,
    CronSettings,
    EventSettings,
    ManualSettings,
    Settings,
    TimeSettings,
    WatchedSettings,
)
from covalent_control_plane import ticking
from covalent_control_plane.aws import Aws
from covalent_control_plane.settings import TriggerNames
from covalent_control_plane.trigger_items import TriggerItem

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import RetryPolicyTypeDef, TargetTypeDef

RULES = 300
"""Rules on a bus. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""
DETAIL_TYPES = {"created": "Object Created", "deleted": "Object Deleted"}
_TARGET = "fire"
_RETRIES: "RetryPolicyTypeDef" = {
    "MaximumRetryAttempts": 20,
    "MaximumEventAgeInSeconds": 3600,
}


def check(aws: Aws, settings: Settings) -> None:
    """Refuse what could never fire here.

    Raises:
        InvalidWorkflow: it is a cron expression without a time to come, a pattern that is too long, a bucket that
            tells EventBridge nothing, or the deployment has no triggers.

    """
    if aws.settings.triggers is None and not isinstance(settings, WatchedSettings | ManualSettings):
        raise InvalidWorkflow(
            "this deployment watches nothing: set `triggers = true` in its configuration and run "
            "`covalent deploy up`, or, on this machine, start the server without --no-triggers"
        )
    match settings:
        case CronSettings():
            now = datetime.now(ZoneInfo(settings.timezone))
            if cron.parse(settings.expression).following(now) is None:
                raise InvalidWorkflow(
                    f"cron({settings.expression}) never fires: there is no such time to come"
                )
        case EventSettings():
            if not settings.pattern or len(json.dumps(settings.pattern)) > MAX_PATTERN:
                raise InvalidWorkflow(
                    f"the pattern of an EventTrigger must have fields, and at most {MAX_PATTERN} characters"
                )
        case BucketSettings():
            _check_bucket(aws, settings.bucket)
        case TimeSettings() | WatchedSettings() | ManualSettings():
            return
        case _:
            assert_never(settings)


def arm(aws: Aws, item: TriggerItem, settings: Settings) -> None:
    """Have AWS watch.

    Raises:
        InvalidWorkflow: EventBridge does not take the pattern.
        LimitExceeded: there are as many rules as a bus can have.
        Unavailable: not now.

    """
    names = aws.settings.triggers
    if names is None:
        return
    match settings:
        case TimeSettings() if ticking.ticks(settings):
            ticking.start(aws, names, item, settings)
        case TimeSettings():
            _schedule(aws, names, item, _rate(settings, item.created))
        case CronSettings():
            times = {"ScheduleExpression": f"cron({settings.expression})"}
            zone = {"ScheduleExpressionTimezone": settings.timezone}
            _schedule(aws, names, item, times | zone)
        case BucketSettings():
            _rule(aws, names, item, _objects(settings))
        case EventSettings():
            _rule(aws, names, item, settings.pattern)
        case WatchedSettings() | ManualSettings():
            return
        case _:
            assert_never(settings)


def disarm(aws: Aws, item: TriggerItem) -> None:
    """Have AWS watch no longer."""
    names = aws.settings.triggers
    if names is None:
        return
    match item.kind:
        case "time" | "cron":
            ticking.stop(aws, item)
            _unschedule(aws, names, item)
        case "bucket" | "event":
            _remove_rule(aws, _rule_name(aws, item))
        case _:
            return


def _rate(settings: TimeSettings, created: int) -> dict[str, Any]:
    minutes = settings.time_gap // ticking.MINUTE
    tick = ticking.following(settings, created, time.time())
    first = datetime.fromtimestamp(ticking.moment(settings, created, tick), UTC)
    unit = "minute" if minutes == 1 else "minutes"
    return {"ScheduleExpression": f"rate({minutes} {unit})", "StartDate": first}


def _schedule(aws: Aws, names: TriggerNames, item: TriggerItem, times: dict[str, Any]) -> None:
    told = {"trigger_id": item.trigger_id, "scheduled": "<aws.scheduler.scheduled-time>"}
    try:
        aws.schedules.create_schedule(
            Name=item.trigger_id,
            GroupName=names.schedules,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": names.function,
                "RoleArn": names.scheduler_role,
                "Input": json.dumps(told),
                "RetryPolicy": _RETRIES,
            },
            ClientToken=item.trigger_id,
            **times,
        )
    except ClientError as exc:
        if _code(exc) != "ConflictException":  # it is there already
            raise


def _unschedule(aws: Aws, names: TriggerNames, item: TriggerItem) -> None:
    try:
        aws.schedules.delete_schedule(Name=item.trigger_id, GroupName=names.schedules)
    except ClientError as exc:
        if _code(exc) != "ResourceNotFoundException":
            raise


def _objects(settings: BucketSettings) -> dict[str, Any]:
    """The pattern of a bucket's events.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    detail: dict[str, Any] = {"bucket": {"name": [settings.bucket]}}
    if settings.prefix:
        detail["object"] = {"key": [{"prefix": settings.prefix}]}
    return {
        "source": ["aws.s3"],
        "detail-type": [DETAIL_TYPES[each] for each in settings.events],
        "detail": detail,
    }


def _check_bucket(aws: Aws, bucket: str) -> None:
    if bucket == aws.settings.bucket:
        raise InvalidWorkflow(
            f"{bucket} is the bucket of the deployment itself: every run writes to it and would cause the next one"
        )
    try:
        found = aws.objects.get_bucket_notification_configuration(Bucket=bucket)
    except ClientError as exc:
        if _code(exc) == "NoSuchBucket":
            raise InvalidWorkflow(f"there is no bucket {bucket}") from exc
        if _code(exc) in ("AccessDenied", "AllAccessDisabled"):
            raise InvalidWorkflow(
                f"the deployment may not look at the bucket {bucket}: name it in `trigger_buckets` of its configuration"
            ) from exc
        raise
    if "EventBridgeConfiguration" not in found:
        raise InvalidWorkflow(
            f"the bucket {bucket} tells EventBridge nothing: name it in `trigger_buckets` of the deployment, or run "
            f"`aws s3api put-bucket-notification-configuration --bucket {bucket} "
            "--notification-configuration '{\"EventBridgeConfiguration\": {}}'`"
        )


def _rule(aws: Aws, names: TriggerNames, item: TriggerItem, pattern: dict[str, Any]) -> None:
    name = _rule_name(aws, item)
    template = f'{{"trigger_id": "{item.trigger_id}", "event": <aws.events.event.json>}}'
    target: TargetTypeDef = {
        "Id": _TARGET,
        "Arn": names.function,
        "InputTransformer": {"InputTemplate": template},
        "RetryPolicy": _RETRIES,
    }
    try:
        aws.rules.put_rule(Name=name, EventPattern=json.dumps(pattern), State="ENABLED")
        aws.rules.put_targets(Rule=name, Targets=[target])
    except ClientError as exc:
        code = _code(exc)
        if code == "InvalidEventPatternException":
            message = exc.response["Error"]["Message"]
            raise InvalidWorkflow(f"EventBridge does not take the pattern: {message}") from exc
        if code == "LimitExceededException":
            raise LimitExceeded(
                f"the default bus has its {RULES} rules: stop triggers that are no longer needed",
                limit="rules per event bus",
                number=RULES,
            ) from exc
        raise


def _remove_rule(aws: Aws, name: str) -> None:
    try:
        aws.rules.remove_targets(Rule=name, Ids=[_TARGET])
        aws.rules.delete_rule(Name=name)
    except ClientError as exc:
        if _code(exc) != "ResourceNotFoundException":
            raise


def _rule_name(aws: Aws, item: TriggerItem) -> str:
    """64 characters at most: a prefix may have 30, so that the id is written without its hyphens and cut."""
    return f"{aws.settings.prefix}-trigger-{item.trigger_id.replace('-', '')[:24]}"


def _code(exc: ClientError) -> str:
    return str(exc.response["Error"]["Code"])
