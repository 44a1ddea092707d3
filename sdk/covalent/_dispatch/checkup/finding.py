"""What one look gave."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it stands."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Nothing can be said of it, which is no fault."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what is there, and what to do if it is wrong."""

    name: str
    state: State
    detail: str
    cure: str = ""
    fatal: bool = False
    """Whether nothing can be looked at any more."""


def ok(name: str, detail: str) -> Finding:
    """As it should be."""
    return Finding(name, State.OK, detail)


def skipped(name: str, detail: str) -> Finding:
    """Not looked at."""
    return Finding(name, State.SKIPPED, detail)


def failed(name: str, detail: str, cure: str, *, fatal: bool = False) -> Finding:
    """Wrong."""
    return Finding(name, State.FAILED, detail, cure, fatal)
