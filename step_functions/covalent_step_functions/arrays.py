"""Put electrons that one call can start together into arrays of jobs.

AWS Batch takes 50 jobs a second from an account, and an array of thousands as one. So branches of a `Parallel` that are
one electron each, with the same settings, become one item. They start all at once, as they would have. A branch that
goes on after its electron stays as it is: the rest of it would have to wait for the whole array.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from covalent_contracts import ranges
from covalent_executors.task import TaskTemplate
from covalent_step_functions.plan import Array, Item, Items, Parallel, Plan, Task
from covalent_step_functions.split import ROWS_BYTES

TEXT = 4096
"""Characters of the ids that the jobs of an array are told: a submission has up to 30 KiB, an intrinsic 10,000."""


def arrayed(plan: Plan, tasks: Mapping[int, TaskTemplate]) -> Plan:
    """The same plan, with arrays where there are enough electrons for one."""
    if all(task.array is None for task in tasks.values()):
        return plan
    return Plan(_Finder(tasks).items(plan.items))


@dataclass(frozen=True)
class _Finder:
    tasks: Mapping[int, TaskTemplate]

    def items(self, items: Items) -> Items:
        """The items with arrays in them."""
        return tuple(each for item in items for each in self._item(item))

    def _item(self, item: Item) -> Items:
        if not isinstance(item, Parallel):
            return (item,)
        branches = tuple(self._branches(item.branches))
        return branches[0] if len(branches) == 1 else (Parallel(branches),)

    def _branches(self, branches: Sequence[Items]) -> Iterator[Items]:
        """The branches, those that are alike as arrays in the place of the first."""
        alike: dict[object, list[Items]] = {}
        for number, branch in enumerate(branches):
            alike.setdefault(self._likeness(branch) or (number,), []).append(branch)
        for group in alike.values():
            arrays = list(self._arrays(group))
            if arrays:
                yield from ((each,) for each in arrays)
            else:
                yield from (self.items(branch) for branch in group)

    def _likeness(self, branch: Items) -> object:
        """Equal for branches that may be in one array, None for one that cannot."""
        task = self._only(branch)
        return task and id(task)

    def _only(self, branch: Items) -> TaskTemplate | None:
        """What a branch calls that is nothing but one job, which could be in an array."""
        match branch:
            case (Task(node, states=1),) if self.tasks[node].array is not None:
                return self.tasks[node]
            case _:
                return None

    def _arrays(self, group: Sequence[Items]) -> Iterator[Array]:
        """Branches that are alike as arrays, if there are enough of them."""
        task = self._only(group[0])
        if task is None or task.array is None or len(group) < task.array.least:
            return
        nodes = sorted(item.node for (item,) in group if isinstance(item, Task))
        for some in _cut(nodes, task.array.most):
            yield Array(some, task.events)


def _cut(nodes: Sequence[int], most: int) -> Iterable[tuple[int, ...]]:
    """Nodes as few arrays of about one size, each of at least two: more than half of what is too many."""
    parts = -(-len(nodes) // most)
    while not all(_is_short(part) for part in _parts(nodes, parts)):
        parts += 1
    return _parts(nodes, parts)


def _parts(nodes: Sequence[int], count: int) -> list[tuple[int, ...]]:
    bounds = [len(nodes) * i // count for i in range(count + 1)]
    return [tuple(nodes[start:end]) for start, end in pairwise(bounds)]


def _is_short(nodes: Sequence[int]) -> bool:
    rows = json.dumps([(node, i) for i, node in enumerate(nodes)])
    return len(ranges.written(nodes)) <= TEXT and len(rows) <= ROWS_BYTES
