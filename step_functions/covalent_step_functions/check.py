"""Count what a machine will cost, and refuse what Step Functions would not run."""

from dataclasses import dataclass

from covalent_step_functions import quotas
from covalent_step_functions.plan import Gate, Items, Parallel, Plan, Task


@dataclass(frozen=True)
class Cost:
    """What one execution without retries and failures takes.

    transitions are states entered, which is what AWS bills; events are those of the execution's history.
    """

    tasks: int
    gates: int
    parallels: int

    @property
    def transitions(self) -> int:
        """States entered; a machine without electrons has one."""
        return self.tasks + self.gates + self.parallels or 1

    @property
    def events(self) -> int:
        """Entries in the history."""
        return (
            self.tasks * quotas.TASK_EVENTS
            + self.gates * quotas.GATE_EVENTS
            + self.parallels * quotas.PARALLEL_EVENTS
            + quotas.EXECUTION_EVENTS
        )


def cost_of(plan: Plan) -> Cost:
    """Count the states of a plan."""
    kinds = [type(item) for item in plan.walk()]
    return Cost(kinds.count(Task), kinds.count(Gate), kinds.count(Parallel))


def check_manifest(size: int) -> None:
    """Refuse a manifest of too many bytes.

    Raises:
        LimitExceeded: with the limit.

    """
    quotas.MANIFEST.check(size)


def check_plan(plan: Plan) -> Cost:
    """Refuse a plan that takes too many events or nests too deep; what it costs otherwise.

    Raises:
        LimitExceeded: with the limit.

    """
    cost = cost_of(plan)
    quotas.EVENTS.check(cost.events)
    quotas.DEPTH.check(depth_of(plan.items))
    return cost


def check_definition(definition: str) -> None:
    """Refuse a definition of too many bytes.

    Raises:
        LimitExceeded: with the limit.

    """
    quotas.DEFINITION.check(len(definition.encode()))


def depth_of(items: Items) -> int:
    """How many Parallel states are inside each other."""
    return max((_depth(item) for item in items if isinstance(item, Parallel)), default=0)


def _depth(parallel: Parallel) -> int:
    return 1 + max(depth_of(branch) for branch in parallel.branches)
