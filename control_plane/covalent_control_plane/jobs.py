"""Ends the jobs that electrons have become in places where no call of AWS ends them."""

import json
from collections.abc import Iterable

from botocore.exceptions import BotoCoreError, ClientError

from covalent_control_plane.aws import Aws
from covalent_control_plane.items import NodeItem
from covalent_control_plane.telemetry import log

AT_ONCE = 50
"""Jobs that one call of the bridge ends."""


def cancel(aws: Aws, records: Iterable[NodeItem], *, wait: bool = False) -> None:
    """Have the bridge end the jobs of these nodes; those that have ended are left alone.

    Args:
        aws: the clients.
        records: what is recorded of the nodes.
        wait: until they have been ended, because nobody is there to do it later.

    """
    handles = [each.job_handle for each in records if each.job_handle]
    bridged = [handle for handle in handles if _is_bridged(handle)]
    for first in range(0, len(bridged), AT_ONCE):
        payload = json.dumps({"cancel": bridged[first : first + AT_ONCE]}).encode()
        try:
            aws.functions.invoke(
                FunctionName=aws.settings.bridge,
                InvocationType="RequestResponse" if wait else "Event",
                Payload=payload,
            )
        except (BotoCoreError, ClientError):
            log().exception("jobs were not cancelled", jobs=len(bridged) - first)
            return


def _is_bridged(handle: str) -> bool:
    """Whether the bridge has submitted the job: users' own executors have handles too."""
    try:
        found = json.loads(handle)
    except ValueError:
        return False
    return isinstance(found, dict) and {"bridge", "attributes", "handle"} <= found.keys()
