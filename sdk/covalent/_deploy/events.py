"""What happens while Terraform works, read from the lines of its `-json` output.

https://developer.hashicorp.com/terraform/internals/machine-readable-ui
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

CREATE, UPDATE, DELETE, REPLACE = "create", "update", "delete", "replace"
CHANGES = (CREATE, UPDATE, REPLACE, DELETE)
"""The actions that change something in AWS."""


@dataclass(frozen=True)
class Step:
    """A part of the work begins."""

    text: str


@dataclass(frozen=True)
class Note:
    """Something that the user should know."""

    text: str


@dataclass(frozen=True)
class Change:
    """What is to become of a resource: one of `CHANGES`, or another word of Terraform's as `read`."""

    address: str
    kind: str
    action: str
    reason: str = ""


@dataclass(frozen=True)
class Drift:
    """A resource that is other than Terraform left it."""

    change: Change


@dataclass(frozen=True)
class Planned:
    """Everything that is to be done; nothing was done yet."""

    changes: tuple[Change, ...]
    drift: tuple[Change, ...] = ()

    def count(self, action: str) -> int:
        """How many resources the action is planned for."""
        return sum(change.action == action for change in self.changes)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done."""
        return not self.changes


def relevant(drift: Iterable[Change], changes: Iterable[Change]) -> tuple[Change, ...]:
    """Of what is other than it was left: what is gone, and what would be changed back.

    The rest is what AWS sets itself, as the list of a role's policies right after they were made.
    """
    planned = {change.address for change in changes if change.action != DELETE}
    return tuple(each for each in drift if each.action == DELETE or each.address in planned)


@dataclass(frozen=True)
class Started:
    """Work on a resource begins."""

    address: str
    action: str


@dataclass(frozen=True)
class Working:
    """Work on a resource goes on."""

    address: str
    action: str
    seconds: float


@dataclass(frozen=True)
class Finished:
    """A resource is done."""

    address: str
    action: str
    seconds: float


@dataclass(frozen=True)
class Failed:
    """A resource could not be done; a diagnostic tells why."""

    address: str
    action: str
    seconds: float


@dataclass(frozen=True)
class Diagnostic:
    """What Terraform has to complain about. severity is `error` or `warning`."""

    severity: str
    summary: str
    detail: str = ""
    address: str = ""

    @property
    def is_error(self) -> bool:
        """Whether it stops the work."""
        return self.severity == "error"

    @property
    def text(self) -> str:
        """All that it says."""
        return f"{self.summary}\n{self.detail}".strip()


@dataclass(frozen=True)
class Log:
    """Any other line: a sentence."""

    text: str


@dataclass(frozen=True)
class Done:
    """The work is done. values are what it was for."""

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


Event = (
    Step
    | Note
    | Change
    | Drift
    | Planned
    | Started
    | Working
    | Finished
    | Failed
    | Diagnostic
    | Log
    | Done
)


def read(line: bytes) -> Event | None:
    """The event that a line of Terraform's output tells of; None for one that tells nothing.

    A line that is not JSON, as a crash of Terraform prints, becomes a `Log`.
    """
    text = line.decode(errors="replace").strip()
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return Log(text) if text else None
    known = _READERS.get(str(document.get("type", "")))
    if known is not None:
        return known(document)
    message = str(document.get("@message", "")).strip()
    return Log(message) if message else None


def _change(document: Mapping[str, Any]) -> Change:
    change = document["change"]
    resource = change["resource"]
    return Change(
        address=resource["addr"],
        kind=resource.get("resource_type", ""),
        action=change["action"],
        reason=change.get("reason", ""),
    )


def _drift(document: Mapping[str, Any]) -> Drift:
    return Drift(_change(document))


def _diagnostic(document: Mapping[str, Any]) -> Diagnostic:
    found = document["diagnostic"]
    return Diagnostic(
        severity=found.get("severity", "error"),
        summary=found.get("summary", ""),
        detail=found.get("detail", ""),
        address=found.get("address", ""),
    )


def _hook(document: Mapping[str, Any]) -> tuple[str, str, float]:
    hook = document["hook"]
    return hook["resource"]["addr"], hook.get("action", ""), float(hook.get("elapsed_seconds", 0))


def _work(
    make: Callable[[str, str, float], Event],
) -> Callable[[Mapping[str, Any]], Event | None]:
    """A reader of work on a resource. What is only read changes nothing, and is left out."""

    def read_work(document: Mapping[str, Any]) -> Event | None:
        address, action, seconds = _hook(document)
        return make(address, action, seconds) if action in CHANGES else None

    return read_work


def _started(address: str, action: str, _seconds: float) -> Started:
    return Started(address, action)


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Event | None]] = MappingProxyType(
    {
        "planned_change": _change,
        "resource_drift": _drift,
        "apply_start": _work(_started),
        "apply_progress": _work(Working),
        "apply_complete": _work(Finished),
        "apply_errored": _work(Failed),
        "diagnostic": _diagnostic,
        "version": lambda _: None,
        "outputs": lambda _: None,
        "change_summary": lambda _: None,
        "refresh_start": lambda _: None,
        "refresh_complete": lambda _: None,
    }
)
