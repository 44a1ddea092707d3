"""What users read of jobs that ended without a result. The documents are shaped as Step Functions hands them on."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts.envelope import Report
from covalent_contracts.sheet import Sheet
from covalent_runner.causes import job_of
from covalent_runner.report import explained

SHEET = Sheet(3, "electron", time_limit=60)
STREAM = "covalent-electrons/default/0123456789abcdef"


def batch(
    code: int | None = 1, *, status: str = "Essential container in task exited", **more: Any
) -> dict[str, Any]:
    container = {"LogStreamName": STREAM, **({} if code is None else {"ExitCode": code}), **more}
    return {
        "JobId": "4d1b",
        "JobName": "11111111-2222-3333-4444-555555555555-3-0",
        "JobQueue": "arn:aws:batch:us-east-1:123456789012:job-queue/q",
        "Status": "FAILED",
        "StatusReason": status,
        "Attempts": [{"Container": container, "StatusReason": status}],
        "Container": {"Environment": [], "Vcpus": 2, **container},
    }


def ecs(code: int | None = 1, **more: Any) -> dict[str, Any]:
    exited = {} if code is None else {"ExitCode": code}
    container = {"Name": "electron", "LastStatus": "STOPPED", **exited}
    document = {
        "TaskArn": "arn:aws:ecs:us-east-1:123456789012:task/covalent/99ff",
        "Containers": [{"Name": "sidecar", "ExitCode": 0}, container],
        "StopCode": "EssentialContainerExited",
        "StoppedReason": "Essential container in task exited",
    }
    return {**document, **more}


def told(document: dict[str, Any], error: str = "States.TaskFailed") -> str:
    return explained(Report("d", (3,), error, json.dumps(document)), SHEET)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (batch(137, Reason="OutOfMemoryError: Container killed due to memory usage"), "memory="),
        (batch(137), "exit code 137, it was killed: by hand, or because it was out of memory"),
        (batch(None, status="Host EC2 (instance i-0123) terminated."), "machine.* gone.*retries="),
        (
            batch(None, Reason="CannotPullContainerError: pull access denied for nowhere"),
            "image could not be pulled",
        ),
        (batch(127), "exit code 127, its image needs Python and the package covalent_runner"),
        (batch(None, Reason="CannotStartContainerError: exec: python"), "could not be started"),
        (
            batch(None, status="MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - too large"),
            "no machine for it: ask for fewer vCPUs",
        ),
        (batch(None, status="Terminated by hand"), "did not start .*Terminated by hand"),
        (batch(7), "exit code 7 before the electron had a result"),
        (ecs(7), "the ECS task 99ff failed: exit code 7"),
        (
            ecs(None, StopCode="SpotInterruption", StoppedReason="Your Spot Task was interrupted."),
            "machine.* gone",
        ),
        (
            ecs(None, StopCode="TaskFailedToStart", StoppedReason="CannotPullContainerError: x"),
            "image could not be pulled",
        ),
        (
            ecs(None, StoppedReason="ResourceInitializationError: unable to pull secrets"),
            "check the role of its definition",
        ),
        (
            ecs(137, StoppedReason="OutOfMemoryError: container killed"),
            "memory=",
        ),
    ],
)
def test_the_cause_says_what_to_do(document: dict[str, Any], words: str) -> None:
    assert re.search(words, told(document)), told(document)


def test_it_tells_what_aws_told_once_and_where_the_log_is() -> None:
    assert told(batch(7)) == (
        "the Batch job 4d1b failed: exit code 7 before the electron had a result "
        f"(Essential container in task exited; log stream {STREAM})"
    )


@pytest.mark.parametrize(
    "document", [batch(5), ecs(5), batch(137, status="Job attempt duration exceeded timeout")]
)
def test_a_job_that_was_out_of_time(document: dict[str, Any]) -> None:
    expected = "States.Timeout: electron 3 did not end within its time limit of 60 s"
    assert told(document) == expected


@pytest.mark.parametrize(
    ("error", "cause", "cure"),
    [
        ("Batch.ClientException", "Job queue nowhere does not exist", "check batch_queue"),
        ("Batch.AWSBatchException", "not authorized to perform: batch:SubmitJob", "`batch.own`"),
        ("ECS.ClusterNotFoundException", "Cluster not found.", "check ecs_cluster_name"),
        ("ECS.ClientException", "TaskDefinition not found.", "check ecs_task_family_name"),
        ("ECS.InvalidParameterException", "The subnet ID does not exist", "ecs_task_subnet_id"),
        ("ECS.AccessDeniedException", "not authorized to perform: ecs:RunTask", "`ecs.own`"),
    ],
)
def test_a_submission_that_was_refused_is_told_as_aws_told_it_and_what_to_do(
    error: str, cause: str, cure: str
) -> None:
    found = explained(Report("d", (3,), error, cause), SHEET)
    assert found.startswith(f"{error}: {cause}: ")
    assert cure in found.removeprefix(f"{error}: {cause}: ")


def test_another_refusal_is_told_as_aws_told_it() -> None:
    event = Report("d", (3,), "ECS.BlockedException", "Your account is blocked")
    assert explained(event, SHEET) == "ECS.BlockedException: Your account is blocked"


def test_the_job_of_an_array_is_told_in_a_list() -> None:
    event = Report("d", (3,), "States.TaskFailed", json.dumps([batch(7)]))
    assert explained(event, SHEET) == told(batch(7))


def test_of_a_job_that_batch_has_forgotten_it_is_told_where_to_look() -> None:
    found = explained(Report("d", (3,), "States.TaskFailed", "[]"), SHEET)
    assert re.search("no longer knows.*log group of its job definition.*retries=", found)


@pytest.mark.parametrize("document", [{}, {"errorMessage": "x"}, {"ExecutionArn": "a"}])
def test_other_documents_are_no_jobs(document: dict[str, Any]) -> None:
    assert job_of(document) is None


@pytest.mark.parametrize(
    "document",
    [
        {"JobId": "1", "Attempts": [], "Container": None},
        {"JobQueue": "q"},
        {"TaskArn": "t", "Containers": []},
        {"TaskArn": "t", "Containers": [{}]},
    ],
)
def test_a_document_may_lack_anything(document: dict[str, Any]) -> None:
    assert "did not start" in told(document)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["Container", "ExitCode", "StatusReason"]), inner)
    ),
    max_leaves=5,
)
_KEYS = st.sampled_from(
    ["JobId", "JobQueue", "Attempts", "Container", "TaskArn", "Containers", "StoppedReason"]
)


@given(st.dictionaries(_KEYS, _JSON))
def test_whatever_a_document_is_it_is_told(document: dict[str, Any]) -> None:
    """A report that failed would leave the electron without an end."""
    assert told(document)
