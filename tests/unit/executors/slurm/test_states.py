"""What Slurm says of a job, read."""

import pytest

from covalent_executors.adapter import Sighting, State
from covalent_executors.slurm import states

LINE = (
    "JobId=42 JobName=c-1-0-0 UserId=user(1000) JobState={state} Reason={reason} Dependency=(null) ExitCode={exit}"
    " TimeLimit=00:01:00 Partition=gpu NodeList=n17 NumNodes=2 MinMemoryNode=4G Command=/scratch/a b/submit.sh"
)


def read(state: str, reason: str = "None", code: str = "0:0") -> states.Reading:
    found = states.read(LINE.format(state=state, reason=reason, exit=code))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("state", "code", "cause"),
    [
        ("COMPLETED", "0:0", ""),
        ("FAILED", "7:0", "it ended with exit status 7"),
        ("FAILED", "137:0", "it was killed by SIGKILL: by hand, or because its node ran out"),
        ("FAILED", "0:9", "it was killed by SIGKILL: by hand, or because its node ran out"),
        ("FAILED", "143:0", "it was killed by SIGTERM"),
        ("FAILED", "255:0", "it ended with exit status 255"),
        (
            "TIMEOUT",
            "0:15",
            "it reached the time limit that Slurm had for it, 00:01:00: ask for more",
        ),
        (
            "OUT_OF_MEMORY",
            "0:125",
            "out of memory: ask for more than 4G, as with options={'mem': '8G'}",
        ),
        ("NODE_FAIL", "0:0", "the node n17 failed or did not start: try again"),
        ("BOOT_FAIL", "0:0", "the node n17 did not start"),
        (
            "PREEMPTED",
            "0:0",
            "a job of higher priority took its place in the partition 'gpu': let it be tried again",
        ),
        ("CANCELLED", "0:15", "somebody cancelled it in Slurm"),
        ("DEADLINE", "0:0", "it had not ended, or could not have, by its deadline: check"),
    ],
)
def test_how_a_job_has_ended(state: str, code: str, cause: str) -> None:
    sighting = read(state, code=code).sighting
    assert sighting.state is State.ENDED
    assert sighting.cause.startswith(cause)
    assert bool(sighting.cause) == bool(cause)


@pytest.mark.parametrize("code", ["0:9", "1:0", "137:0"])
@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "OUT_OF_MEMORY"])
def test_the_log_tells_of_memory_where_the_state_does_not(state: str, code: str) -> None:
    """A job whose step was ended for it is FAILED with whatever exit status its script then has."""
    found = states.read(LINE.format(state=state, reason="None", exit=code), overran=True)
    assert found is not None
    assert found.sighting.cause.startswith("out of memory: ask for more than 4G")


@pytest.mark.parametrize("state", ["COMPLETED", "TIMEOUT", "PREEMPTED", "RUNNING"])
def test_memory_is_no_reason_for_another_end(state: str) -> None:
    line = LINE.format(state=state, reason="None", exit="0:0")
    assert states.read(line, overran=True) == states.read(line)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("MinMemoryNode=200M", "200M, as with options={'mem': '8G'}"),
        ("MinMemoryCPU=2000M", "2000M for each CPU, as with options={'mem-per-cpu': '8G'}"),
        ("MinMemoryNode=0", "it had, as with options={'mem': '8G'}"),
        ("", "it had, as with options={'mem': '8G'}"),
    ],
)
def test_how_more_memory_is_asked_for(asked: str, told: str) -> None:
    found = states.read(f"JobState=OUT_OF_MEMORY {asked} MinTmpDiskNode=0")
    assert found is not None
    assert found.sighting.cause == f"out of memory: ask for more than {told}"


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("Resources", "the partition 'gpu' is full"),
        ("Priority", "others in the partition 'gpu' come first"),
        ("ReqNodeNotAvail,_UnavailableNodes:n17", "nodes that it needs are not available"),
        (
            "Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved_for_jobs_in_higher_priority_partitions",
            "nodes that it needs are not available",
        ),
        ("JobHeldUser", "it is held: scontrol release 42"),
        ("QOSMaxJobsPerUserLimit", "QOSMaxJobsPerUserLimit"),
        ("SomethingNew", "SomethingNew"),
    ],
)
def test_what_a_job_waits_for(reason: str, cause: str) -> None:
    assert read("PENDING", reason) == states.Reading(Sighting(State.PENDING, cause))


@pytest.mark.parametrize(
    "reason",
    [
        "PartitionTimeLimit",
        "PartitionNodeLimit",
        "BadConstraints",
        "DependencyNeverSatisfied",
        "InvalidQOS",
        "QOSMaxWallDurationPerJobLimit",
        "AssocMaxNodePerJobLimit",
        "MaxMemPerLimit",
    ],
)
def test_what_would_wait_for_ever_has_ended(reason: str) -> None:
    reading = read("PENDING", reason)
    assert reading.is_hopeless
    assert reading.sighting.state is State.ENDED
    assert reading.sighting.cause.startswith("Slurm would never run it: ")
    assert "{" not in reading.sighting.cause


def test_a_state_of_a_newer_slurm_is_waited_out() -> None:
    assert read("HIBERNATING").sighting == Sighting(State.RUNNING)


def test_what_is_no_job() -> None:
    assert states.read("slurm_load_jobs error: Invalid job id specified") is None
    assert states.accounted("") is None


@pytest.mark.parametrize(
    ("line", "sighting"),
    [
        ("COMPLETED|0:0|None", Sighting(State.ENDED)),
        ("FAILED|3:0|NonZeroExitCode", Sighting(State.ENDED, "it ended with exit status 3")),
        (
            "CANCELLED by 1000|0:15|None",
            Sighting(State.ENDED, "somebody cancelled it in Slurm (None)"),
        ),
        ("RUNNING|0:0|None", Sighting(State.RUNNING)),
    ],
)
def test_what_the_accounting_says(line: str, sighting: Sighting) -> None:
    assert states.accounted(line) == sighting


def test_memory_after_slurm_has_forgotten_the_job() -> None:
    cause = "out of memory: ask for more than it had, as with options={'mem': '8G'}"
    assert states.accounted("FAILED|1:0|None", overran=True) == Sighting(State.ENDED, cause)
    assert states.left(1, overran=True) == Sighting(State.ENDED, cause)
    assert states.left(0, overran=True) == Sighting(State.ENDED)
    assert states.left(1) == Sighting(State.ENDED, "it ended with exit status 1")
