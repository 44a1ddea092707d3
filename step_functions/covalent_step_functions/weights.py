"""What each item of a plan adds to its machine, before any machine is written: bytes of the definition, and events.

Bytes are a little more than `covalent_step_functions.emit` writes: every name counts once where it is defined and once
where it is led to, and every node id as the longest one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from covalent_contracts.quoted import quoted_size
from covalent_executors.place import Place
from covalent_executors.task import TaskTemplate
from covalent_step_functions.cost import EXECUTION_EVENTS, PARALLEL_EVENTS, events_in
from covalent_step_functions.emit import state_size
from covalent_step_functions.machine import Done, Fork, Report, Run, State, Wait
from covalent_step_functions.names import (
    checked_name,
    ended_name,
    gate_name,
    group_name,
    stopped_name,
    task_name,
)
from covalent_step_functions.plan import Array, Each, Gate, Item, Nested, Parallel, Task
from covalent_step_functions.quotas import MACHINE_NAME, STATE_NAME
from covalent_step_functions.states import Calls, calls_for, states_of

_LONG = "n" * STATE_NAME
_BRANCH = quoted_size('{"StartAt":,"States":{}},')


@dataclass(frozen=True)
class Weight:
    """Bytes of a definition, events of a history."""

    bytes: int = 0
    events: int = 0

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(self.bytes + other.bytes, self.events + other.events)

    def fits(self, most: "Weight") -> bool:
        """Whether it is in no way more."""
        return self.bytes <= most.bytes and self.events <= most.events


class Weights:
    """Weighs the items of one plan."""

    def __init__(self, calls: Calls, place: Place) -> None:
        self._calls = calls
        self._arn = place.machines + "m" * MACHINE_NAME
        self._longest = max(calls.tasks, default=0)
        self._digits = len(str(self._longest))
        self._run_bytes: dict[int, int] = {}

    def likeness(self, node: int) -> object:
        """Equal for nodes that one state can run: of one name and with the same settings.

        What later states of an electron pass on has no place beside the rows of a Map.
        """
        task = self._calls.tasks[node]
        return (self._calls.name_of(node), id(task)) if task.states == 1 else node

    def events(self, nodes: Sequence[int]) -> int:
        """Entries in the history that electrons take."""
        return sum(self._calls.tasks[node].events for node in nodes)

    def item(self, item: Item) -> Weight:
        """One item by itself: a Parallel without its branches, a nested execution or a Map as it is called."""
        match item:
            case Task(node, states) if states > 1:
                size = self._several(node)
            case Task(node):
                name = quoted_size(json.dumps(task_name(self._calls.name_of(node), node)))
                size = self._bytes_of_run(self._calls.tasks[node]) + 2 * name + 3 * self._digits
            case Parallel(branches):
                called = group_name(item, self._calls.name_of)
                size = self._size(Fork(called, (), called)) + _BRANCH * len(branches)
                return Weight(size, PARALLEL_EVENTS)
            case Gate(node):
                name = quoted_size(json.dumps(gate_name(self._calls.name_of(node), node)))
                size = self._gate_bytes + 2 * name + 4 * self._digits
            case Nested() | Each() | Array():
                size = self._written(item)
        return Weight(size, events_in((item,)) - EXECUTION_EVENTS)

    @cached_property
    def fork(self) -> Weight:
        """A Parallel of one branch, of whatever name."""
        return Weight(self._size(Fork(_LONG, (), _LONG)) + _BRANCH, PARALLEL_EVENTS)

    @cached_property
    def branch(self) -> Weight:
        """What a Parallel has more for each branch."""
        return Weight(_BRANCH)

    @cached_property
    def line(self) -> Weight:
        """The report on a line of tasks, without their ids."""
        return Weight(self._size(Report(stopped_name(self._longest), (), None)))

    @cached_property
    def gate_report(self) -> Weight:
        """The report on a gate that has no single electron behind it."""
        return self.line + Weight(self._onward)

    @cached_property
    def _onward(self) -> int:
        """What a report takes that does not end its branch."""
        return self._size(Report("", (), _LONG)) - self._size(Report("", (), None))

    def check(self, last: int) -> Weight:
        """What a line has more if something follows it: a second look at its last task."""
        task, node = replace(self._calls.tasks[last], retries=0, then=()), self._longest
        names = checked_name(node), ended_name(node)
        states: tuple[State, ...] = (
            Report(stopped_name(node), (), names[0]),
            Run(names[0], node, task, names[1], _LONG),
            Done(names[1]),
        )
        return Weight(sum(self._size(state) for state in states) - self.line.bytes)

    def _written(self, item: Item) -> int:
        """Bytes as they are written, and a name once more, for the state that leads there."""
        machine = states_of((item,), self._calls, lambda _: self._arn)
        states = machine.trunk.states
        return sum(self._size(state) for state in states) + len(states[0].name) + self._onward

    def _several(self, node: int) -> int:
        """An electron of several states."""
        states = calls_for(node, self._calls, stopped_name(self._longest), "")
        names = sum(quoted_size(json.dumps(state.name)) for state in states)
        return names + sum(self._size(state) for state in states)

    @cached_property
    def _gate_bytes(self) -> int:
        """Without names and numbers."""
        return self._size(Wait("", 0, 0, "stopped ()", ""))

    def _bytes_of_run(self, task: TaskTemplate) -> int:
        """Without names and ids. Nodes of one executor have the very same template."""
        if id(task) not in self._run_bytes:
            self._run_bytes[id(task)] = self._size(Run("", 0, task, "stopped ()", ""))
        return self._run_bytes[id(task)]

    def _size(self, state: State) -> int:
        return state_size(state, self._calls.runner)
