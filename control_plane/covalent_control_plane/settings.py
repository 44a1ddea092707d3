"""What the deployment tells the control plane through its environment, read once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from covalent_contracts.errors import Unavailable

DEFAULT_PREFIX = "covalent"


@dataclass(frozen=True)
class Settings:
    """Names of what the deployment made.

    runners: runner function by Python minor version. machine_role: ARN of the role that state machines assume.
    prefix: what the names of everything else begin with. runner_seconds: how long a runner function may take, where
    something stops it.
    """

    table: str
    bucket: str
    runners: Mapping[str, str]
    machine_role: str
    prefix: str = DEFAULT_PREFIX
    runner_seconds: int | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings.

        Raises:
            Unavailable: one is missing or malformed; the message names it.

        """
        return cls(
            table=_required(environment, "COVALENT_TABLE"),
            bucket=_required(environment, "COVALENT_BUCKET"),
            runners=_runners(_required(environment, "COVALENT_RUNNERS")),
            machine_role=_role(_required(environment, "COVALENT_MACHINE_ROLE")),
            prefix=environment.get("COVALENT_PREFIX") or DEFAULT_PREFIX,
            runner_seconds=_seconds(environment.get("COVALENT_RUNNER_SECONDS", "")),
        )

    @property
    def partition(self) -> str:
        """The AWS partition, for ARNs."""
        return self.machine_role.split(":")[1]

    @property
    def account(self) -> str:
        """The AWS account, for ARNs."""
        return self.machine_role.split(":")[4]


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise Unavailable(f"the deployment is incomplete: {name} is not set")
    return value


def _runners(text: str) -> Mapping[str, str]:
    try:
        return {str(python): str(function) for python, function in json.loads(text).items()}
    except (ValueError, AttributeError) as exc:
        raise Unavailable("COVALENT_RUNNERS is not a JSON object") from exc


def _role(arn: str) -> str:
    if not arn.startswith("arn:") or arn.count(":") < 5:
        raise Unavailable("COVALENT_MACHINE_ROLE is not the ARN of a role")
    return arn


def _seconds(text: str) -> int | None:
    if text and not text.isdecimal():
        raise Unavailable("COVALENT_RUNNER_SECONDS is not a number of seconds")
    return int(text) if text else None
