"""Why a job of AWS Batch or a task of ECS ended, in words that a user can act on.

Step Functions hands on what DescribeJobs or DescribeTasks told of it, with names that begin with a capital.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
https://docs.aws.amazon.com/batch/latest/userguide/troubleshooting.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from covalent_runner.exits import TIMED_OUT

_KILLED = 137
_NOT_FOUND = (126, 127)
_MEMORY = "it was out of memory: ask for more with memory=..."
_GONE = (
    "the machine that it ran on is gone, as Spot instances are that AWS takes back: let it be tried again with "
    "retries=..."
)
_TIME = ("Job attempt duration exceeded timeout",)
_CURES: Sequence[tuple[str, str]] = (
    ("OutOfMemory|OOMKilled", _MEMORY),
    ("Host EC2|SpotInterruption|Spot Task was interrupted|TerminationNotice", _GONE),
    (
        "CannotPull|ImageNotFound|manifest unknown",
        "its image could not be pulled: check its name and tag, the registry's permissions, and the way there from the "
        "subnet (a NAT gateway, VPC endpoints, or a public address)",
    ),
    (
        "ResourceInitialization",
        "it could not be set up: check the role of its definition, and the way from the subnet to ECR, S3 and "
        "CloudWatch Logs (a NAT gateway, VPC endpoints, or a public address)",
    ),
    (
        "CannotStartContainer|ContainerRuntime|CannotCreateContainer",
        "its container could not be started: its image needs Python and the package covalent_runner",
    ),
    (
        "MISCONFIGURATION|JOB_RESOURCE_REQUIREMENT|RESOURCE:|INSUFFICIENT_INSTANCE_CAPACITY|Capacity is unavailable",
        "there is no machine for it: ask for fewer vCPUs, less memory or fewer GPUs, or for another queue",
    ),
)
NO_JOBS = "[]"
"""The cause where DescribeJobs knows the job no more."""
FORGOTTEN = (
    "Batch no longer knows the electron's job, as it forgets each some time after its end: what the container wrote "
    "is in the log group of its job definition; let it be tried again with retries=..., or dispatch again"
)
_REFUSED: Mapping[str, str] = {
    "Batch.AWSBatchException": "if access was denied, add the queue and the definition to the Terraform variable "
    "`batch.own`; if there were too many requests, dispatch again later",
    "Batch.ClientException": "check batch_queue and batch_job_definition_name, and that the queue's machines fit "
    "the job",
    "ECS.AccessDeniedException": "add the cluster and the task definition to the Terraform variable `ecs.own`",
    "ECS.ClientException": "check ecs_task_family_name: a task definition of that name must be there, and active",
    "ECS.ClusterNotFoundException": "check ecs_cluster_name and the region",
    "ECS.InvalidParameterException": "check ecs_task_subnet_id, ecs_task_security_group_id, vcpu and memory; if a rate "
    "was exceeded, dispatch again later",
}
"""What to do where a call was refused, by the name that Step Functions gives it."""


@dataclass(frozen=True)
class Job:
    """What became of a job. code: the exit code of its container. told: what AWS says of its end."""

    kind: str
    name: str
    code: int | None = None
    told: Sequence[str] = field(default_factory=tuple)
    log: str = ""

    @property
    def is_out_of_time(self) -> bool:
        """Whether it was ended because its time was up."""
        return self.code == TIMED_OUT or any(limit in each for each in self.told for limit in _TIME)

    @property
    def text(self) -> str:
        """All of it, what to do first."""
        facts = [*self.told, *([f"log stream {self.log}"] if self.log else [])]
        return f"{self.kind} {self.name} failed: {self._why()} ({'; '.join(facts)})"

    def _why(self) -> str:
        said = " ".join(self.told)
        for pattern, cure in _CURES:
            if re.search(pattern, said):
                return cure
        if self.code == _KILLED:
            return f"exit code {_KILLED}, it was killed: by hand, or because {_MEMORY}"
        if self.code in _NOT_FOUND:
            return f"exit code {self.code}, its image needs Python and the package covalent_runner"
        if self.code is None:
            return "its container did not start"
        return f"exit code {self.code} before the electron had a result"


def cure_of(error: str) -> str:
    """What to do where AWS has refused a job or a task; "" of other errors."""
    return _REFUSED.get(error, "")


def job_of(document: Mapping[str, Any]) -> Job | None:
    """The job that a cause tells of, or None if it tells of something else."""
    if "JobId" in document or "JobQueue" in document:
        return _batch(document)
    if "TaskArn" in document and "Containers" in document:
        return _ecs(document)
    return None


def _batch(document: Mapping[str, Any]) -> Job:
    """The last attempt tells how it ended; of a job that never started there is none."""
    *_, last = {}, *_documents(document.get("Attempts"))
    container = {**_document(document.get("Container")), **_document(last.get("Container"))}
    told = (last.get("StatusReason"), document.get("StatusReason"), container.get("Reason"))
    return Job(
        kind="the Batch job",
        name=str(document.get("JobId") or document.get("JobName", "")),
        code=_number(container.get("ExitCode")),
        told=_distinct(told),
        log=str(container.get("LogStreamName") or ""),
    )


def _ecs(document: Mapping[str, Any]) -> Job:
    """The container that failed tells more than the others."""
    name = str(document["TaskArn"]).rpartition("/")[2]
    codes = [(_number(each.get("ExitCode")), each) for each in _documents(document["Containers"])]
    failed = [(code, each) for code, each in codes if code != 0] or codes
    code, container = failed[0] if failed else (None, {})
    told = (document.get("StopCode"), document.get("StoppedReason"), container.get("Reason"))
    return Job("the ECS task", name, code, _distinct(told))


def _distinct(told: Sequence[object]) -> Sequence[str]:
    return tuple(dict.fromkeys(str(each) for each in told if each))


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _document(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _documents(value: object) -> Sequence[Mapping[str, Any]]:
    return [_document(each) for each in value] if isinstance(value, list) else []
