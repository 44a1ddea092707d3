"""The limits that one dispatch can run into, each with its number and where it comes from.

Emulators enforce none of them. Numbers of AWS:
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

from dataclasses import dataclass

from covalent_contracts.errors import LimitExceeded


@dataclass(frozen=True)
class Quota:
    """A limit: how many of what, whose it is, and what a user can do about it."""

    name: str
    number: int
    unit: str
    source: str
    cure: str

    def check(self, found: int) -> None:
        """Refuse more than the number.

        Raises:
            LimitExceeded: with the name and the number of the limit.

        """
        if found > self.number:
            raise LimitExceeded(
                f"the {self.name} needs {found:,} {self.unit}, the limit is {self.number:,} "
                f"({self.source}): {self.cure}",
                limit=self.name,
                number=self.number,
            )


_SPLIT = "split the lattice, for example into sublattices"

MAX_DEPTH = 25
"""How deep `Parallel` states nest: under the 30 levels that emulators parse."""

STATE_NAME = 80
"""Characters in the name of a state, and of a state machine."""

DEFINITION = Quota(
    name="definition",
    number=1_048_576 * 95 // 100,
    unit="bytes",
    source="Step Functions takes requests up to 1 MiB, definition included; 5 % are left for the rest",
    cure=_SPLIT,
)
EVENTS = Quota(
    name="execution history",
    number=20_000,
    unit="events",
    source="Step Functions ends an execution at 25,000; the rest is for retries",
    cure=_SPLIT,
)
DEPTH = Quota(
    name="nesting",
    number=MAX_DEPTH,
    unit="levels of Parallel",
    source="of this compiler",
    cure=_SPLIT,
)
MANIFEST = Quota(
    name="manifest",
    number=9 * 1024 * 1024,
    unit="bytes",
    source="API Gateway takes bodies up to 10 MB",
    cure=_SPLIT,
)

TASK_EVENTS = 5
"""Entered, scheduled, started, succeeded, exited."""
GATE_EVENTS = 6
"""A task's, and the submission that a token waits for."""
PARALLEL_EVENTS = 4
"""Entered, started, succeeded, exited."""
EXECUTION_EVENTS = 2
"""Started, succeeded."""
