"""What the bridge asks of a place that Step Functions cannot call: submit a job, look at it, cancel it.

An executor that needs the bridge has a module `adapter` with a function `adapter(spec, secrets) -> Adapter`. What it
submits is the same for all of them: a folder with the runner as one file (`Job.program`, a zip that Python runs as it
is) and `ticket.json` beside it. An adapter brings both there and runs `python <program>`; values, results and their
records are no concern of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from covalent_contracts.ticket import TICKET_FILE

TICKET = TICKET_FILE
"""The file that the runner looks for beside itself."""

Handle = Mapping[str, Any]
"""By which name a place knows a job: JSON, and nothing secret."""
Secrets = Callable[[str], str]
"""Reads what lies in a file (on the user's own machine) or in a secret of AWS Secrets Manager (its ARN).

It raises `Refused`, naming the place, if there is no such thing.
"""


class Refused(Exception):
    """The place will not do it, now or later; the message says what to change."""


class Busy(Exception):
    """The place cannot do it now: it is throttled, full, or does not answer. Trying again may help."""


class State(StrEnum):
    """How a job stands, in the words of the bridge."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    ENDED = "ENDED"


@dataclass(frozen=True)
class Sighting:
    """How a job stands.

    cause: for one that ENDED other than by itself: why, as a user can act on it ("out of memory: ask for more
    than 4 GB with ..."). For one that is PENDING, what it waits for, if the place tells.
    """

    state: State
    cause: str = ""


@dataclass(frozen=True)
class Job:
    """One try of an electron, as it is submitted.

    name: no two tries have the same: lower-case letters, digits and hyphens, at most 60 characters.
    program: the runner. ticket: what it has to do (secret: whoever has it can read the electron's inputs for
    a quarter of an hour). python: the version that pickled the electron ("3.11"). time_limit: seconds, 0 for none.
    files: what is to lie beside ticket and program, by name, where the adapter is a `Carrier` and carries it itself.
    """

    name: str
    program: bytes
    ticket: bytes
    python: str
    time_limit: float = 0
    files: Mapping[str, bytes] = field(default_factory=dict)


class Adapter(Protocol):
    """One place, as one user reaches it. Every method may raise `Refused` or `Busy`."""

    def submit(self, job: Job) -> Handle:
        """Start a job, unless there is one of this name: then its handle."""

    def look(self, handle: Handle) -> Sighting:
        """How a job stands. One that the place does not know any more has ENDED, and `cause` says so."""

    def cancel(self, handle: Handle) -> None:
        """End a job and what it has started; one that has ended is left alone."""

    def logs(self, handle: Handle) -> str:
        """The end of what the job has written beside the electron's own output; "" if there is nothing to be had."""

    def clean(self, handle: Handle) -> None:
        """Remove what `submit` has brought there; called once the job has ended and its result is kept."""


@runtime_checkable
class Carrier(Protocol):
    """An adapter that can bring files to the job's folder and fetch them from there (`Job.files`).

    So a job on a host that cannot reach the bucket has its inputs beside it and leaves its verdict there. That is how
    jobs of the offline AWS run on other machines: nothing but this machine reaches a bucket on 127.0.0.1.
    """

    def fetch(self, handle: Handle, name: str) -> bytes | None:
        """A file of the job's folder, if there is one of this name. What it holds is whole: it was renamed there."""
