"""The heavy graph as a partial order: positions in one topological order, and sets of positions as bits of an int.

With bits, closing the order over a thousand electrons takes milliseconds, and "does everything in this part come
before that node" is one operation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Order:
    """A partial order.

    nodes[i] is the node at position i; positions grow along the order. covers[i] are the positions that i directly
    follows (the transitive reduction), before[i] and after[i] all positions that precede and follow i.
    """

    nodes: tuple[int, ...]
    covers: tuple[tuple[int, ...], ...]
    before: tuple[int, ...]
    after: tuple[int, ...]


def bits(positions: Sequence[int]) -> int:
    """The positions as a set of bits."""
    found = 0
    for position in positions:
        found |= 1 << position
    return found


def order_of(nodes: Sequence[int], parents: Mapping[int, Sequence[int]]) -> Order:
    """Close the order under transitivity.

    Args:
        nodes: every node, parents first.
        parents: the direct parents of each node.

    """
    position = {node: i for i, node in enumerate(nodes)}
    covers: list[tuple[int, ...]] = []
    before: list[int] = []
    for node in nodes:
        direct, earlier = _reduce({position[parent] for parent in parents[node]}, before)
        covers.append(direct)
        before.append(earlier)
    return Order(tuple(nodes), tuple(covers), tuple(before), _descendants(covers))


def _reduce(parents: set[int], before: Sequence[int]) -> tuple[tuple[int, ...], int]:
    """Which parents are not implied by another one, and everything that precedes the node."""
    direct: list[int] = []
    earlier = 0
    for parent in sorted(parents, reverse=True):
        if not earlier >> parent & 1:
            direct.append(parent)
            earlier |= before[parent] | 1 << parent
    return tuple(reversed(direct)), earlier


def _descendants(covers: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    after = [0] * len(covers)
    for position in range(len(covers) - 1, -1, -1):
        later = after[position] | 1 << position
        for parent in covers[position]:
            after[parent] |= later
    return tuple(after)
