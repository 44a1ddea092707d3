"""What S3 tells EventBridge of changed objects.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- every event of S3 has the same id and the same sequencer -> their own, in order
- GetBucketNotificationConfiguration is silent about EventBridge -> tells of it
- every PutObject also tells of tags that were added -> only one that has tags
"""

import itertools
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.events.models import events_backends
from moto.s3 import notifications
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

from covalent_localstack.patching import replace

_numbers = itertools.count(time.time_ns())
_stock_tag = S3Backend.put_object_tagging
_stock_tell = S3Response.get_bucket_notification


def _send(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html ."""
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": notifications._detail_type(event_name),
        "source": "aws.s3",
        "account": account_id,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": {
                "key": key.name,
                "size": key.size,
                "etag": key.etag.replace('"', ""),
                "version-id": key.version_id,
                "sequencer": f"{next(_numbers):016X}",
            },
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": account_id,
            "source-ip-address": "127.0.0.1",
            "reason": event_name.split(":")[1],
        },
    }
    bus = events_backends[account_id][bucket.region_name].event_buses["default"]
    for rule in list(bus.rules.values()):
        rule.send_to_targets(event, transform_input=False)


def _tag(self: Any, key: Any, tags: Any) -> Any:
    if not tags and not self.tagger.has_tags(key.arn):
        return key
    return _stock_tag(self, key, tags)


def _tell(self: Any) -> Any:
    found = self.backend.get_bucket_notification_configuration(self.bucket_name)
    if found is None or found.event_bridge is None:
        return _stock_tell(self)
    serialized = self.serialized

    def with_event_bridge(answer: ActionResult) -> Any:
        return serialized(ActionResult({**answer.result, "EventBridgeConfiguration": {}}))

    self.serialized = with_event_bridge
    try:
        return _stock_tell(self)
    finally:
        del self.serialized


def install() -> None:
    """Repair moto."""
    replace(S3Response, "get_bucket_notification", _tell)
    replace(notifications, "_send_event_bridge_message", _send)
    replace(S3Backend, "put_object_tagging", _tag)
