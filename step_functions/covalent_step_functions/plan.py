"""Lay a partial order out as sequences, `Parallel` states and gates that enforce exactly this order.

series    everything in one piece precedes everything in the next     -> one after the other
parallel  pieces that have nothing to do with each other              -> branches of a Parallel
prime     neither: blocks, each reachable through its heads only      -> strands, some behind a gate

A strand is a branch of blocks in which everything earlier precedes everything later
(`covalent_step_functions.strands`). A block whose heads have parents outside its strand gets a gate, which waits for
exactly these. No state waits for anything that does not precede it, so nothing starts late and nothing can wait
in a circle.

`Parallel` states nest at most `MAX_DEPTH` deep. What would go deeper moves behind a gate to the outermost
`Parallel` that nothing follows; where something follows, it becomes strands of single electrons.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from covalent_executors.task import CALL_EVENTS, TaskTemplate
from covalent_step_functions.decompose import (
    Block,
    Blocks,
    blocks,
    components,
    is_chains,
    is_series,
    singles,
)
from covalent_step_functions.order import Order
from covalent_step_functions.quotas import MAX_DEPTH
from covalent_step_functions.strands import Strand, blocks_of, thread

MAX_JOINED = MAX_DEPTH // 2
"""How deep strands are joined: what they hold may nest as deep again."""


@dataclass(frozen=True)
class Task:
    """Run one electron, which takes so many states in a row, and entries in the history (`annotated`)."""

    node: int
    states: int = 1
    events: int = CALL_EVENTS


@dataclass(frozen=True)
class Gate:
    """Wait until the parents `needs` have committed. `node` is the first of the electrons that start behind it."""

    node: int
    needs: tuple[int, ...]


@dataclass(frozen=True)
class Parallel:
    """Branches that run at once; each is a sequence."""

    branches: tuple["Items", ...]

    @cached_property
    def nodes(self) -> tuple[int, ...]:
        """The electrons inside."""
        return tuple(node for branch in self.branches for node in nodes_of(branch))


@dataclass(frozen=True)
class Nested:
    """Items of one branch that run in a nested execution (`covalent_step_functions.split`)."""

    items: "Items"

    @cached_property
    def nodes(self) -> tuple[int, ...]:
        """The electrons inside, parents first."""
        return tuple(nodes_of(self.items))


@dataclass(frozen=True)
class Each:
    """Branches of one Parallel that do the same with other electrons: a row of them, one after the other, for each.

    They run as a Map (`covalent_step_functions.split`), in batches of `batch` rows if that is not 0. events: entries in
    the history that the electrons of a row take; 0 stands for those of as many calls.
    """

    rows: tuple[tuple[int, ...], ...]
    batch: int = 0
    events: int = 0

    @property
    def nodes(self) -> tuple[int, ...]:
        """The electrons inside."""
        return tuple(node for row in self.rows for node in row)


@dataclass(frozen=True)
class Array:
    """Electrons that run at once as the jobs of one array (`covalent_step_functions.arrays`).

    events: entries in the history for all of them together.
    """

    nodes: tuple[int, ...]
    events: int


Item = Task | Gate | Parallel | Nested | Each | Array
Items = tuple[Item, ...]


def nodes_of(items: Items) -> Iterator[int]:
    """The electrons in a sequence."""
    for item in items:
        if isinstance(item, Task):
            yield item.node
        elif not isinstance(item, Gate):
            yield from item.nodes


@dataclass(frozen=True)
class Plan:
    """What to run, one after the other."""

    items: Items

    def walk(self) -> Iterator[Item]:
        """Every task, gate, Parallel, nested execution, Map and array, from the outside in."""
        return _walk(self.items)

    def machines(self) -> Iterator[Items]:
        """What each state machine runs itself; that of the whole plan is the last."""
        yield from (item.items for item in self.walk() if isinstance(item, Nested))
        yield self.items


def annotated(plan: Plan, tasks: Mapping[int, TaskTemplate]) -> Plan:
    """The same plan, with what those electrons take that are more than one call."""
    if all(task.events == CALL_EVENTS for task in tasks.values()):
        return plan
    return Plan(tuple(_annotated(item, tasks) for item in plan.items))


def _annotated(item: Item, tasks: Mapping[int, TaskTemplate]) -> Item:
    if isinstance(item, Task):
        task = tasks[item.node]
        return Task(item.node, task.states, task.events)
    if isinstance(item, Parallel):
        return Parallel(
            tuple(tuple(_annotated(each, tasks) for each in branch) for branch in item.branches)
        )
    return item


@dataclass(frozen=True)
class _Tail:
    """The outermost Parallel that nothing inside a branch waits for, and pieces that move there."""

    depth: int
    moved: deque[Blocks] = field(default_factory=deque)


@dataclass(frozen=True)
class _Spot:
    """Where a part goes: inside `depth` Parallels. `tail` is None if something follows in the same branch."""

    depth: int = 0
    tail: _Tail | None = None

    @property
    def followed(self) -> "_Spot":
        """The same place with something behind it."""
        return _Spot(self.depth)

    @property
    def is_deepest(self) -> bool:
        """Whether a Parallel here must not hold another."""
        return self.depth >= MAX_DEPTH - 1

    def move(self, piece: Blocks) -> bool:
        """Move a piece further out, where it has one gate instead of many here; False if it cannot."""
        if self.tail is None or self.tail.depth >= self.depth:
            return False
        self.tail.moved.append(piece)
        return True


def plan(order: Order) -> Plan:
    """Lay out the whole order."""
    return Plan(_sequence(order, blocks(order), _Spot()))


def _sequence(order: Order, beside: Blocks, spot: _Spot) -> Items:
    """Some blocks and all that is in them, one piece after the other."""
    items: list[Item] = []
    while beside:
        if len(beside) == 1:
            block = beside[0]
            if len(block.heads) == 1:
                items.append(Task(order.nodes[block.heads[0]]))
            beside = block.inner
        elif is_series(order, beside):
            items += _piece(order, beside[:-1], spot.followed, leads=not items)
            beside = beside[-1:]
        else:
            items += _piece(order, beside, spot, leads=not items)
            break
    return tuple(items)


def _piece(order: Order, piece: Blocks, spot: _Spot, *, leads: bool) -> Items:
    """One piece of a series, which cannot be cut further. `leads` tells that nothing precedes it in its branch."""
    if not spot.is_deepest:
        return (_fork(order, piece, spot),)
    if leads or is_chains(piece) or not spot.move(piece):
        return (_flat(order, piece),)
    return ()


def _flat(order: Order, piece: Blocks) -> Parallel:
    """A Parallel without another inside."""
    return _parallel(_strands(order, singles(order, piece), _Spot(MAX_DEPTH)))


def _fork(order: Order, piece: Blocks, spot: _Spot) -> Parallel:
    """A Parallel of branches, and of what was too deep in them."""
    tail = spot.tail or _Tail(spot.depth + 1)
    inner = _Spot(spot.depth + 1, tail)
    branches = _branches(order, piece, inner)
    if spot.tail is None:
        branches += _moved(order, tail, inner)
    return _parallel(branches)


def _branches(order: Order, piece: Blocks, spot: _Spot) -> list[Items]:
    """The components, or the strands if there is but one."""
    apart = components(piece)
    if len(apart) > 1:
        return [_sequence(order, each, spot) for each in apart]
    return _strands(order, piece, spot)


def _moved(order: Order, tail: _Tail, spot: _Spot) -> Iterator[Items]:
    """Branches for what was too deep; while they are laid out, more may come."""
    while tail.moved:
        piece = tail.moved.popleft()
        head = piece[0].heads[0]
        yield (*_gate(order, head, order.covers[head]), *_sequence(order, piece, spot))


def _strands(order: Order, beside: Blocks, spot: _Spot) -> list[Items]:
    strands = thread(order, beside, MAX_JOINED - spot.depth)
    return [_strand(order, strand, spot) for strand in strands]


def _strand(order: Order, strand: Strand, spot: _Spot) -> Items:
    items: list[Item] = []
    passed: set[Block] = set()
    for step in strand.steps:
        if isinstance(step, Block):
            place = spot if step is strand.steps[-1] else spot.followed
            needs = [parent for parent, block in step.needs if block not in passed]
            items += _gate(order, step.heads[0], needs)
            items += _sequence(order, [step], place)
        else:
            inner = _Spot(spot.depth + 1)
            items.append(_parallel([_strand(order, each, inner) for each in step]))
        passed.update(blocks_of(step))
    return tuple(items)


def _gate(order: Order, head: int, needs: Sequence[int]) -> Items:
    if not needs:
        return ()
    return (Gate(order.nodes[head], tuple(order.nodes[parent] for parent in needs)),)


def _parallel(branches: Sequence[Items]) -> Parallel:
    """A branch that is nothing but a Parallel is merged into this one."""
    merged: list[Items] = []
    for branch in branches:
        match branch:
            case (Parallel(inner),):
                merged.extend(inner)
            case _:
                merged.append(branch)
    return Parallel(tuple(merged))


def _walk(items: Items) -> Iterator[Item]:
    for item in items:
        yield item
        if isinstance(item, Parallel):
            for branch in item.branches:
                yield from _walk(branch)
        elif isinstance(item, Nested):
            yield from _walk(item.items)
