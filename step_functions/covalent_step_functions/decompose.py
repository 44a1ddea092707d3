"""Take a part of a partial order apart: in series, in parallel, or, where neither works, into blocks.

A part is a list of positions in topological order. All parts that `covalent_step_functions.plan` makes are convex,
and their minimal elements have the same direct parents; so the cover parents of any other member are members too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from covalent_step_functions.order import Order, bits

Part = Sequence[int]


@dataclass(frozen=True)
class Block:
    """Members that can only be reached through `heads`; all heads have the same direct parents, `parents`."""

    parents: tuple[int, ...]
    heads: tuple[int, ...]
    members: tuple[int, ...]


@dataclass(frozen=True)
class Forest:
    """A part of which every member has at most one parent in it."""

    roots: list[int]
    children: dict[int, list[int]]

    def under(self, roots: Part) -> list[int]:
        """Some members and all their descendants, in topological order."""
        found: list[int] = []
        todo = list(roots)
        while todo:
            found.append(todo.pop())
            todo += self.children.get(found[-1], ())
        return sorted(found)

    def is_chains(self, roots: Part) -> bool:
        """Whether none of these members and their descendants has two children."""
        todo = list(roots)
        while todo:
            found = self.children.get(todo.pop(), ())
            if len(found) > 1:
                return False
            todo += found
        return True


def forest(order: Order, part: Part) -> Forest | None:
    """The part as trees; None if some member has several parents in it."""
    inside = set(part)
    roots: list[int] = []
    children: dict[int, list[int]] = {}
    for position in part:
        parents = _inside(order, position, inside)
        if len(parents) > 1:
            return None
        siblings = children.setdefault(parents[0], []) if parents else roots
        siblings.append(position)
    return Forest(roots, children)


def is_chains(order: Order, part: Part) -> bool:
    """Whether nothing in the part has two parents or two children in it."""
    trees = forest(order, part)
    return trees is not None and trees.is_chains(trees.roots)


def series(order: Order, part: Part) -> list[list[int]]:
    """Cut wherever everything earlier precedes everything later.

    Every topological order lists the first operand of a series composition first, so the cuts are positions in
    ours: there is one after k of n members if and only if all k * (n - k) pairs across are ordered. Pairs across
    are the descendants of the first k members without those among the k, which are the ancestors of the k.
    """
    within = bits(part)
    pieces: list[list[int]] = [[]]
    pairs = 0
    for count, position in enumerate(part):
        if count and pairs == count * (len(part) - count):
            pieces.append([])
        pieces[-1].append(position)
        pairs += (order.after[position] & within).bit_count()
        pairs -= (order.before[position] & within).bit_count()
    return pieces


def components(order: Order, part: Part) -> list[list[int]]:
    """The weakly connected components, in order of their first members."""
    leader = {position: position for position in part}

    def find(position: int) -> int:
        while leader[position] != position:
            leader[position] = leader[leader[position]]
            position = leader[position]
        return position

    for position in part:
        for parent in order.covers[position]:
            if parent in leader:
                leader[find(position)] = find(parent)
    found: dict[int, list[int]] = {}
    for position in part:
        found.setdefault(find(position), []).append(position)
    return list(found.values())


def blocks(order: Order, part: Part) -> list[Block]:
    """Split by dominance: a node whose direct parents all lie in one block belongs to it, another one heads its own.

    Nodes with the same direct parents in several blocks head one block together: they start at the same moment.
    """
    home: dict[int, int] = {}
    heads: list[list[int]] = []
    members: list[list[int]] = []
    by_parents: dict[tuple[int, ...], int] = {}
    for position in part:
        parents = _inside(order, position, home)
        homes = {home[parent] for parent in parents}
        if len(homes) == 1:
            index = homes.pop()
        else:
            index = by_parents.get(parents, len(heads)) if parents else len(heads)
            if index == len(heads):
                by_parents[parents] = index
                heads.append([])
                members.append([])
            heads[index].append(position)
        home[position] = index
        members[index].append(position)
    return [
        Block(_inside(order, first[0], home), tuple(first), tuple(every))
        for first, every in zip(heads, members, strict=True)
    ]


def singles(order: Order, part: Part) -> list[Block]:
    """Every member as a block of its own."""
    inside = set(part)
    return [Block(_inside(order, position, inside), (position,), (position,)) for position in part]


def _inside(order: Order, position: int, part: dict[int, int] | set[int]) -> tuple[int, ...]:
    return tuple(parent for parent in order.covers[position] if parent in part)
