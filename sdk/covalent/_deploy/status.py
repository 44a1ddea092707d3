"""How a deployment is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from covalent._deploy.errors import DeployError
from covalent._deploy.outputs import Outputs
from covalent._deploy.settings import Settings
from covalent_contracts.api import Health


@dataclass(frozen=True)
class Status:
    """How a deployment is.

    settings are those that it was last made with; folder is where Terraform works on it; resources are address and
    type of each. outputs is None while it is incomplete. health is what its control plane answers; if it is None,
    complaint tells why. applied is in seconds since the epoch, None if another machine did it.
    """

    settings: Settings
    folder: Path
    resources: tuple[tuple[str, str], ...]
    outputs: Outputs | None
    health: Health | None
    complaint: str
    applied: float | None


@dataclass(frozen=True)
class Answer:
    """What a deployment says of itself, as far as it does."""

    outputs: Outputs | None = None
    health: Health | None = None
    complaint: str = ""


def ask(
    values: Mapping[str, Any], check: Callable[[str], Health], emulator: str | None = None
) -> Answer:
    """Find out what a deployment says of itself.

    Args:
        values: Terraform's outputs.
        check: asks a control plane how it is.
        emulator: where LocalStack answers in AWS's stead, if it does.

    """
    made: Outputs | None = None
    try:
        made = Outputs.read(values, emulator)
        return Answer(made, check(made.endpoint))
    except DeployError as exc:
        return Answer(made, complaint=str(exc))
