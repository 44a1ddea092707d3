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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from covalent_step_functions.decompose import Block, Part, blocks, components, series, singles
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


Item = Task | Gate | Parallel
Items = tuple[Item, ...]


@dataclass(frozen=True)
class Plan:
    """What to run, one after the other."""

    items: Items

    def walk(self) -> Iterator[Item]:
        """Every task, gate and Parallel, from the outside in."""
        return _walk(self.items)


@dataclass(frozen=True)
class _Tail:
    """The outermost Parallel that nothing inside a branch waits for, and parts that move there."""

    depth: int
    moved: list[Part] = field(default_factory=list)


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


def plan(order: Order) -> Plan:
    """Lay out the whole order."""
    everything = range(len(order.nodes))
    return Plan(_sequence(order, everything, _Spot()) if everything else ())


def _sequence(order: Order, part: Part, spot: _Spot) -> Items:
    pieces = series(order, part)
    items: list[Item] = []
    for piece in pieces[:-1]:
        items += _piece(order, piece, spot.followed, leads=not items)
    return (*items, *_piece(order, pieces[-1], spot, leads=not items))


def _piece(order: Order, piece: Part, spot: _Spot, *, leads: bool) -> Items:
    """One piece of a series, which cannot be cut further. `leads` tells that nothing precedes it in its branch."""
    if len(piece) == 1:
        return (Task(order.nodes[piece[0]]),)
    if not spot.is_deepest:
        return (_fork(order, piece, spot),)
    flat = _flat(order, piece)
    is_cheap = not any(isinstance(item, Gate) for item in _walk((flat,)))
    if is_cheap or leads or spot.tail is None or spot.tail.depth >= spot.depth:
        return (flat,)
    spot.tail.moved.append(piece)  # one gate there instead of many here
    return ()


def _fork(order: Order, piece: Part, spot: _Spot) -> Parallel:
    """A Parallel of the components, or of the strands if there is but one."""
    tail = spot.tail or _Tail(spot.depth + 1)
    inner = _Spot(spot.depth + 1, tail)
    apart = components(order, piece)
    if len(apart) > 1:
        branches = [_sequence(order, each, inner) for each in apart]
    else:
        branches = _strands(order, blocks(order, piece), inner)
    if spot.tail is None:
        branches += _moved(order, tail, inner)
    return _parallel(branches)


def _moved(order: Order, tail: _Tail, spot: _Spot) -> Iterator[Items]:
    """Branches for what was too deep; while they are laid out, more may come."""
    while tail.moved:
        part = tail.moved.pop(0)
        parents = order.covers[part[0]]
        yield (*_gate(order, part[0], parents), *_sequence(order, part, spot))


def _flat(order: Order, piece: Part) -> Parallel:
    """A Parallel without another inside."""
    return _parallel(_strands(order, singles(order, piece), _Spot(MAX_DEPTH)))


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
