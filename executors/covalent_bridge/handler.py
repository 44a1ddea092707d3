"""What Lambda calls: a step of the state machine in `covalent_executors.bridged`, or the end of some jobs.

{"electron": {"dispatch_id", "node"}, "executor", "attributes", "answer": {"progress"}}    a step
{"cancel": [job handle, ...]}                                                              from the control plane
"""

import json
import os
from collections.abc import Iterable, Mapping
from functools import cache, partial
from typing import Any

import boto3
from botocore.config import Config

from covalent_bridge import secret, steps
from covalent_bridge.errands import Bucket
from covalent_bridge.steps import Bridge, Electron, Progress
from covalent_contracts.errors import InvalidWorkflow
from covalent_contracts.ids import is_dispatch_id
from covalent_executors import registry
from covalent_executors.adapter import Adapter, Busy, Refused
from covalent_runner.aws_store import AwsStore


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  # Lambda's signature
    """Take a step, or cancel jobs.

    Raises:
        ElectronFailed: the electron failed, and no try is left.
        UpstreamFailed: it cannot run, or was cancelled.
        Busy: the place cannot take the job now.
        ValueError: the event is malformed.

    """
    if "cancel" in event:
        return {"cancelled": _cancel(event["cancel"])}
    electron, progress = _parsed(event)
    return steps.document(steps.step(_bridge(), electron, progress))


def _parsed(event: Mapping[str, Any]) -> tuple[Electron, Progress]:
    try:
        asked = event["electron"]
        if not is_dispatch_id(asked["dispatch_id"]):
            raise ValueError(f"not a dispatch id: {asked['dispatch_id']!r}")
        electron = Electron(
            asked["dispatch_id"],
            int(asked["node"]),
            str(event["executor"]),
            str(event["attributes"]),
            float(event["poll"]),
        )
        progress = Progress(**event.get("answer", {}).get("progress", {}))
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError(f"malformed event: {exc!r}") from exc
    return electron, progress


def _cancel(handles: Iterable[str]) -> int:
    """End jobs; one that cannot be ended must not keep the others."""
    ended = 0
    for each in handles:
        known = json.loads(each)
        try:
            steps.end(_adapter_of(known["bridge"], known["attributes"]), known["handle"])
            ended += 1
        except (Busy, Refused) as exc:
            print(f"not cancelled: {exc}")  # noqa: T201  # for the function's log
    return ended


def _adapter(electron: Electron) -> Adapter:
    return _adapter_of(electron.executor, electron.attributes)


def _adapter_of(executor: str, attributes: str) -> Adapter:
    secrets = partial(secret.read, reads_files=_is_at_home())
    try:
        return registry.adapter(executor, json.loads(attributes), secrets)
    except InvalidWorkflow as exc:
        raise Refused(str(exc)) from exc


def _is_at_home() -> bool:
    """Whether this is the user's own machine."""
    return os.environ.get("COVALENT_BRIDGE_READS_FILES") == "true"


def _bridge() -> Bridge:
    store, bucket = _deployment()
    renewal, carries = os.environ.get("COVALENT_TICKETS", ""), _is_at_home()
    return Bridge(store, bucket, _adapter, renewal, carries)


@cache
def _deployment() -> tuple[AwsStore, Bucket]:
    bucket = os.environ["COVALENT_BUCKET"]
    return AwsStore(os.environ["COVALENT_TABLE"], bucket), Bucket(_s3, bucket)


@cache
def _s3() -> Any:
    signing = Config(signature_version="s3v4", request_checksum_calculation="when_required")
    return boto3.session.Session().client("s3", config=signing)
