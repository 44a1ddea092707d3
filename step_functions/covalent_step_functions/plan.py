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

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from covalent_step_functions.decompose import (
    Block,
    Forest,
    Part,
    blocks,
    components,
    forest,
    is_chains,
    series,
    singles,
)
from covalent_step_functions.order import Order
from covalent_step_functions.quotas import MAX_DEPTH
from covalent_step_functions.strands import Strand, members_of, thread

MAX_JOINED = MAX_DEPTH // 2
"""How deep strands are joined: what they hold may nest as deep again."""


@dataclass(frozen=True)
class Task:
    """Run one electron."""

    node: int


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

    They run as a Map (`covalent_step_functions.split`), in batches of `batch` rows if that is not 0.
    """

    rows: tuple[tuple[int, ...], ...]
    batch: int = 0

    @property
    def nodes(self) -> tuple[int, ...]:
        """The electrons inside."""
        return tuple(node for row in self.rows for node in row)


Item = Task | Gate | Parallel | Nested | Each
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
        """Every task, gate, Parallel, nested execution and Map, from the outside in."""
        return _walk(self.items)

    def machines(self) -> Iterator[Items]:
        """What each state machine runs itself; that of the whole plan is the last."""
        yield from (item.items for item in self.walk() if isinstance(item, Nested))
        yield self.items


@dataclass(frozen=True)
class _Tail:
    """The outermost Parallel that nothing inside a branch waits for, and parts that move there.

    Of each part that moves: its first position, and what lays it out.
    """

    depth: int
    moved: list[tuple[int, "_Layout"]] = field(default_factory=list)


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

    def move(self, head: int, layout: "_Layout") -> bool:
        """Move a part further out, where there it has one gate instead of many here; False if it cannot."""
        if self.tail is None or self.tail.depth >= self.depth:
            return False
        self.tail.moved.append((head, layout))
        return True


_Layout = Callable[[_Spot], Items]


def plan(order: Order) -> Plan:
    """Lay out the whole order."""
    everything = range(len(order.nodes))
    return Plan(_sequence(order, everything, _Spot()) if everything else ())


def _sequence(order: Order, part: Part, spot: _Spot) -> Items:
    trees = forest(order, part)
    if trees is not None:
        return _trees(order, trees, trees.roots, spot)
    pieces = series(order, part)
    items: list[Item] = []
    for piece in pieces[:-1]:
        items += _piece(order, piece, spot.followed, leads=not items)
    return (*items, *_piece(order, pieces[-1], spot, leads=not items))


def _trees(order: Order, forest: Forest, roots: Part, spot: _Spot) -> Items:
    """The same for trees: each step is known from the children, so a long caterpillar takes linear time."""
    items: list[Item] = []
    while len(roots) == 1:
        items.append(Task(order.nodes[roots[0]]))
        roots = forest.children.get(roots[0], ())
    if roots and spot.is_deepest:
        layout = partial(_trees, order, forest, roots)
        if not items or forest.is_chains(roots) or not spot.move(roots[0], layout):
            items.append(_flat(order, forest.under(roots)))
    elif roots:
        each = roots
        fork = _fork(
            order, spot, lambda inner: [_trees(order, forest, [root], inner) for root in each]
        )
        items.append(fork)
    return tuple(items)


def _piece(order: Order, piece: Part, spot: _Spot, *, leads: bool) -> Items:
    """One piece of a series, which cannot be cut further. `leads` tells that nothing precedes it in its branch."""
    if len(piece) == 1:
        return (Task(order.nodes[piece[0]]),)
    if not spot.is_deepest:
        return (_fork(order, spot, lambda inner: _branches(order, piece, inner)),)
    if (
        leads
        or is_chains(order, piece)
        or not spot.move(piece[0], partial(_sequence, order, piece))
    ):
        return (_flat(order, piece),)
    return ()


def _flat(order: Order, piece: Part) -> Parallel:
    """A Parallel without another inside."""
    return _parallel(_strands(order, singles(order, piece), _Spot(MAX_DEPTH)))


def _fork(order: Order, spot: _Spot, branches_at: Callable[[_Spot], list[Items]]) -> Parallel:
    """A Parallel of branches, and of what was too deep in them."""
    tail = spot.tail or _Tail(spot.depth + 1)
    inner = _Spot(spot.depth + 1, tail)
    branches = branches_at(inner)
    if spot.tail is None:
        branches += _moved(order, tail, inner)
    return _parallel(branches)


def _branches(order: Order, piece: Part, spot: _Spot) -> list[Items]:
    """The components, or the strands if there is but one."""
    apart = components(order, piece)
    if len(apart) > 1:
        return [_sequence(order, each, spot) for each in apart]
    return _strands(order, blocks(order, piece), spot)


def _moved(order: Order, tail: _Tail, spot: _Spot) -> Iterator[Items]:
    """Branches for what was too deep; while they are laid out, more may come."""
    while tail.moved:
        head, layout = tail.moved.pop(0)
        yield (*_gate(order, head, order.covers[head]), *layout(spot))


def _strands(order: Order, parts: Sequence[Block], spot: _Spot) -> list[Items]:
    strands = thread(order, parts, MAX_JOINED - spot.depth)
    return [_strand(order, strand, spot) for strand in strands]


def _strand(order: Order, strand: Strand, spot: _Spot) -> Items:
    items: list[Item] = []
    passed: set[int] = set()
    for step in strand.steps:
        if isinstance(step, Block):
            place = spot if step is strand.steps[-1] else spot.followed
            needs = [parent for parent in step.parents if parent not in passed]
            items += _gate(order, step.heads[0], needs)
            items += _sequence(order, step.members, place)
        else:
            inner = _Spot(spot.depth + 1)
            items.append(_parallel([_strand(order, each, inner) for each in step]))
        passed.update(members_of(step))
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
