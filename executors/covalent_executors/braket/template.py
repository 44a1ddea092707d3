"""What Step Functions calls for a Braket executor.

https://docs.aws.amazon.com/braket/latest/APIReference/API_CreateJob.html
"""

import math
from collections.abc import Mapping

from covalent_contracts.envelope import ELECTRON, TIME_LIMIT
from covalent_contracts.errors import InvalidWorkflow
from covalent_executors.braket.place import ANY, TAG, BraketPlace
from covalent_executors.braket.spec import DEFAULT_BUCKET, DEFAULT_ROLE, MAX_SECONDS, BraketSpec
from covalent_executors.place import Place, turned_on
from covalent_executors.task import CALLBACK_ERRORS, Argument, JobName, TaskTemplate, Words

CREATE_JOB = "arn:aws:states:::aws-sdk:braket:createJob.waitForTaskToken"
BRAKET_ERRORS = (
    "Braket.InternalServiceException",
    "Braket.SdkClientException",
    "Braket.ThrottlingException",
)
"""What passes."""
FULL_ERRORS = ("Braket.ServiceQuotaExceededException",)
"""As many jobs run as the account may have at once: three, unless it has asked for more."""
ENTRY_POINT = "covalent_runner"
"""The module that Braket runs."""
LAST_WORDS = 60
"""Seconds that Braket leaves the runner beyond the limit of the electron, which the runner itself holds it to."""
QUEUE = MAX_SECONDS
"""Seconds that a job may wait in Braket's own queue: a device is there for some hours of a day only."""


def task(spec: BraketSpec, place: Place, python: str) -> TaskTemplate:
    """Create a hybrid job, and wait until the runner in it has answered, or the event of its end.

    Raises:
        InvalidWorkflow: the deployment has not turned this executor on, or the role is none that jobs may have.
        UnsupportedPython: there is no runner for this version.

    """
    place.runner(python)
    here = turned_on(place.braket, "braket", "Braket", "braket")
    return TaskTemplate(
        resource=CREATE_JOB,
        parameters=_parameters(spec, place, here, ".".join(python.split(".")[:2])),
        transient=BRAKET_ERRORS,
        full=FULL_ERRORS,
        time_limit=spec.seconds,
        retries=spec.retries,
        failures=CALLBACK_ERRORS,
        is_job=True,
        margin=QUEUE,
    )


def _parameters(
    spec: BraketSpec, place: Place, here: BraketPlace, python: str
) -> Mapping[str, Argument]:
    bucket = here.bucket if spec.s3_bucket_name == DEFAULT_BUCKET else spec.s3_bucket_name
    return {
        "ClientToken": JobName(),
        "JobName": JobName(),
        "AlgorithmSpecification": _algorithm(spec, here, python),
        "DeviceConfig": {"Device": spec.quantum_device},
        "InstanceConfig": {
            "InstanceType": spec.classical_device,
            "VolumeSizeInGb": spec.storage,
        },
        "OutputDataConfig": {"S3Path": f"s3://{bucket}/jobs"},
        "RoleArn": _role(spec, here),
        "StoppingCondition": {
            "MaxRuntimeInSeconds": min(MAX_SECONDS, math.ceil(spec.seconds) + LAST_WORDS)
        },
        "HyperParameters": {
            **here.environment,
            TIME_LIMIT: f"{spec.seconds:g}",
            ELECTRON: Words(with_token=True),
        },
        "Tags": {TAG: place.prefix.removesuffix("-"), "covalent:electron": Words()},
    }


def _algorithm(spec: BraketSpec, here: BraketPlace, python: str) -> Mapping[str, Argument]:
    script = {
        "EntryPoint": ENTRY_POINT,
        "S3Uri": here.program,
        "CompressionType": "GZIP",
    }
    image = spec.ecr_image_uri or _repository(spec, here) or here.images.get(python, "")
    container: Mapping[str, Argument] = {"ContainerImage": {"Uri": image}} if image else {}
    return {"ScriptModeConfig": script, **container}


def _repository(spec: BraketSpec, here: BraketPlace) -> str:
    """The image with the tag that the documentation has users push."""
    name = spec.ecr_repo_name
    return f"{here.registry}/{name}:stable" if name and here.registry else ""


def _role(spec: BraketSpec, here: BraketPlace) -> str:
    name = spec.braket_job_execution_role_name
    own = here.role.rpartition("/")[2]
    if name in (DEFAULT_ROLE, own):
        return here.role
    if ANY not in here.other_roles and name not in here.other_roles:
        raise InvalidWorkflow(
            f"executor 'braket': braket_job_execution_role_name {name!r} is none that jobs of this deployment may "
            f"have: leave it out, or add it to the Terraform variable `braket.roles`"
        )
    return f"{here.role.partition(':role/')[0]}:role/{name}"
