"""Take a partial order apart into blocks, all at once.

A block holds what can be reached through its heads only; in it are smaller blocks, and in these smaller ones again. So
blocks are the tree of dominators of the order's covers: a node with one direct parent is in the block of that
parent, one with several in the smallest block that holds them all. Heads are together if they start at the same
moment, that is if they have the same direct parents, several of them.

Each direct parent of a block's heads lies in one of the blocks beside it, and says so there (`Block.needs`). So what
to know about some blocks beside each other (are they one piece, does one of them follow all others) is told by
themselves, without a look at what is in them: everything together takes time in the number of electrons and
edges, however deep it nests.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from covalent_step_functions.order import Order


@dataclass(eq=False, slots=True)
class Block:
    """What can only be reached through `heads`, positions that have the same direct parents.

    needs are these parents, each with the block beside this one that it is in; there are none if the block is among the
    first. inner are the blocks in it, by their first heads; a single head is in none of them, several heads are in
    one each. members are all positions, as bits.
    """

    heads: tuple[int, ...]
    needs: tuple[tuple[int, "Block"], ...] = ()
    inner: list["Block"] = field(default_factory=list)
    members: int = 0


Blocks = Sequence[Block]
"""Blocks beside each other, by their first heads: all that are in a larger one, or some that belong together."""


def blocks(order: Order) -> list[Block]:
    """The largest blocks of the whole order."""
    return _Nesting(order).blocks()


def components(beside: Blocks) -> list[list[Block]]:
    """What has to do with each other, in order of the first blocks."""
    leader = {block: block for block in beside}

    def find(block: Block) -> Block:
        while leader[block] is not block:
            leader[block] = leader[leader[block]]
            block = leader[block]
        return block

    for block in beside:
        for _, parent in block.needs:
            leader[find(block)] = find(parent)
    found: dict[Block, list[Block]] = {}
    for block in beside:
        found.setdefault(find(block), []).append(block)
    return list(found.values())


def is_series(order: Order, beside: Blocks) -> bool:
    """Whether everything in the other blocks precedes everything in the last one.

    No other block can be so: its followers would be in it. What precedes a block beyond these is what precedes
    the first of them, so it is enough to count.
    """
    first, last = beside[0], beside[-1]
    if not last.needs:
        return False
    earlier = order.before[last.heads[0]].bit_count() - order.before[first.heads[0]].bit_count()
    return earlier == sum(block.members.bit_count() for block in beside[:-1])


def is_chains(beside: Blocks) -> bool:
    """Whether nothing in the blocks has two parents or two children in them."""
    todo = list(beside)
    while todo:
        block = todo.pop()
        if block.needs or len(block.inner) > 1:
            return False
        todo += block.inner
    return True


def singles(order: Order, beside: Blocks) -> list[Block]:
    """Every member as a block of its own."""
    found: dict[int, Block] = {}
    for position in sorted(_positions(beside)):
        needs = ((parent, found[parent]) for parent in order.covers[position] if parent in found)
        found[position] = Block((position,), tuple(needs), members=1 << position)
    return list(found.values())


def _positions(beside: Blocks) -> Iterator[int]:
    todo = list(beside)
    while todo:
        block = todo.pop()
        if len(block.heads) == 1:
            yield block.heads[0]
        todo += block.inner


class _Vertex:
    """A block's place in the tree: what it is in, and a jump far outwards.

    With the jumps, what is some steps further out is found in a logarithmic number of them
    (Myers, An applicative random-access stack, 1983).
    """

    __slots__ = ("block", "depth", "jump", "up")

    def __init__(self, block: Block, up: "_Vertex | None" = None) -> None:
        self.block = block
        self.up = up or self
        self.jump = self
        self.depth = 0
        if up is not None:
            self.depth = up.depth + 1
            is_even = up.depth - up.jump.depth == up.jump.depth - up.jump.jump.depth
            self.jump = up.jump.jump if is_even else up

    def at(self, depth: int) -> "_Vertex":
        """What it is in, that far from the outside."""
        found = self
        while found.depth > depth:
            found = found.jump if found.jump.depth >= depth else found.up
        return found

    def common(self, other: "_Vertex") -> "_Vertex":
        """The smallest block that both are in."""
        one, two = self.at(other.depth), other.at(self.depth)
        while one is not two:
            if one.jump is two.jump:
                one, two = one.up, two.up
            else:
                one, two = one.jump, two.jump
        return one


class _Nesting:
    def __init__(self, order: Order) -> None:
        self._order = order
        self._all = _Vertex(Block(()))
        self._vertices: list[_Vertex] = []
        """Every block, larger ones first."""
        self._of: list[_Vertex] = []
        """For each position the block that it heads alone."""
        self._together: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for position, parents in enumerate(order.covers):
            self._together[parents].append(position)

    def blocks(self) -> list[Block]:
        for position, parents in enumerate(self._order.covers):
            self._of.append(self._put(position, parents))
        for vertex in reversed(self._vertices):
            vertex.up.block.members |= vertex.block.members
        return self._all.block.inner

    def _put(self, position: int, parents: tuple[int, ...]) -> _Vertex:
        heads = self._together[parents]
        if len(parents) < 2:
            return self._add(self._of[parents[0]] if parents else self._all, (position,))
        if heads[0] != position:
            return self._add(self._of[heads[0]].up, (position,))
        around = self._around(parents)
        needs = tuple((each, self._of[each].at(around.depth + 1).block) for each in parents)
        vertex = self._add(around, tuple(heads), needs)
        return self._add(vertex, (position,)) if len(heads) > 1 else vertex

    def _around(self, parents: Sequence[int]) -> _Vertex:
        found = self._of[parents[0]]
        for parent in parents[1:]:
            found = found.common(self._of[parent])
        return found

    def _add(
        self, up: _Vertex, heads: tuple[int, ...], needs: tuple[tuple[int, Block], ...] = ()
    ) -> _Vertex:
        members = 1 << heads[0] if len(heads) == 1 else 0
        vertex = _Vertex(Block(heads, needs, members=members), up)
        up.block.inner.append(vertex.block)
        self._vertices.append(vertex)
        return vertex
