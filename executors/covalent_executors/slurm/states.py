"""What Slurm says of a job, and what that means."""

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from covalent_executors.adapter import Sighting, State

STATES: Mapping[str, tuple[State, str]] = MappingProxyType(
    {
        "BOOT_FAIL": (State.ENDED, "the node {nodes} did not start: try again, or exclude it"),
        "CANCELLED": (State.ENDED, "somebody cancelled it in Slurm ({reason})"),
        "COMPLETED": (State.ENDED, ""),
        "COMPLETING": (State.RUNNING, ""),
        "CONFIGURING": (State.PENDING, "its nodes are starting"),
        "DEADLINE": (
            State.ENDED,
            "it had not ended, or could not have, by its deadline: check options['deadline'] and options['time']",
        ),
        "FAILED": (State.ENDED, "{exit}"),
        "NODE_FAIL": (State.ENDED, "the node {nodes} failed or did not start: try again"),
        "OUT_OF_MEMORY": (
            State.ENDED,
            "out of memory: ask for more than {memory}",
        ),
        "PENDING": (State.PENDING, "{reason}"),
        "PREEMPTED": (
            State.ENDED,
            "a job of higher priority took its place in the partition {partition}: let it be tried again, as with"
            " retries=3, or use another partition or qos",
        ),
        "REQUEUED": (State.PENDING, "Slurm has queued it again"),
        "REQUEUE_FED": (State.PENDING, "Slurm has queued it again"),
        "REQUEUE_HOLD": (State.PENDING, "Slurm has queued it again and holds it: {reason}"),
        "RESIZING": (State.RUNNING, ""),
        "RESV_DEL_HOLD": (State.PENDING, "its reservation was deleted, and Slurm holds it"),
        "REVOKED": (State.ENDED, "another cluster of the federation has taken it"),
        "RUNNING": (State.RUNNING, ""),
        "SIGNALING": (State.RUNNING, ""),
        "SPECIAL_EXIT": (State.ENDED, "Slurm has queued it again in a special state: {exit}"),
        "STAGE_OUT": (State.RUNNING, ""),
        "STOPPED": (State.RUNNING, ""),
        "SUSPENDED": (State.RUNNING, ""),
        "TIMEOUT": (
            State.ENDED,
            "it reached the time limit that Slurm had for it, {limit}: ask for more, as with"
            " options={{'time': '02:00:00'}}, if the partition {partition} allows it",
        ),
    }
)
"""https://slurm.schedmd.com/squeue.html#SECTION_JOB-STATE-CODES"""
MEMORY_SIGNS = (
    "^(slurmstepd.*([Ee]xceeded .*memory limit|oom.kill event)|srun: error: .*: Out Of Memory)"
)
"""What Slurm writes into a job's log (an expression of grep) when it, or the kernel, ends processes for their memory.

The state seldom says so: a job whose step was ended is FAILED with the exit status of its script, and one that Slurm's
own accounting of memory has ended (OverMemoryKill) is FAILED by SIGKILL.
"""
_MAY_BE_MEMORY = frozenset({"FAILED", "CANCELLED"})

_NEVER: Mapping[str, str] = MappingProxyType(
    {
        "AccountNotAllowed": "its account may not use the partition {partition}: check options['account']",
        "BadConstraints": "no node has what it asks for: check options['constraint'] and the like",
        "DependencyNeverSatisfied": "the job that it depends on has failed: check options['dependency']",
        "InvalidAccount": "its account is not valid: check options['account']",
        "InvalidQOS": "its quality of service is not valid: check options['qos']",
        "PartitionConfig": "the partition {partition} does not allow the nodes ({nodes_wanted}) or the time ({limit})"
        " that it asks for",
        "PartitionNodeLimit": "it asks for more or fewer nodes than the partition {partition} allows ({nodes_wanted})",
        "PartitionTimeLimit": "it asks for more time ({limit}) than the partition {partition} allows",
        "QOSNotAllowed": "its quality of service may not use the partition {partition}: check options['qos']",
        "ReservationDeleted": "its reservation was deleted: check options['reservation']",
    }
)
"""Why a job would wait for ever: https://slurm.schedmd.com/job_reason_codes.html"""
_NEVER_LIMIT = re.compile(r"(Assoc|QOS)?Max\w+(PerJob|PerJobLimit|PerLimit)")
"""Limits of one job; the others pass when jobs end."""
_WAITS: Mapping[str, str] = MappingProxyType(
    {
        "BeginTime": "its time has not come",
        "Dependency": "it waits for the job that it depends on",
        "JobHeldAdmin": "an administrator holds it",
        "JobHeldUser": "it is held: scontrol release {job}",
        "Licenses": "it waits for licences",
        "NodeDown": "a node that it needs is down",
        "Nodes_required_for_job_are_DOWN": "nodes that it needs are not available",
        "None": "Slurm has not looked at it yet",
        "PartitionDown": "the partition {partition} is down",
        "PartitionInactive": "the partition {partition} is inactive",
        "Priority": "others in the partition {partition} come first",
        "ReqNodeNotAvail": "nodes that it needs are not available",
        "Resources": "the partition {partition} is full",
    }
)
_NODE_WITHOUT_MEMORY = "its node ran out of memory, of which options={'mem': '8G'} asks for more"
_KILLED = 128
"""What a shell adds to the number of the signal that ended a command."""


@dataclass(frozen=True)
class Reading:
    """How a job stands; whether it is one that Slurm would keep for ever."""

    sighting: Sighting
    is_hopeless: bool = False


def read(line: str, *, overran: bool = False) -> Reading | None:
    """What `scontrol -o show job` says.

    Args:
        line: its output.
        overran: whether the job's log has one of `MEMORY_SIGNS`.

    Returns:
        None if it says nothing of a job.

    """
    fields = dict(re.findall(r"(\w+)=(\S*)", line))
    name = fields.get("JobState")
    if name is None:
        return None
    if name == "PENDING":
        return _pending(fields)
    return Reading(_sighting(_state(name, overran), fields))


def accounted(line: str, *, overran: bool = False) -> Sighting | None:
    """What `sacct -nPX -o State,ExitCode,Reason` says; None if it says nothing. `overran` is that of `read`."""
    name, _, rest = line.partition("|")
    code, _, reason = rest.partition("|")
    if not name:
        return None
    return _sighting(_state(name.split()[0], overran), {"ExitCode": code, "Reason": reason})


def left(code: int, *, overran: bool = False) -> Sighting:
    """How a job has ended that has left nothing but its exit code. `overran` is that of `read`."""
    if code and overran:
        return _sighting("OUT_OF_MEMORY", {})
    return Sighting(State.ENDED, exit_cause(code))


def _state(name: str, overran: bool) -> str:
    return "OUT_OF_MEMORY" if overran and name in _MAY_BE_MEMORY else name


def _sighting(name: str, fields: Mapping[str, str]) -> Sighting:
    if name not in STATES:
        return Sighting(State.RUNNING)  # of a newer Slurm: it will say more
    state, cause = STATES[name]
    return Sighting(state, _told(cause, fields))


def _pending(fields: Mapping[str, str]) -> Reading:
    reason = fields.get("Reason", "None").partition(",")[0]
    if reason in _NEVER:
        return Reading(Sighting(State.ENDED, _never(_told(_NEVER[reason], fields))), True)
    if _NEVER_LIMIT.fullmatch(reason):
        return Reading(
            Sighting(State.ENDED, _never(f"it asks for more than a job may have ({reason})")), True
        )
    return Reading(Sighting(State.PENDING, _told(_WAITS.get(reason, reason), fields)))


def _never(why: str) -> str:
    return f"Slurm would never run it: {why}"


def _told(text: str, fields: Mapping[str, str]) -> str:
    return text.format(
        exit=exit_cause(*_codes(fields.get("ExitCode", ""))),
        job=fields.get("JobId", ""),
        limit=fields.get("TimeLimit", "unknown"),
        memory=_memory(fields),
        nodes=fields.get("NodeList", "") or "of the job",
        nodes_wanted=fields.get("NumNodes", "?"),
        partition=repr(fields.get("Partition", "")),
        reason=fields.get("Reason", "None"),
    )


def _memory(fields: Mapping[str, str]) -> str:
    """What a job has asked for, and how it asks for more; 0 is all that the node has."""
    for name, of, option in (("Node", "", "mem"), ("CPU", " for each CPU", "mem-per-cpu")):
        asked = fields.get(f"MinMemory{name}", "0")
        if asked != "0":
            return f"{asked}{of}, as with options={{'{option}': '8G'}}"
    return "it had, as with options={'mem': '8G'}"


def _codes(text: str) -> tuple[int, int]:
    """Exit code and signal of "137:0"."""
    code, _, number = text.partition(":")
    return (int(code) if code.isdigit() else 0, int(number) if number.isdigit() else 0)


def exit_cause(code: int, number: int = 0) -> str:
    """Why a job ended with this exit code, or by this signal; "" if well."""
    number = number or (code - _KILLED if code > _KILLED else 0)
    if number == signal.SIGKILL:
        return f"it was killed by SIGKILL: by hand, or because {_NODE_WITHOUT_MEMORY}"
    if number in {each.value for each in signal.Signals}:
        return f"it was killed by {signal.Signals(number).name}"
    return f"it ended with exit status {code}" if code else ""
