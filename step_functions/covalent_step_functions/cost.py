"""What one run of a plan takes: states entered, entries in the history, bytes, dollars.

Everything is for a run in which nothing fails and nothing is tried twice. Prices are those of us-east-1, on demand,
without the free tier, in dollars; limits are in `covalent_step_functions.quotas`.
"""

import math
from collections import Counter
from dataclasses import dataclass
from typing import assert_never

from covalent_executors.task import CALL_EVENTS
from covalent_step_functions.plan import (
    Array,
    Each,
    Gate,
    Item,
    Items,
    Nested,
    Parallel,
    Plan,
    Task,
)

TASK_EVENTS = CALL_EVENTS
"""Of an electron that is one state."""
GATE_EVENTS = 6
"""A task's, and the submission that a token waits for."""
PARALLEL_EVENTS = 4
"""Entered, started, succeeded, exited."""
NESTED_EVENTS = 6
"""Entered, scheduled, started, submitted, succeeded, exited."""
ROWS_EVENTS = 2
"""A Pass: entered, exited."""
MAP_EVENTS = 4
"""Entered, started, succeeded, exited."""
ITERATION_EVENTS = 2
"""Of an inline Map: started, succeeded."""
RUN_EVENTS = 2
"""Of a Distributed Map: its run started, its run succeeded."""
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

    arrivals are the parents that all gates wait for; nested are executions started by others, batches are those of
    Distributed Maps. Of the machines, which are at least one: most events in one execution, widest Parallel, and
    bytes of the largest definition. steps are the states that electrons take beyond their first. arrays are those of
    jobs, arrayed the electrons in them.
    """

    tasks: int = 0
    gates: int = 0
    parallels: int = 0
    arrivals: int = 0
    nested: int = 0
    maps: int = 0
    distributed: int = 0
    batches: int = 0
    events: int = EXECUTION_EVENTS
    widest: int = 0
    size: int = 0
    steps: int = 0
    arrays: int = 0
    arrayed: int = 0

    @property
    def machines(self) -> int:
        """State machines that are made."""
        return 1 + self.nested

    @property
    def transitions(self) -> int:
        """States entered, which is what AWS bills; a machine without electrons has one.

        A Map has a state before it for its rows. A distributed one has a state after it that looks for what was
        lost; each of its batches is started, and is an inline Map. An array is one state for all its electrons.
        """
        maps = 2 * self.maps + self.distributed + 2 * self.batches
        tasks = self.tasks - self.arrayed + self.arrays
        return tasks + self.steps + self.gates + self.parallels + self.nested + maps or 1

    @property
    def bill(self) -> Bill:
        """Dollars, for electrons that take `RUN_SECONDS` and `RUN_GB` on Lambda and read two objects and write one.

        An electron's record is written twice (claimed, committed), a dispatch's three times (registered, started,
        ended); a gate's once when its token is parked and once at each arrival.
        """
        return Bill(
            transitions=self.transitions * TRANSITION,
            functions=self.tasks * _RUN + (self.steps + self.gates + self.distributed) * _WAIT,
            records=(2 * self.tasks + self.gates + self.arrivals + 3) * RECORD_WRITE
            + _CALLS * RECORD_READ,
            objects=self.tasks * (OBJECT_PUT + 2 * OBJECT_GET) + 4 * OBJECT_PUT,
            api=_CALLS * (API_REQUEST + _HANDLER) + _HANDLER,
        )


def cost_of(plan: Plan, size: int = 0) -> Cost:
    """Count what is in a plan.

    Args:
        plan: the plan.
        size: bytes of its largest definition, where that is known.

    """
    counts = Counter[str]()
    widest = 0
    for item in plan.walk():
        counts.update(_counts(item))
        if isinstance(item, Parallel):
            widest = max(widest, len(item.branches))
    return Cost(**counts, events=_most_events(plan), widest=widest, size=size)


def _counts(item: Item) -> dict[str, int]:
    match item:
        case Task(_, states):
            return {"tasks": 1, "steps": states - 1}
        case Gate(_, needs):
            return {"gates": 1, "arrivals": len(needs)}
        case Parallel():
            return {"parallels": 1}
        case Nested():
            return {"nested": 1}
        case Each(rows, batch):
            batches = math.ceil(len(rows) / batch) if batch else 0
            tasks = len(rows) * len(rows[0])
            return {"tasks": tasks, "maps": 1, "batches": batches, "distributed": int(batch > 0)}
        case Array(nodes):
            return {"tasks": len(nodes), "arrays": 1, "arrayed": len(nodes)}
        case _:
            assert_never(item)


def events_in(items: Items) -> int:
    """Entries in the history of an execution that runs these items, and of no other one."""
    return EXECUTION_EVENTS + sum(map(_events, items))


def _events(item: Item) -> int:
    match item:
        case Task(_, _, events):
            return events
        case Gate():
            return GATE_EVENTS
        case Parallel(branches):
            return PARALLEL_EVENTS + sum(_events(each) for branch in branches for each in branch)
        case Nested():
            return NESTED_EVENTS
        case Each():
            return ROWS_EVENTS + _map_events(item)
        case Array(_, events):
            return events
        case _:
            assert_never(item)


def _map_events(each: Each) -> int:
    if each.batch:
        return MAP_EVENTS + RUN_EVENTS + TASK_EVENTS
    return MAP_EVENTS + len(each.rows) * _row_events(each)


def _row_events(each: Each) -> int:
    return row_events(each.events or len(each.rows[0]) * TASK_EVENTS)


def row_events(events: int) -> int:
    """Entries for one row of an inline Map whose electrons take so many."""
    return ITERATION_EVENTS + events


def _most_events(plan: Plan) -> int:
    """In the longest history of those of the executions."""
    batches = (
        EXECUTION_EVENTS + MAP_EVENTS + min(len(item.rows), item.batch) * _row_events(item)
        for item in plan.walk()
        if isinstance(item, Each) and item.batch
    )
    return max(*map(events_in, plan.machines()), EXECUTION_EVENTS, *batches)
