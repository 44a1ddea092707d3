"""Answers for hybrid jobs of Braket that have ended without a word of their runner's.

The runner answers first if it can, and a token takes one answer; so this comes too late for most jobs, and does
nothing. The event may come twice. https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-braket.html
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from covalent_contracts.envelope import ELECTRON
from covalent_contracts.ids import is_dispatch_id
from covalent_contracts.status import Status
from covalent_control_plane import store
from covalent_control_plane.aws import Aws
from covalent_control_plane.telemetry import annotate, log

ENDED = ("COMPLETED", "FAILED", "CANCELLED")
SOURCE = "aws.braket"
PATTERN = {
    "source": [SOURCE],
    "detail-type": ["Braket Job State Change"],
    "detail": {"status": list(ENDED)},
}
"""The EventBridge rule."""
_USED_UP = frozenset({"InvalidToken", "TaskDoesNotExist", "TaskTimedOut"})


def answer(aws: Aws, event: Mapping[str, Any]) -> bool:
    """Let the state fail that waits for a job which has ended.

    Args:
        aws: the clients.
        event: "Braket Job State Change".

    Returns:
        Whether somebody waited for it.

    """
    detail = event["detail"]
    if detail.get("status") not in ENDED:
        return False
    job: Mapping[str, Any] = aws.hybrid_jobs.get_job(
        jobArn=detail.get("jobArn") or event["resources"][0]
    )
    words = str(job.get("hyperParameters", {}).get(ELECTRON, "")).split()
    if len(words) != 4 or not is_dispatch_id(words[0]):
        log().info("not a job of ours", job=job["jobArn"])
        return False
    dispatch_id, node, _, token = words
    annotate(dispatch_id)
    error, cause = _failure(dispatch_id, int(node), job)
    is_answered = _refuse(aws, token, error, cause)
    log().info("job ended", job=job["jobArn"], status=job["status"], answered=is_answered)
    return is_answered


def _failure(dispatch_id: str, node: int, job: Mapping[str, Any]) -> tuple[str, str]:
    """The error and the cause that the state gets."""
    record = store.nodes(dispatch_id, [node]).get(node)
    if record is not None and record.state is Status.CANCELLED:
        return "UpstreamFailed", f"electron {node} was cancelled"
    return "ElectronLost", explained(node, job)


def explained(node: int, job: Mapping[str, Any]) -> str:
    """Why an electron was lost whose job has ended, as a user can act on it."""
    name = f"the hybrid job of electron {node}, {job['jobArn']},"
    reason = str(job.get("failureReason", ""))
    if job["status"] == "CANCELLED":
        return f"{name} was cancelled, but not by Covalent: {reason or 'someone has stopped it at Braket'}"
    if "MaxRuntime" in reason:
        return f"{name} was stopped at its time limit (time_limit of BraketExecutor): {reason}"
    if "137" in reason or "OutOfMemory" in reason:
        cure = "its memory was used up, most often: choose a larger classical_device"
        return f"{name} was killed: {reason}. {cure}"
    return (
        f"{name} ended before the electron had started or answered: {reason or 'Braket tells no reason'}. "
        "Its log is in the log group /aws/braket/jobs"
    )


def _refuse(aws: Aws, token: str, error: str, cause: str) -> bool:
    try:
        aws.states.send_task_failure(taskToken=token, error=error, cause=cause)
    except ClientError as exc:
        if exc.response["Error"]["Code"] not in _USED_UP:
            raise
        return False
    return True
