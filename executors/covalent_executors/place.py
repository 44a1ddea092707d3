"""What a deployment offers to executors and to the compiler."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from covalent_contracts.errors import InvalidWorkflow, UnsupportedPython
from covalent_executors.braket.place import BraketPlace
from covalent_executors.ec2.place import Ec2Place

T = TypeVar("T")


@dataclass(frozen=True)
class Batch:
    """What a deployment offers of AWS Batch.

    queue: where jobs wait for a machine. definitions: the job definition by Python minor version, its image has the
    runner and the SDK. gpu_queue: the queue whose machines have GPUs; "" for none. is_fargate: whether jobs run on
    Fargate, which has a table of sizes. environment: what the runner needs to know; the definitions of the deployment
    have it, a user's own do not. is_emulated: offline, where whatever a user names is made when it is asked for.
    """

    queue: str
    definitions: Mapping[str, str]
    gpu_queue: str = ""
    is_fargate: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    is_emulated: bool = False


@dataclass(frozen=True)
class Ecs:
    """What a deployment offers of ECS on Fargate.

    cluster: where tasks run. definitions: the task definition by Python minor version, its image has the runner and the
    SDK. subnets, security_groups: the network of tasks; has_public_ip: whether its way to AWS needs a public address.
    container: the container that runs the electron, in a user's own definitions too. environment, is_emulated: as in
    `Batch`.
    """

    cluster: str
    definitions: Mapping[str, str]
    subnets: Sequence[str]
    security_groups: Sequence[str]
    has_public_ip: bool = False
    container: str = "electron"
    environment: Mapping[str, str] = field(default_factory=dict)
    is_emulated: bool = False


@dataclass(frozen=True)
class Place:
    """One deployment.

    runners: the Lambda function that runs electrons, by Python minor version ("3.11").
    prefix: what the names of its state machines start with.
    runner_seconds: how long its runners may take for one electron; None (offline): as long as they like.
    machines: what the ARNs of its state machines start with; their names follow.
    builders: the function that builds sublattices, by Python minor version, where that is another one than the runner:
        it needs the SDK, which a runner is faster without.
    adopter: the function of the control plane that makes dispatches of sublattices.
    bridge: the function that submits jobs where Step Functions cannot, and looks after them; "" for none.
    reads_files: whether the bridge runs on the user's machine (offline), and may read keys and passwords from its
        files; elsewhere they must be secrets of AWS Secrets Manager.
    ec2, braket: what these executors need of it; None where they are not turned on.
    batch, ecs: what it offers of AWS Batch and ECS; None where that is not turned on.
    """

    runners: Mapping[str, str]
    prefix: str = "covalent-"
    runner_seconds: int | None = None
    machines: str = "arn:aws:states:us-east-1:123456789012:stateMachine:"
    builders: Mapping[str, str] = field(default_factory=dict)
    adopter: str = "covalent-adopt"
    bridge: str = ""
    reads_files: bool = False
    ec2: Ec2Place | None = None
    braket: BraketPlace | None = None
    batch: Batch | None = None
    ecs: Ecs | None = None

    @property
    def to_build(self) -> "Place":
        """The same deployment for building sublattices: with its builders for runners."""
        return replace(self, runners=self.builders) if self.builders else self

    def runner(self, python: str) -> str:
        """The function that runs electrons pickled by Python `python` ("3.11" or "3.11.7").

        Raises:
            UnsupportedPython: there is none; the message names those there are.

        """
        return of_version(self.runners, python, "runner")


def turned_on(offered: T | None, executor: str, service: str, variable: str) -> T:
    """What a deployment offers an executor that it may be without.

    Args:
        offered: that, or None.
        executor: its short name.
        service: of AWS, which it uses.
        variable: of the Terraform module, which turns it on.

    Raises:
        InvalidWorkflow: it is not turned on.

    """
    if offered is None:
        raise InvalidWorkflow(
            f"executor {executor!r}: this deployment does not use {service}: turn it on with the Terraform variable "
            f"`{variable}`, or choose another executor"
        )
    return offered


def of_version(offered: Mapping[str, str], python: str, what: str) -> str:
    """What a deployment has for a version of Python.

    Raises:
        UnsupportedPython: there is none; the message names those there are.

    """
    minor = ".".join(python.split(".")[:2])
    try:
        return offered[minor]
    except KeyError:
        known = ", ".join(sorted(offered, key=_numbers)) or "none"
        raise UnsupportedPython(
            f"no {what} for Python {minor} here (there are: {known}): dispatch from one of these, "
            f"or deploy a {what} for {minor}"
        ) from None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
