"""Put electrons that one call can start together into arrays of jobs.

AWS Batch takes 50 jobs a second from an account, and an array of thousands as one. Electrons with the same settings
that would be the first in the branches of one `Parallel` become a branch of their own, and still start all at once.
What followed them in their branches waits at a gate, so for no more than before. A gate for one electron alone would
cost as much as it saves: such an electron stays where it is.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from covalent_contracts import ranges
from covalent_executors.task import TaskTemplate
from covalent_step_functions.plan import Array, Gate, Item, Items, Parallel, Plan, Task

TEXT = 4096
"""Characters of the ids that the jobs of an array are told: a submission has up to 30 KiB, an intrinsic 10,000."""


def arrayed(plan: Plan, tasks: Mapping[int, TaskTemplate]) -> Plan:
    """The same plan, with arrays where there are enough electrons for one."""
    if all(task.array is None for task in tasks.values()):
        return plan
    return Plan(_Finder(tasks).items(plan.items))


@dataclass(frozen=True)
class _Parted:
    """A branch as the electrons that it starts with, all of one kind, and the rest."""

    nodes: tuple[int, ...]
    kind: int
    rest: Items


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
        """The arrays of what is in several branches, then the branches, without that."""
        parted = [self._parted(branch) for branch in branches]
        firsts = defaultdict[int, list[tuple[int, ...]]](list)
        for each in parted:
            if each is not None:
                firsts[each.kind].append(each.nodes)
        arrays = {kind: list(self._arrays(found)) for kind, found in firsts.items()}
        for found in arrays.values():
            yield from ((array,) for array in found)
        for branch, each in zip(branches, parted, strict=True):
            left = each.rest if each is not None and arrays[each.kind] else branch
            if left:
                yield self.items(left)

    def _parted(self, branch: Items) -> _Parted | None:
        """The branch in two parts, if the first could be in an array."""
        nodes = _first(branch[0])
        kinds = {id(self.tasks[node]) for node in nodes}
        rest = _behind(nodes, branch[1:])
        if len(kinds) != 1 or rest is None or self.tasks[nodes[0]].array is None:
            return None
        return _Parted(nodes, kinds.pop(), rest)

    def _arrays(self, firsts: Sequence[tuple[int, ...]]) -> Iterator[Array]:
        """Electrons of one kind, by branches, as arrays, if there are enough of them."""
        nodes = sorted(chain.from_iterable(firsts))
        task = self.tasks[nodes[0]]
        if len(firsts) > 1 and task.array is not None and len(nodes) >= task.array.least:
            for some in _cut(nodes, task.array.most):
                yield Array(some, task.events)


def _first(item: Item) -> tuple[int, ...]:
    """The electrons in it, if it is one electron, or several beside each other and nothing else."""
    match item:
        case Task(node):
            return (node,)
        case Parallel(branches) if all(
            len(branch) == 1 and isinstance(branch[0], Task) for branch in branches
        ):
            return item.nodes
        case _:
            return ()


def _behind(nodes: tuple[int, ...], rest: Items) -> Items | None:
    """The rest of a branch without these electrons; None if it cannot be, or should not."""
    match rest:
        case ():
            return ()
        case (Gate(node, needs), *more):
            return (Gate(node, tuple(sorted((*needs, *nodes)))), *more)
        case (Task(node), *_) if len(nodes) > 1:
            return (Gate(node, nodes), *rest)
        case _:
            return None


def _cut(nodes: Sequence[int], most: int) -> Sequence[tuple[int, ...]]:
    """Nodes as arrays of about one size, as few as can be told what is in them."""
    count = -(-len(nodes) // most)
    while not all(map(_is_short, parts := _parts(nodes, count))):
        count += 1
    return parts


def _parts(nodes: Sequence[int], count: int) -> Sequence[tuple[int, ...]]:
    bounds = [len(nodes) * i // count for i in range(count + 1)]
    return [tuple(nodes[start:end]) for start, end in pairwise(bounds)]


def _is_short(nodes: Sequence[int]) -> bool:
    return len(ranges.written(nodes)) <= TEXT
