"""What the states of Google's Batch mean.

https://cloud.google.com/batch/docs/reference/rest/v1/projects.locations.jobs#state
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from covalent_executors import exits
from covalent_executors.adapter import Refused, Sighting, State

STATES: Mapping[str, State] = MappingProxyType(
    {
        "STATE_UNSPECIFIED": State.PENDING,
        "QUEUED": State.PENDING,
        "SCHEDULED": State.PENDING,
        "RUNNING": State.RUNNING,
        "CANCELLATION_IN_PROGRESS": State.RUNNING,
        "SUCCEEDED": State.ENDED,
        "FAILED": State.ENDED,
        "CANCELLED": State.ENDED,
        "DELETION_IN_PROGRESS": State.ENDED,
    }
)
_CODES: Mapping[int, str] = MappingProxyType(
    {
        50001: "its spot VM was preempted",
        50002: "its VM stopped to report to Batch, and is lost: it may have run out of memory, set memory higher",
        50003: "its VM was rebooted while it ran",
        50004: "its VM did not answer any more: it may have run out of memory, set memory higher",
        50005: "the job was stopped at its time limit",
        50006: "its VM was created anew by Google while it ran",
    }
)
"""https://cloud.google.com/batch/docs/troubleshooting#reserved-exit-codes"""
_EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "ZONE_RESOURCE_POOL_EXHAUSTED": "Google has no capacity for such VMs in this region at the moment",
        "QUOTA": "the project's quota is used up: ask Google for more, or use another region",
        "MACHINE_TYPE_NOT_FOUND": "the region has no machine type of this size: change vcpus, memory or region",
        "SERVICE_ACCOUNT_NOT_FOUND": "there is no service account of this name: correct service_account_email",
        "PERMISSIONS_ERROR": "the project's Batch may not create VMs: see the IAM roles in the documentation",
        "AGENT": "the VM could not report: give service_account_email the role roles/batch.agentReporter, "
        "and the network access to Google's APIs",
    }
)
"""https://cloud.google.com/batch/docs/troubleshooting#job-creation-and-running"""
MORE_MEMORY = "set memory higher"
_EXIT = re.compile(r"exit code (\d+)")
_PULL = 125
_CHANGED = "STATUS_CHANGED"


def sighting(job: Any) -> Sighting:
    """How a job stands.

    Args:
        job: a `google.cloud.batch_v1.Job`.

    Raises:
        Refused: its state is unknown.

    """
    status = job.status
    name = getattr(status.state, "name", str(status.state))
    state = STATES.get(name)
    if state is None:
        raise Refused(f"Google's Batch has a state {name!r} that this version does not know")
    match name:
        case "FAILED":
            return Sighting(state, _failure(status.status_events))
        case "CANCELLED" | "CANCELLATION_IN_PROGRESS":
            return Sighting(state, "the job was cancelled")
        case "DELETION_IN_PROGRESS":
            return Sighting(state, "somebody deleted the job")
        case _:
            return Sighting(
                state, _waits_for(status.status_events) if state is State.PENDING else ""
            )


def _failure(events: Iterable[Any]) -> str:
    told = list(events)
    for event in told:
        found = _EXIT.search(event.description)
        code = event.task_execution.exit_code or (int(found[1]) if found else 0)
        if code:
            return _exited(code)
    return _known(told) or (
        told[-1].description if told else "the job failed, and Batch does not say why"
    )


def _exited(code: int) -> str:
    if code in _CODES:
        return f"{_CODES[code]} (exit code {code})"
    if code == _PULL:
        return (
            f"docker could not start the container (exit code {code}): see that the image exists and that "
            "service_account_email has the role roles/artifactregistry.reader"
        )
    return exits.explained(code, MORE_MEMORY)


def _waits_for(events: Iterable[Any]) -> str:
    """What the last event says that is more than a change of states."""
    told = [event for event in events if event.type_ != _CHANGED]
    return _known(told[-1:]) or (told[-1].description if told else "waits for a VM")


def _known(events: Iterable[Any]) -> str:
    for event in events:
        for fragment, cause in _EVENTS.items():
            if fragment in event.description.upper():
                return f"{cause} ({event.description})"
    return ""
