"""Give every element of a plan its state: what it calls, where it goes next, where it goes when it fails.

What stops a line of tasks goes to the line's report. If more follows the line in its branch, a check runs the
last task again: one that failed raises at once, and the branch ends; one that had committed before its
state failed (its time was up at that moment) returns at once, and the branch goes on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import assert_never

from covalent_executors.task import TaskTemplate
from covalent_step_functions.names import (
    NameOf,
    checked_name,
    ended_name,
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
class Done:
    """The end of a branch that stopped, or of a machine without electrons."""

    name: str


State = Run | Wait | Report | Fork | Done


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
        return StateMachine(Branch((Done("nothing to run"),)), runner)
    states = _Namer(tasks, name_of).states(plan.items)
    return StateMachine(Branch(states), runner)


@dataclass(frozen=True)
class _Namer:
    tasks: Mapping[int, TaskTemplate]
    name_of: NameOf

    def states(self, items: Items) -> tuple[State, ...]:
        """The states of one branch."""
        names = [*(self._name(item) for item in items), None]
        found: list[State] = []
        for is_line, group in groupby(range(len(items)), lambda i: _in_line(items, i)):
            indices = list(group)
            if is_line:
                found += self._line(items, indices, names)
                continue
            for i in indices:
                found += self._other(items[i], names[i + 1])
        return tuple(found)

    def _line(
        self, items: Items, indices: Sequence[int], names: Sequence[str | None]
    ) -> list[State]:
        """Tasks and their gates, one after the other; then what happens when one stops."""
        nodes = tuple(item.node for item in (items[i] for i in indices) if isinstance(item, Task))
        last, stopped = nodes[-1], stopped_name(nodes[0])
        found = [self._step(items[i], stopped, names[i + 1]) for i in indices]
        then = names[indices[-1] + 1]
        if then is None:
            return [*found, Report(stopped, nodes, None)]
        check = replace(self.tasks[last], retries=0)
        return [
            *found,
            Report(stopped, nodes, checked_name(last)),
            Run(checked_name(last), last, check, ended_name(last), then),
            Done(ended_name(last)),
        ]

    def _step(self, item: Item, stopped: str, then: str | None) -> State:
        match item:
            case Task(node):
                return Run(self._name(item), node, self.tasks[node], stopped, then)
            case Gate(node, needs):
                return Wait(self._name(item), node, len(needs), stopped, then)
            case Parallel():
                raise AssertionError("a Parallel is not part of a line")
            case _:
                assert_never(item)

    def _other(self, item: Item, then: str | None) -> list[State]:
        """A Parallel, or a gate in front of one.

        Such a gate goes on when it fails. Its report can name one electron; the others then find by themselves that
        their inputs are missing.
        """
        match item:
            case Parallel(branches):
                inner = tuple(Branch(self.states(branch)) for branch in branches)
                return [Fork(self._name(item), inner, then)]
            case Gate(node):
                stopped = stopped_gate_name(node)
                return [self._step(item, stopped, then), Report(stopped, (node,), then)]
            case Task():
                raise AssertionError("a task is part of a line")
            case _:
                assert_never(item)

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


def _in_line(items: Items, index: int) -> bool:
    """Whether a branch stops here if the state fails: at a task, and at the gate of a single task."""
    item = items[index]
    if isinstance(item, Gate):
        item = items[index + 1]
    return isinstance(item, Task)
