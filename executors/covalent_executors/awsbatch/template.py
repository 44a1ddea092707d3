"""What Step Functions calls for an AWS Batch executor.

https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html

A job's name derives from dispatch, node and try. SubmitJob has no token that would make a second request harmless: of
two jobs of one try the second finds that the first has claimed the electron, and runs nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

from covalent_contracts.errors import InvalidWorkflow
from covalent_executors import fargate
from covalent_executors.awsbatch.spec import DEFINITION, QUEUE, BatchSpec
from covalent_executors.container import COMMAND, environment, mebibytes
from covalent_executors.place import Batch, Place, of_version, turned_on
from covalent_executors.task import (
    JOB_ERRORS,
    Argument,
    Array,
    Count,
    JobName,
    JobOfArray,
    TaskTemplate,
)

SUBMIT = "arn:aws:states:::batch:submitJob.sync"
SUBMIT_ERRORS = ("Batch.SdkClientException", "Batch.ServerException")
"""What passes: bad moments of the service."""
REFUSED = ("Batch.ClientException",)
"""What does not pass: there is no such queue or definition, or it is not for jobs like this one."""
THROTTLED = (
    "Batch.AWSBatchException",
    "Batch.ThrottlingException",
    "Batch.TooManyRequestsException",
)
"""How Batch shows that it takes 50 jobs a second from an account, and no more.

https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
"""
ARRAY = Array(
    least=51,
    most=10_000,
    parameters={"ArrayProperties": {"Size": Count()}},
    refused=(*REFUSED, *SUBMIT_ERRORS, *THROTTLED),
    describe="arn:aws:states:::aws-sdk:batch:describeJobs",
    asked={"Jobs": JobOfArray("{}:{}")},
    told="$.Jobs",
)
"""Batch takes up to 10,000 jobs as one. No more than it takes in a second gain nothing by it.

https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html
"""
SHORTEST_ATTEMPT = 60
"""Seconds; Batch takes no shorter limit."""
GRACE = 60
"""Seconds that Batch leaves the runner to end the electron itself."""
MOST_ATTEMPTS = 10
_AGAIN = "6"
"""How a job of an array ends whose electron may be tried again (`covalent_runner.exits`)."""


def task(spec: BatchSpec, place: Place, python: str) -> TaskTemplate:
    """A job in the deployment's queue, or in the user's own.

    Raises:
        InvalidWorkflow: the deployment has no Batch, or no such machines.
        UnsupportedPython: its images have no such version.

    """
    offered = turned_on(place.batch, "awsbatch", "AWS Batch", "batch")
    return TaskTemplate(
        resource=SUBMIT,
        parameters={
            "JobName": JobName(),
            "JobQueue": _queue(spec, offered),
            "JobDefinition": _definition(spec, offered, python),
            "ContainerOverrides": {
                "Command": COMMAND,
                "ResourceRequirements": _resources(spec),
                "Environment": environment(spec.limit, _variables(spec, offered)),
            },
            "RetryStrategy": _attempts(spec),
            **_timeout(spec),
        },
        transient=SUBMIT_ERRORS,
        full=THROTTLED,
        time_limit=spec.limit,
        retries=spec.retries,
        failures=JOB_ERRORS,
        is_job=True,
        ends_itself=True,
        array=_array(spec),
        refused=REFUSED,
    )


def _array(spec: BatchSpec) -> Array:
    """Batch itself repeats what failed in an array, so that it need not wait until all the others have ended."""
    if not spec.retries:
        return ARRAY
    strategy = {"RetryStrategy": _attempts(spec, spec.retries)}
    return replace(ARRAY, parameters={**ARRAY.parameters, **strategy})


def _queue(spec: BatchSpec, offered: Batch) -> str:
    if spec.batch_queue != QUEUE:
        return spec.batch_queue
    if offered.is_fargate:
        _check_fargate(spec)
    elif spec.vcpu % 1:
        raise _refused("vcpu", f"{spec.vcpu:g} is no whole number, which a machine of EC2 needs")
    if not spec.num_gpus:
        return offered.queue
    if not offered.gpu_queue:
        raise _refused(
            "num_gpus",
            "no machine of this deployment has GPUs: name a queue of your own with batch_queue, or set gpu in the "
            "Terraform variable `batch`",
        )
    return offered.gpu_queue


def _check_fargate(spec: BatchSpec) -> None:
    if why := fargate.wrong_vcpu(spec.vcpu):
        raise _refused("vcpu", why)
    if why := fargate.wrong_memory(spec.vcpu, spec.memory):
        raise _refused("memory", why)
    if spec.num_gpus:
        raise _refused("num_gpus", "Fargate has no GPUs")


def _definition(spec: BatchSpec, offered: Batch, python: str) -> str:
    if spec.batch_job_definition_name != DEFINITION:
        return spec.batch_job_definition_name
    return of_version(offered.definitions, python, "job definition")


def _resources(spec: BatchSpec) -> list[Argument]:
    wanted = {"VCPU": f"{spec.vcpu:g}", "MEMORY": mebibytes(spec.memory)}
    if spec.num_gpus:
        wanted["GPU"] = str(spec.num_gpus)
    return [{"Type": kind, "Value": value} for kind, value in wanted.items()]


def _variables(spec: BatchSpec, offered: Batch) -> Mapping[str, str]:
    """What the definition of the deployment has already."""
    if offered.is_emulated:
        return {"COVALENT_LOG_GROUP": spec.batch_job_log_group_name}
    return {} if spec.batch_job_definition_name == DEFINITION else offered.environment


def _attempts(spec: BatchSpec, retries: int = 0) -> Argument:
    """Batch starts again what has lost its machine. A single electron that failed is tried again by Step Functions."""
    again = [{"OnExitCode": _AGAIN, "Action": "RETRY"}] if retries else []
    return {
        "Attempts": min(spec.retry_attempts + retries + 1, MOST_ATTEMPTS),
        "EvaluateOnExit": [
            {"OnStatusReason": "Host EC2*", "Action": "RETRY"},
            *again,
            {"OnReason": "*", "Action": "EXIT"},
        ],
    }


def _timeout(spec: BatchSpec) -> Mapping[str, Argument]:
    """The runner ends the electron in time; Batch ends a runner that does not."""
    if not spec.limit:
        return {}
    seconds = max(math.ceil(spec.limit) + GRACE, SHORTEST_ATTEMPT)
    return {"Timeout": {"AttemptDurationSeconds": seconds}}


def _refused(parameter: str, why: str) -> InvalidWorkflow:
    return InvalidWorkflow(f"executor 'awsbatch': {parameter}: {why}")
