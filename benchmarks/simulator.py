"""A discrete-event simulation of Step Functions and Lambda that runs a compiled plan. Workers are unlimited."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

import simpy

from benchmarks.shapes import Dag
from covalent_step_functions.plan import Array, Each, Gate, Items, Nested, Parallel, Plan, Task

Process = Generator[Any, Any, None]


@dataclass(frozen=True)
class Latencies:
    """Seconds that pass around the user's code.

    transition: a state is entered. start: the function begins, finds its sheet and claims the electron. commit: the
    output and the record are written and Step Functions hears of it. release: the last parent's arrival reaches the
    gate and the parked token comes back. join: a Parallel collects its branches.
    """

    transition: float = 0.0
    start: float = 0.0
    commit: float = 0.0
    release: float = 0.0
    join: float = 0.0

    @property
    def electron(self) -> float:
        """What an electron takes beside its own code."""
        return self.transition + self.start + self.commit


NONE = Latencies()
DEFAULT = Latencies(transition=0.025, start=0.035, commit=0.020, release=0.030, join=0.025)
SOURCES: Mapping[str, str] = {
    "transition": "assumption: AWS publishes no figure, and we found no measurement to trust",
    "start": "assumption: a warm call and two reads of a record; with it 1 % cold starts of 0.3 s "
    "(AWS compute blog: under 1 % of calls, 0.2 to 0.4 s for Python)",
    "commit": "assumption: one PUT to S3 or one write to DynamoDB, and the answer",
    "release": "assumption: one write to DynamoDB and SendTaskSuccess",
    "join": "assumption: as a transition",
}
"""Where each number of `DEFAULT` comes from."""


@dataclass(frozen=True)
class Run:
    """When each electron's code began, and when everything had ended."""

    starts: Mapping[int, float]
    makespan: float


def simulate(plan: Plan, seconds: Mapping[int, float], latencies: Latencies = NONE) -> Run:
    """Run a plan.

    Args:
        plan: the plan.
        seconds: how long each electron's code takes.
        latencies: what passes beside.

    """
    execution = _Execution(seconds, latencies)
    execution.env.run(execution.env.process(execution.branch(plan.items)))
    return Run(execution.starts, execution.env.now)


def ideal(dag: Dag, seconds: Mapping[int, float], latencies: Latencies = NONE) -> Run:
    """A scheduler that starts every electron the moment its last parent has ended, without states in between.

    Without latencies its makespan is the critical path.
    """
    starts: dict[int, float] = {}
    ends: dict[int, float] = {}
    for node, parents in dag.items():
        ready = max((ends[parent] for parent in parents), default=0.0)
        starts[node] = ready + latencies.transition + latencies.start
        ends[node] = starts[node] + seconds[node] + latencies.commit
    return Run(starts, max(ends.values(), default=0.0))


class _Execution:
    def __init__(self, seconds: Mapping[int, float], latencies: Latencies) -> None:
        self.env = simpy.Environment()
        self.starts: dict[int, float] = {}
        self._seconds = seconds
        self._latencies = latencies
        self._committed = {node: self.env.event() for node in seconds}

    def branch(self, items: Items) -> Process:
        for item in items:
            yield self.env.timeout(self._latencies.transition)
            match item:
                case Task(node):
                    yield from self._task(node)
                case Gate(_, needs):
                    yield from self._gate(needs)
                case Parallel(branches):
                    inside = [self.env.process(self.branch(each)) for each in branches]
                    yield self.env.all_of(inside)
                    yield self.env.timeout(self._latencies.join)
                case Nested(inner):
                    yield self.env.timeout(self._latencies.start)
                    yield from self.branch(inner)
                    yield self.env.timeout(self._latencies.join)
                case Each(rows, batch):
                    if batch:
                        yield self.env.timeout(self._latencies.start)
                    alike = (tuple(map(Task, row)) for row in rows)
                    yield self.env.all_of([self.env.process(self.branch(each)) for each in alike])
                    yield self.env.timeout(self._latencies.join)
                case Array(nodes):
                    yield self.env.timeout(self._latencies.transition)
                    yield self.env.all_of([self.env.process(self._task(node)) for node in nodes])
                case _:
                    assert_never(item)

    def _task(self, node: int) -> Process:
        yield self.env.timeout(self._latencies.start)
        self.starts[node] = self.env.now
        yield self.env.timeout(self._seconds[node])
        yield self.env.timeout(self._latencies.commit)
        self._committed[node].succeed()

    def _gate(self, needs: tuple[int, ...]) -> Process:
        """Its call parks the token; if every parent has arrived by then, the call itself releases it."""
        yield self.env.timeout(self._latencies.start)
        yield self.env.all_of([self._committed[parent] for parent in needs])
        yield self.env.timeout(self._latencies.release)
