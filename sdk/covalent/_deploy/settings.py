"""What a deployment is to be: asked for by the caller, remembered from the last time, or by default."""

import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from covalent._deploy.errors import InvalidSetting
from covalent._shared_files.profiles import LOCAL

PREFIX = "covalent"
PYTHONS = ("3.11", "3.12", "3.13")
"""Python versions that there are runners for, because electrons are pickled with one."""
ARCHITECTURES = ("x86_64", "arm64")
_BRIDGED = ("bridge", "ssh", "slurm", "azurebatch", "gcpbatch", "azurefunctions", "gcpfunctions")
EXECUTORS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        **{name: {} for name in ("lambda", "awslambda")},
        **{name: {"batch": {}} for name in ("batch", "awsbatch")},
        **{name: {name: {}} for name in ("ecs", "ec2", "braket")},
        **{name: {"bridge": True} for name in _BRIDGED},
    }
)
"""Executors that a deployment can have: the variables of the Terraform module that turn each on."""
_EXTRAS = MappingProxyType({"bridge": "bridge", "braket": "braket", "ec2": "job"})
"""What is built for executors that are turned on, by variable (`artifacts.EXTRAS`)."""

_PREFIX = re.compile(r"(?=.{1,30}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""S3 has names with two hyphens for itself."""
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_STATE = re.compile(r"s3://(?P<bucket>[a-z0-9.-]{3,63})/(?P<key>.+)")
_OWN = MappingProxyType(
    {
        "prefix": "--prefix",
        "runners": "--python",
        "architecture": "--architecture",
        "artifacts": "",
    }
)
"""Variables of the Terraform module that have an option of their own, or that are not for users."""


@dataclass(frozen=True)
class Wanted:
    """What the caller asks for; what is None or empty is remembered or by default.

    Args:
        prefix: what all names begin with; several deployments share an account and region by it.
        name: of the SDK's profile; by default the prefix.
        pythons: minor versions to make runners for; by default the running one.
        architecture: of the functions.
        variables: further variables of the Terraform module.
        state: where Terraform keeps its state, as s3://bucket/key; by default in the deployment's folder.

    Raises:
        InvalidSetting: one of them cannot be; the message names it.

    """

    prefix: str = PREFIX
    name: str | None = None
    pythons: tuple[str, ...] = ()
    architecture: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    state: str | None = None

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise InvalidSetting(
                f"the prefix {self.prefix!r} will not do: words of lower-case letters and digits with a hyphen between "
                "them, a letter first, 30 characters at most"
            )
        _check_name(self.name if self.name is not None else self.prefix)
        _check_pythons(self.pythons)
        if self.architecture not in (None, *ARCHITECTURES):
            raise InvalidSetting(
                f"there is no architecture {self.architecture}: {' or '.join(ARCHITECTURES)}"
            )
        _check_variables(self.variables)
        if self.state and not _STATE.fullmatch(self.state):
            raise InvalidSetting(
                f"the state cannot be at {self.state}: name an object, as s3://bucket/covalent.tfstate"
            )


@dataclass(frozen=True)
class Settings:
    """What a deployment is, all of it decided."""

    prefix: str
    name: str
    pythons: tuple[str, ...]
    architecture: str
    variables: Mapping[str, Any]
    state: str = ""

    @classmethod
    def decide(cls, wanted: Wanted, remembered: Mapping[str, Any]) -> Self:
        """Fill in what the caller left open.

        Args:
            wanted: what the caller asks for.
            remembered: `document()` of the last time; empty the first time.

        Raises:
            InvalidSetting: there is no runner for the running Python, and no other one is asked for.

        """
        return cls(
            prefix=wanted.prefix,
            name=wanted.name or remembered.get("name") or wanted.prefix,
            pythons=_ordered(wanted.pythons or remembered.get("pythons") or [_running_python()]),
            architecture=wanted.architecture or remembered.get("architecture") or ARCHITECTURES[0],
            variables={**remembered.get("variables", {}), **wanted.variables},
            state=wanted.state or remembered.get("state") or "",
        )

    def document(self) -> dict[str, Any]:
        """What is remembered until the next time."""
        return {**vars(self), "pythons": list(self.pythons), "variables": dict(self.variables)}

    def terraform_variables(self, artifacts: str) -> dict[str, Any]:
        """Variables of the Terraform module.

        Args:
            artifacts: the folder with the zips.

        """
        return {
            "prefix": self.prefix,
            "runners": list(self.pythons),
            "architecture": self.architecture,
            "artifacts": artifacts,
            **self.variables,
        }

    @property
    def extras(self) -> tuple[str, ...]:
        """What is to be built for executors that are turned on."""
        return tuple(
            part for name, part in _EXTRAS.items() if self.variables.get(name) not in (None, False)
        )

    @property
    def state_object(self) -> tuple[str, str] | None:
        """Bucket and key of the state; None if it is in the deployment's folder."""
        match = _STATE.fullmatch(self.state)
        return (match["bucket"], match["key"]) if match else None

    @property
    def is_protected(self) -> bool:
        """Whether data survive until somebody says that they may go."""
        return bool(self.variables.get("protect", True))


def variables_of(texts: Iterable[str]) -> dict[str, Any]:
    """Read name=value, where the value is JSON or else a string.

    Raises:
        InvalidSetting: a text is not of that form.

    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and name.isidentifier()):
            raise InvalidSetting(f"{text} is not of the form name=value")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def variables_for(executors: Iterable[str]) -> dict[str, Any]:
    """Variables of the Terraform module that turn executors on.

    Raises:
        InvalidSetting: there is none of a name.

    """
    found: dict[str, Any] = {}
    for name in executors:
        if name not in EXECUTORS:
            raise InvalidSetting(
                f"a deployment cannot have the executor {name}",
                f"It can have: {', '.join(EXECUTORS)}.",
            )
        found |= EXECUTORS[name]
    return found


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidSetting(f"the name {name!r} will not do: letters, digits, - and _ only")
    if name == LOCAL:
        raise InvalidSetting(
            f"the profile {LOCAL} is that of the offline AWS", "Choose another one with --name."
        )


def _check_pythons(pythons: Iterable[str]) -> None:
    for python in pythons:
        if python not in PYTHONS:
            raise InvalidSetting(f"there is no runner for Python {python}: {', '.join(PYTHONS)}")


def _check_variables(variables: Mapping[str, Any]) -> None:
    for name in variables:
        if option := _OWN.get(name):
            raise InvalidSetting(f"the variable {name} is set with {option}")
        if name in _OWN:
            raise InvalidSetting(f"the variable {name} is not for you to set")


def _ordered(pythons: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(pythons), key=PYTHONS.index))


def _running_python() -> str:
    minor = ".".join(platform.python_version_tuple()[:2])
    if minor not in PYTHONS:
        raise InvalidSetting(
            f"there is no runner for Python {minor}, which runs here",
            f"Name those that you will use with --python: {', '.join(PYTHONS)}.",
        )
    return minor
