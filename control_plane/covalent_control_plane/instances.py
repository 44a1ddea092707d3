"""Terminates the EC2 instances that nobody needs any more, each ten minutes.

An instance ends itself when its electron has ended. One that cannot (its script was killed, its disk is full, it hangs)
goes on and costs: until this finds it, by its tags, and by the record of its electron.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from covalent_contracts.ids import is_dispatch_id
from covalent_control_plane import store
from covalent_control_plane.aws import Aws
from covalent_control_plane.items import DispatchItem, NodeItem
from covalent_control_plane.telemetry import count, log
from covalent_executors.ec2.place import ELECTRON_TAG, TAG

GRACE = 300.0
"""Seconds that an instance gets to end itself: its runner answers and writes after its electron was recorded."""
YOUNG = 3600.0
"""Seconds before one goes whose dispatch is not there: it may be another stage's that is just being deployed."""
_LIVES = ["pending", "running", "stopping", "stopped"]
"""One that was stopped costs its disk."""
_PER_CALL = 100


@dataclass(frozen=True)
class Found:
    """An instance of this deployment; `launched` in seconds since the epoch."""

    instance: str
    launched: float
    dispatch_id: str
    node: int
    attempt: int


def sweep(aws: Aws, now: float) -> int:
    """Terminate the instances whose electron or dispatch has ended, or has a later try.

    Args:
        aws: the clients.
        now: seconds since the epoch.

    Returns:
        How many there were.

    """
    lost = [each.instance for each in _found(aws) if _is_lost(each, now)]
    for first in range(0, len(lost), _PER_CALL):
        _terminate(aws, lost[first : first + _PER_CALL])
    if lost:
        count("InstancesTerminated", len(lost))
        log().warning("instances terminated that did not end themselves", instances=lost)
    return len(lost)


def is_lost(
    found: Found, dispatch: DispatchItem | None, record: NodeItem | None, now: float
) -> bool:
    """Whether nobody needs an instance any more, as the records are."""
    if now - found.launched <= GRACE:
        return False
    if dispatch is None:
        return now - found.launched > YOUNG
    if dispatch.state.is_final and _is_past(dispatch.ended, now):
        return True
    if record is None:
        return False
    if record.state.is_final:
        return _is_past(record.ended, now)
    return (record.attempt or 0) > found.attempt


def _is_lost(found: Found, now: float) -> bool:
    dispatch = store.find(found.dispatch_id)
    record = store.nodes(found.dispatch_id, [found.node]).get(found.node)
    return is_lost(found, dispatch, record, now)


def _is_past(ended: int | None, now: float) -> bool:
    return ended is None or now - ended / 1_000_000 > GRACE


def _found(aws: Aws) -> Iterator[Found]:
    """The instances of this deployment that are there, and have not ended."""
    wanted: Any = [
        {"Name": f"tag:{TAG}", "Values": [aws.settings.prefix]},
        {"Name": "instance-state-name", "Values": _LIVES},
    ]
    listed: Any = aws.instances.get_paginator("describe_instances").paginate(Filters=wanted)
    for page in listed:
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                found = _read(instance)
                if found is not None:
                    yield found


def _read(instance: Mapping[str, Any]) -> Found | None:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", ())}
    words = tags.get(ELECTRON_TAG, "").split()
    if len(words) != 3 or not is_dispatch_id(words[0]):
        return None
    launched = instance["LaunchTime"].timestamp()
    return Found(instance["InstanceId"], launched, words[0], int(words[1]), int(words[2]))


def _terminate(aws: Aws, instances: list[str]) -> None:
    """All at once, or, if one of them cannot be, each by itself."""
    try:
        aws.instances.terminate_instances(InstanceIds=instances)
    except (ClientError, BotoCoreError):
        log().exception("instances not terminated", instances=instances)
        for each in instances if len(instances) > 1 else ():
            _terminate(aws, [each])
