"""What one run of a plan takes: states entered, entries in the history, bytes, dollars.

Everything is for a run in which nothing fails and nothing is tried twice. Prices are those of us-east-1, on demand,
without the free tier, in dollars; limits are in `covalent_step_functions.quotas`.
"""

from dataclasses import dataclass
from typing import assert_never

from covalent_step_functions.plan import Gate, Parallel, Plan, Task

TASK_EVENTS = 5
"""Entered, scheduled, started, succeeded, exited."""
GATE_EVENTS = 6
"""A task's, and the submission that a token waits for."""
PARALLEL_EVENTS = 4
"""Entered, started, succeeded, exited."""
EXECUTION_EVENTS = 2
"""Started, succeeded."""

TRANSITION = 0.025 / 1000
"""https://aws.amazon.com/step-functions/pricing: a state entered, in a Standard workflow."""
LAMBDA_REQUEST = 0.20 / 1_000_000
LAMBDA_GB_SECOND = 0.0000166667
"""https://aws.amazon.com/lambda/pricing: x86."""
RECORD_WRITE = 0.625 / 1_000_000
RECORD_READ = 0.125 / 1_000_000
"""https://aws.amazon.com/dynamodb/pricing/on-demand: items up to 1 KB written, up to 4 KB read."""
OBJECT_PUT = 5.0 / 1_000_000
OBJECT_GET = 0.4 / 1_000_000
"""https://aws.amazon.com/s3/pricing: Standard."""
API_REQUEST = 3.50 / 1_000_000
"""https://aws.amazon.com/api-gateway/pricing: REST."""

RUN_SECONDS = 0.1
RUN_GB = 0.5
"""An electron's time and memory. A guess of ours: only its author knows better."""
HANDLER_SECONDS = 0.06
HANDLER_GB = 0.25
"""A call of the API, or of a handler of events."""

_RUN = LAMBDA_REQUEST + RUN_SECONDS * RUN_GB * LAMBDA_GB_SECOND
_WAIT = LAMBDA_REQUEST + HANDLER_SECONDS * RUN_GB * LAMBDA_GB_SECOND
_HANDLER = LAMBDA_REQUEST + HANDLER_SECONDS * HANDLER_GB * LAMBDA_GB_SECOND
_CALLS = 12
"""Requests to the API in one dispatch: register, start, ten questions how it goes."""


@dataclass(frozen=True)
class Bill:
    """Dollars for one run, by service. api has the functions behind API Gateway and EventBridge in it."""

    transitions: float
    functions: float
    records: float
    objects: float
    api: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.transitions + self.functions + self.records + self.objects + self.api


@dataclass(frozen=True)
class Cost:
    """What a plan consists of.

    arrivals are the parents that all gates wait for; widest is the Parallel of most branches; size is the
    definition's, in bytes.
    """

    tasks: int
    gates: int
    parallels: int
    arrivals: int = 0
    widest: int = 0
    size: int = 0

    @property
    def transitions(self) -> int:
        """States entered, which is what AWS bills; a machine without electrons has one."""
        return self.tasks + self.gates + self.parallels or 1

    @property
    def events(self) -> int:
        """Entries in the history of the execution."""
        return (
            self.tasks * TASK_EVENTS
            + self.gates * GATE_EVENTS
            + self.parallels * PARALLEL_EVENTS
            + EXECUTION_EVENTS
        )

    @property
    def bill(self) -> Bill:
        """Dollars, for electrons that take `RUN_SECONDS` and `RUN_GB` on Lambda and read two objects and write one.

        An electron's record is written twice (claimed, committed), a dispatch's three times (registered, started,
        ended); a gate's once when its token is parked and once at each arrival.
        """
        return Bill(
            transitions=self.transitions * TRANSITION,
            functions=self.tasks * _RUN + self.gates * _WAIT,
            records=(2 * self.tasks + self.gates + self.arrivals + 3) * RECORD_WRITE
            + _CALLS * RECORD_READ,
            objects=self.tasks * (OBJECT_PUT + 2 * OBJECT_GET) + 4 * OBJECT_PUT,
            api=_CALLS * (API_REQUEST + _HANDLER) + _HANDLER,
        )


def cost_of(plan: Plan, size: int = 0) -> Cost:
    """Count what is in a plan.

    Args:
        plan: the plan.
        size: bytes of its definition, where that is known.

    """
    tasks = gates = parallels = arrivals = widest = 0
    for item in plan.walk():
        match item:
            case Task():
                tasks += 1
            case Gate(_, needs):
                gates += 1
                arrivals += len(needs)
            case Parallel(branches):
                parallels += 1
                widest = max(widest, len(branches))
            case _:
                assert_never(item)
    return Cost(tasks, gates, parallels, arrivals, widest, size)
