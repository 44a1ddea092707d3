"""Give every element of a plan its state: what it calls, where it goes next, where it goes when it fails."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from covalent_executors.task import TaskTemplate
from covalent_step_functions.names import (
    NameOf,
    gate_name,
    parallel_name,
    stopped_gate_name,
    stopped_name,
    task_name,
)
from covalent_step_functions.plan import Gate, Item, Items, Parallel, Plan, Task


@dataclass(frozen=True)
class Run:
    """Run one electron. `then` is None for the last state of a branch."""

    name: str
    node: int
    task: TaskTemplate
    stopped: str
    then: str | None


@dataclass(frozen=True)
class Wait:
    """Park a token until `needs` parents have arrived."""

    name: str
    node: int
    needs: int
    stopped: str
    then: str | None


@dataclass(frozen=True)
class Report:
    """Tell that the tasks `nodes` of a branch came to a stop."""

    name: str
    nodes: tuple[int, ...]
    then: str | None


@dataclass(frozen=True)
class Fork:
    """Run branches at once."""

    name: str
    branches: tuple["Branch", ...]
    then: str | None


@dataclass(frozen=True)
class Nothing:
    """The machine of a lattice without electrons."""

    name: str


State = Run | Wait | Report | Fork | Nothing


@dataclass(frozen=True)
class Branch:
    """States; the first is the one to start at."""

    states: tuple[State, ...]


@dataclass(frozen=True)
class StateMachine:
    """The machine's own states, and the function that takes waits and reports."""

    trunk: Branch
    runner: str


def states_of(
    plan: Plan, tasks: Mapping[int, TaskTemplate], name_of: NameOf, runner: str
) -> StateMachine:
    """The states of a plan.

    Args:
        plan: what runs after what.
        tasks: what to call for each node.
        name_of: the name of a node as the user wrote it.
        runner: the function to hand waits and reports to.

    """
    if not plan.items:
        return StateMachine(Branch((Nothing("nothing to run"),)), runner)
    states = _Namer(tasks, name_of).states(plan.items)
    return StateMachine(Branch(states), runner)


@dataclass(frozen=True)
class _Namer:
    tasks: Mapping[int, TaskTemplate]
    name_of: NameOf

    def states(self, items: Items) -> tuple[State, ...]:
        """The states of one branch: its items, then its report."""
        nodes = tuple(item.node for item in items if isinstance(item, Task))
        stopped = stopped_name(nodes[0]) if nodes else ""
        names = [self._name(item) for item in items]
        found: list[State] = []
        for i, item in enumerate(items):
            then = names[i + 1] if i + 1 < len(items) else None
            match item:
                case Task(node):
                    found.append(Run(names[i], node, self.tasks[node], stopped, then))
                case Gate():
                    found += self._gate(item, items[i + 1], stopped, names[i + 1])
                case Parallel(branches):
                    inner = tuple(Branch(self.states(branch)) for branch in branches)
                    found.append(Fork(names[i], inner, then))
                case _:
                    assert_never(item)
        return (*found, Report(stopped, nodes, None)) if nodes else tuple(found)

    def _gate(self, gate: Gate, behind: Item, stopped: str, then: str) -> list[State]:
        """A gate in front of a Parallel goes on when it fails.

        Its report can name one electron; the others then find by themselves that their inputs are missing.
        """
        name = gate_name(self.name_of(gate.node), gate.node)
        if isinstance(behind, Task):
            return [Wait(name, gate.node, len(gate.needs), stopped, then)]
        own = stopped_gate_name(gate.node)
        return [
            Wait(name, gate.node, len(gate.needs), own, then),
            Report(own, (gate.node,), then),
        ]

    def _name(self, item: Item) -> str:
        match item:
            case Task(node):
                return task_name(self.name_of(node), node)
            case Gate(node):
                return gate_name(self.name_of(node), node)
            case Parallel():
                return parallel_name(item, self.name_of)
            case _:
                assert_never(item)
