"""How a job that AWS runs is ended from outside: by the handle that its runner has recorded.

A runner on EC2 or in a hybrid job of Braket ends by itself soon after its electron was cancelled; this is faster, and
works for one that hangs.

User code may have written the handle: who makes the call must not be able to end more than this deployment's own
(`aws:ResourceTag/covalent:deployment`), and has to see that the tag `covalent:electron` is that of the electron.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """A call of AWS, as botocore has it: a method of the client of a service, and its arguments."""

    service: str
    method: str
    arguments: Mapping[str, Any]


def cancel(handle: Any) -> Call | None:
    """The call that ends a job. It may be made twice, and too late: then AWS answers with a conflict, or does nothing.

    Args:
        handle: what the runner has recorded (`covalent_runner.exits.HANDLE`), read as JSON.

    Returns:
        None for a handle of another executor, and one by which AWS cannot end anything.

    """
    match handle:
        case {"executor": "ec2", "instance": str(instance)} if instance.startswith("i-"):
            return Call("ec2", "terminate_instances", {"InstanceIds": [instance]})
        case {"executor": "braket", "job": str(job)} if job.startswith("arn:"):
            return Call("braket", "cancel_job", {"jobArn": job})
        case _:
            return None
