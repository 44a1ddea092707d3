"""What the deployment tells the control plane through its environment, read once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self, TypeVar

from covalent_contracts.errors import Unavailable
from covalent_contracts.ids import owner_of, principal_of
from covalent_executors.braket.place import BraketPlace
from covalent_executors.ec2.place import Ec2Place
from covalent_executors.place import Batch, Ecs

DEFAULT_PREFIX = "covalent"
Names = TypeVar("Names")


@dataclass(frozen=True)
class TriggerNames:
    """What the deployment made for triggers.

    function: ARN of `fire`. schedules: the group of EventBridge Scheduler. scheduler_role: ARN of the role with which
    schedules call it. ticker_role: that of the machines that tick.
    """

    function: str
    schedules: str
    scheduler_role: str
    ticker_role: str


@dataclass(frozen=True)
class Settings:
    """Names of what the deployment made.

    runners: runner function by Python minor version. machine_role: ARN of the role that state machines assume.
    prefix: what the names of everything else begin with. runner_seconds: how long a runner function may take, where
    something stops it. people: whether each person of an IAM Identity Center role is an owner, or the role.
    shared_with: by owner, who may read all of theirs (owners as `owner_of` names them). machine_logs: ARN of the log
    group that state machines report errors to. machine_tracing: whether they send traces to X-Ray. builders: as
    runners, what builds sublattices, where runners cannot. triggers: None where the deployment has no triggers.
    batch, ecs, ec2, braket: what it offers of AWS Batch, ECS, EC2 and Braket, None where it does not.
    bridge: the function that looks after jobs in other places, "" for none; bridge_reads_files: whether it runs on the
    machine of its user, and may read keys there.
    """

    table: str
    bucket: str
    runners: Mapping[str, str]
    machine_role: str
    prefix: str = DEFAULT_PREFIX
    runner_seconds: int | None = None
    people: bool = True
    shared_with: Mapping[str, frozenset[str]] = field(default_factory=dict)
    machine_logs: str | None = None
    machine_tracing: bool = False
    builders: Mapping[str, str] = field(default_factory=dict)
    triggers: TriggerNames | None = None
    batch: Batch | None = None
    ecs: Ecs | None = None
    ec2: Ec2Place | None = None
    braket: BraketPlace | None = None
    bridge: str = ""
    bridge_reads_files: bool = False

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings.

        Raises:
            Unavailable: one is missing or malformed; the message names it.

        """
        people = _choice(environment, "COVALENT_SSO_OWNERS", ("person", "role")) == "person"
        return cls(
            table=_required(environment, "COVALENT_TABLE"),
            bucket=_required(environment, "COVALENT_BUCKET"),
            runners=_functions(_required(environment, "COVALENT_RUNNERS"), "COVALENT_RUNNERS"),
            machine_role=_role(_required(environment, "COVALENT_MACHINE_ROLE")),
            prefix=environment.get("COVALENT_PREFIX") or DEFAULT_PREFIX,
            runner_seconds=_seconds(environment.get("COVALENT_RUNNER_SECONDS", "")),
            people=people,
            shared_with=_shared(environment.get("COVALENT_SHARED_WITH") or "{}", people=people),
            machine_logs=_log_group(environment.get("COVALENT_MACHINE_LOG_GROUP", "")),
            machine_tracing=_choice(environment, "COVALENT_MACHINE_TRACING", ("false", "true"))
            == "true",
            builders=_functions(environment.get("COVALENT_BUILDERS") or "{}", "COVALENT_BUILDERS"),
            triggers=_names(environment, "COVALENT_TRIGGERS", TriggerNames),
            batch=_names(environment, "COVALENT_BATCH", Batch),
            ecs=_names(environment, "COVALENT_ECS", Ecs),
            ec2=_names(environment, "COVALENT_EC2", Ec2Place),
            braket=_names(environment, "COVALENT_BRAKET", BraketPlace),
            bridge=environment.get("COVALENT_BRIDGE", ""),
            bridge_reads_files=_choice(
                environment, "COVALENT_BRIDGE_READS_FILES", ("false", "true")
            )
            == "true",
        )

    @property
    def adopter(self) -> str:
        """The function that makes dispatches of sublattices."""
        return f"{self.prefix}-adopt"

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


def _functions(text: str, name: str) -> Mapping[str, str]:
    try:
        return {str(python): str(function) for python, function in json.loads(text).items()}
    except (ValueError, AttributeError) as exc:
        raise Unavailable(f"{name} is not a JSON object") from exc


def _names(environment: Mapping[str, str], name: str, kind: type[Names]) -> Names | None:
    """What a deployment has made for one of its parts, if it has that part."""
    text = environment.get(name, "")
    try:
        return kind(**json.loads(text)) if text else None
    except (ValueError, TypeError) as exc:
        raise Unavailable(f"{name} is not a JSON object of the names it must have") from exc


def _role(arn: str) -> str:
    if not arn.startswith("arn:") or arn.count(":") < 5:
        raise Unavailable("COVALENT_MACHINE_ROLE is not the ARN of a role")
    return arn


def _seconds(text: str) -> int | None:
    if text and not text.isdecimal():
        raise Unavailable("COVALENT_RUNNER_SECONDS is not a number of seconds")
    return int(text) if text else None


def _choice(environment: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """One of the choices; the first where nothing is set."""
    chosen = (environment.get(name) or choices[0]).lower()
    if chosen not in choices:
        raise Unavailable(f"{name} is none of {', '.join(choices)}")
    return chosen


def _log_group(arn: str) -> str | None:
    if arn and (not arn.startswith("arn:") or ":log-group:" not in arn):
        raise Unavailable("COVALENT_MACHINE_LOG_GROUP is not the ARN of a log group")
    return arn.removesuffix(":*") or None


def _shared(text: str, *, people: bool) -> Mapping[str, frozenset[str]]:
    def name(principal: object) -> str:
        if not isinstance(principal, str) or not principal.startswith("arn:"):
            raise ValueError(principal)
        return owner_of(principal_of(principal, people=people))

    found: dict[str, frozenset[str]] = {}
    try:
        for owner, readers in json.loads(text).items():
            if not isinstance(readers, list):
                raise TypeError(readers)
            found[name(owner)] = found.get(name(owner), frozenset()) | set(map(name, readers))
    except (ValueError, AttributeError, TypeError) as exc:
        raise Unavailable(
            "COVALENT_SHARED_WITH is not a JSON object of principals (ARNs) and lists of those who may read"
        ) from exc
    return found
