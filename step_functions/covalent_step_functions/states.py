"""Give every element of a plan its state: what it calls, where it goes next, where it goes when it fails.

What stops a line of tasks goes to the line's report. If more follows the line in its branch, a check has the runner
run the last task again, wherever it ran: after the report it is settled. One that failed raises at once, and the branch
ends; one that had committed before its state failed (its time was up at that moment) returns at once, and the branch
goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import assert_never

from covalent_contracts import ranges
from covalent_executors.task import TaskTemplate, lambda_task
from covalent_step_functions.machine import (
    JOB,
    ROW,
    ROWS,
    Branch,
    Call,
    Continue,
    Distributed,
    Done,
    Explain,
    Fork,
    Inline,
    Look,
    Lost,
    Report,
    Rows,
    Run,
    State,
    StateMachine,
    Submit,
    Wait,
)
from covalent_step_functions.names import (
    NameOf,
    batch_name,
    checked_name,
    each_name,
    ended_name,
    gate_name,
    group_name,
    job_name,
    left_name,
    look_name,
    lost_name,
    rows_name,
    step_name,
    stopped_gate_name,
    stopped_name,
    task_name,
)
from covalent_step_functions.plan import Array, Each, Gate, Item, Items, Nested, Parallel, Task
from covalent_step_functions.quotas import MAP_WIDTH

EXPLAINED = 10
"""Executions at once in which causes are asked for and reported: 400 calls, where Lambda takes 1,000 of an account."""
_USED_UP = "its job ended before it had a result, in the last try that it had"


@dataclass(frozen=True)
class Calls:
    """What the states of a workflow call.

    tasks: what to call for each node. name_of: the name of a node as the user wrote it. runner: the function to hand
    waits and reports to.
    """

    tasks: Mapping[int, TaskTemplate]
    name_of: NameOf
    runner: str


def states_of(items: Items, calls: Calls, machine_of: Callable[[Nested], str]) -> StateMachine:
    """The states of a machine.

    Args:
        items: what runs after what.
        calls: what the states call.
        machine_of: the ARN of the machine for a nested execution.

    """
    states = _Namer(calls, machine_of).states(items) if items else (Done("nothing to run"),)
    return StateMachine(Branch(states), calls.runner)


@dataclass(frozen=True)
class _Namer:
    calls: Calls
    machine_of: Callable[[Nested], str]

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
        found: list[State] = [
            state for i in indices for state in self._calls(items[i], stopped, names[i + 1])
        ]
        then = names[indices[-1] + 1]
        if then is None:
            return [*found, Report(stopped, nodes, None)]
        check = lambda_task(self.calls.runner)
        return [
            *found,
            Report(stopped, nodes, checked_name(last)),
            Run(checked_name(last), last, check, ended_name(last), then),
            Done(ended_name(last)),
        ]

    def _calls(self, item: Item, stopped: str, then: str | None) -> Sequence[State]:
        match item:
            case Task(node):
                return calls_for(node, self.calls, stopped, then)
            case Gate(node, needs):
                return [Wait(self._name(item), node, len(needs), stopped, then)]
            case _:
                raise AssertionError(f"{type(item).__name__} is not part of a line")

    def _other(self, item: Item, then: str | None) -> list[State]:
        """What runs several electrons at once or elsewhere, or a gate in front of it.

        Such a gate goes on when it fails. Its report can name one electron; the others then find by themselves that
        their inputs are missing.
        """
        match item:
            case Parallel(branches):
                inner = tuple(Branch(self.states(branch)) for branch in branches)
                return [Fork(self._name(item), inner, then)]
            case Nested():
                return self._nested(item, then)
            case Each():
                return self._each(item, then)
            case Array():
                return self._array(item, then)
            case Gate(node):
                stopped = stopped_gate_name(node)
                return [*self._calls(item, stopped, then), Report(stopped, (node,), then)]
            case Task():
                raise AssertionError("a task is part of a line")
            case _:
                assert_never(item)

    def _nested(self, nested: Nested, then: str | None) -> list[State]:
        first = min(nested.nodes)
        lost = lost_name(first)
        return [
            Call(self._name(nested), first, self.machine_of(nested), lost, then),
            Lost(lost, nested.nodes, then),
        ]

    def _each(self, each: Each, then: str | None) -> list[State]:
        first, name = min(each.nodes), group_name(each, self.calls.name_of)
        rows = Rows(rows_name(first), each.rows, name)
        body = Branch(self._row(each.rows[0]))
        if not each.batch:
            return [rows, Inline(name, body, then)]
        batch = Inline(batch_name(self.calls.name_of(first), first), body, None)
        lost = lost_name(first)
        return [
            rows,
            Distributed(name, batch, each.batch, lost),
            Lost(lost, ROWS, then),
        ]

    def _row(self, row: Sequence[int]) -> tuple[State, ...]:
        """The states for any row, named after the first one."""
        names = [each_name(self.calls.name_of(node), node) for node in row]
        stopped = stopped_name(row[0])
        runs = (
            Run(name, f"{ROW}[{i}]", self.calls.tasks[row[i]], stopped, then)
            for i, (name, then) in enumerate(zip(names, [*names[1:], None], strict=True))
        )
        return (*runs, Report(stopped, ROW, None))

    def _array(self, array: Array, then: str | None) -> list[State]:
        """An array of jobs. It fails if one job has; then those electrons have a row each that have no result."""
        nodes, name = array.nodes, group_name(array, self.calls.name_of)
        first, task = nodes[0], self.calls.tasks[nodes[0]]
        look, left, lost = look_name(first), left_name(first), lost_name(first)
        label = self.calls.name_of(first)
        batch = Inline(batch_name(label, first), Branch(self._open(task, label, first)), None)
        explains = not task.retries
        rows = Distributed(left, batch, MAP_WIDTH, lost, cause=_USED_UP)
        return [
            Submit(name, nodes, task, look, lost, then),
            Look(look, nodes, explains, lost, left),
            replace(rows, width=EXPLAINED, told=(JOB,)) if explains else rows,
            Lost(lost, ranges.written(nodes), then),
        ]

    def _open(self, task: TaskTemplate, label: str, first: int) -> tuple[State, ...]:
        """The states for an electron of an array that has no result: it runs again, or is told why it has none."""
        stopped, again, job = stopped_name(first), each_name(label, first), job_name(label, first)
        report = Report(stopped, f"States.Array({ROW}[0])", None)
        if task.retries or task.array is None:
            once_less = replace(task, retries=task.retries - 1)
            return Run(again, f"{ROW}[0]", once_less, stopped, None, tried=1), report
        return Explain(job, task.array, stopped), report

    def _name(self, item: Item) -> str:
        """The name of the state at which an item is entered."""
        match item:
            case Task(node):
                return task_name(self.calls.name_of(node), node)
            case Gate(node):
                return gate_name(self.calls.name_of(node), node)
            case Each():
                return rows_name(min(item.nodes))
            case Parallel() | Nested() | Array():
                return group_name(item, self.calls.name_of)
            case _:
                assert_never(item)


def calls_for(node: int, calls: Calls, stopped: str, then: str | None) -> tuple[State, ...]:
    """The states of one electron, one after the other."""
    task, name = calls.tasks[node], calls.name_of(node)
    names = [task_name(name, node), *(step_name(step.label, name, node) for step in task.then)]
    following = [*names[1:], then]
    return (
        Run(names[0], node, task, stopped, following[0]),
        *(
            Continue(own, node, step, step is task.then[-1], stopped, after)
            for own, step, after in zip(names[1:], task.then, following[1:], strict=True)
        ),
    )


def _in_line(items: Items, index: int) -> bool:
    """Whether a branch stops here if the state fails: at a task, and at the gate of a single task."""
    item = items[index]
    if isinstance(item, Gate):
        item = items[index + 1]
    return isinstance(item, Task)
