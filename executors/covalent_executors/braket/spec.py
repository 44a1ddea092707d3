"""What a user may set of a Braket executor."""

from typing import Annotated

from pydantic import Field, field_validator

from covalent_executors.spec import Spec

MAX_SECONDS = 432_000
"""Five days: https://docs.aws.amazon.com/braket/latest/developerguide/braket-quotas.html"""
DEFAULT_ROLE = "CovalentBraketJobsExecutionRole"
"""Stands for the deployment's own role."""
DEFAULT_BUCKET = "amazon-braket-covalent-job-resources"
"""Stands for the deployment's own bucket."""
_SIZES = {
    "t3": "large xlarge 2xlarge",
    "m4": "xlarge 2xlarge 4xlarge 10xlarge 16xlarge",
    "m5": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
    "c4": "xlarge 2xlarge 4xlarge 8xlarge",
    "c5": "xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
    "c5n": "xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
    "p2": "xlarge 8xlarge 16xlarge",
    "p3": "2xlarge 8xlarge 16xlarge",
    "p3dn": "24xlarge",
    "p4d": "24xlarge",
    "g4dn": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "g6": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "g6e": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
}
INSTANCE_TYPES = frozenset(
    f"ml.{family}.{size}" for family, sizes in _SIZES.items() for size in sizes.split()
)
"""https://docs.aws.amazon.com/braket/latest/APIReference/API_InstanceConfig.html"""


class BraketSpec(Spec):
    """The attributes of `BraketExecutor`."""

    time_limit: Annotated[float, Field(le=MAX_SECONDS, allow_inf_nan=False)] = 300
    """Seconds until a job is stopped; as many as Braket allows unless positive."""

    quantum_device: Annotated[
        str,
        Field(
            max_length=256,
            pattern=r"^(arn:aws[a-z-]*:braket:[a-z0-9-]*:\d*:device/.+|local:[\w.-]+/[\w.-]+)$",
        ),
    ] = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"
    """The quantum device that the job has priority on."""

    classical_device: str = "ml.m5.large"
    """The machine that runs the electron."""

    storage: Annotated[int, Field(ge=1, le=16_384)] = 30
    """GB of its disk."""

    braket_job_execution_role_name: Annotated[str, Field(pattern=r"^[\w+=,.@-]{1,64}$")] = (
        DEFAULT_ROLE
    )
    """The role that the job has."""

    s3_bucket_name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$")] = (
        DEFAULT_BUCKET
    )
    """Where Braket puts what the job leaves behind."""

    ecr_image_uri: Annotated[
        str,
        Field(max_length=255, pattern=r"^(\d{10,14}\.dkr\.ecr.[a-z0-9-]+\.amazonaws\.com/.+:.+)?$"),
    ] = ""
    """The container image of the job; the deployment's if empty."""

    ecr_repo_name: Annotated[str, Field(max_length=200, pattern=r"^[a-z0-9._/-]*$")] = ""
    """Or the repository in the deployment's registry that has it."""

    @field_validator("classical_device")
    @classmethod
    def _is_offered(cls, name: str) -> str:
        if name not in INSTANCE_TYPES:
            raise ValueError(f"Braket has no such instance type; it has {_offered(name)}")
        return name

    @property
    def seconds(self) -> float:
        """How long the electron may run."""
        return self.time_limit if self.time_limit > 0 else MAX_SECONDS


def _offered(name: str) -> str:
    """The sizes of a family, if there is one; else the families."""
    family = name.removeprefix("ml.").partition(".")[0]
    if family in _SIZES:
        return ", ".join(f"ml.{family}.{size}" for size in _SIZES[family].split())
    return "the families " + ", ".join(f"ml.{each}" for each in _SIZES)


SPEC = BraketSpec
