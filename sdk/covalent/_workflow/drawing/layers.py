"""Rows of a layered drawing: which row a node is in, and the order in a row that makes few edges cross.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981): an edge
over several rows becomes a chain of edges through bends, and each row is ordered by the barycentre of its neighbours.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

SWEEPS = 8
MAX_BENDS = 20_000
"""Bends in a drawing; with more, edges go straight over the rows between."""
MAX_COUNTED = 5_000
"""Edges whose crossings are counted; with more, the last order is taken instead of the best."""


@dataclass(frozen=True)
class Bend:
    """Where an edge goes through a row; `number` tells bends apart."""

    number: int


Item = int | Bend
Edge = tuple[int, int]
Chain = tuple[Item, ...]


@dataclass(frozen=True)
class Layered:
    """Rows from top to bottom, each in order, and for each edge the items that it goes through."""

    rows: list[list[Item]]
    chains: dict[Edge, Chain]

    def segments(self) -> list[tuple[Item, Item]]:
        """The pieces of all edges, from row to row."""
        return [pair for chain in self.chains.values() for pair in pairwise(chain)]


def layered(nodes: Collection[int], edges: Collection[Edge]) -> Layered:
    """Put the nodes of an acyclic graph into rows."""
    rank = _ranks(nodes, edges)
    rows: list[list[Item]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for node in nodes:
        rows[rank[node]].append(node)
    bends = sum(rank[target] - rank[source] - 1 for source, target in edges)
    if bends > MAX_BENDS:
        chains: dict[Edge, Chain] = {edge: edge for edge in edges}
    else:
        chains = _chains(edges, rank, rows)
    found = Layered(rows, chains)
    return Layered(_ordered(rows, found.segments()), chains)


def _ranks(nodes: Collection[int], edges: Collection[Edge]) -> Mapping[int, int]:
    """One row below the lowest parent. What has no parent, as a constant, is right above what needs it first."""
    parents: dict[int, list[int]] = {node: [] for node in nodes}
    children: dict[int, list[int]] = {node: [] for node in nodes}
    for source, target in edges:
        parents[target].append(source)
        children[source].append(target)
    rank: dict[int, int] = {}
    for node in TopologicalSorter(parents).static_order():
        rank[node] = 1 + max((rank[each] for each in parents[node]), default=-1)
    for node in nodes:
        if not parents[node] and children[node]:
            rank[node] = min(rank[each] for each in children[node]) - 1
    return rank


def _chains(
    edges: Collection[Edge], rank: Mapping[int, int], rows: list[list[Item]]
) -> dict[Edge, Chain]:
    chains: dict[Edge, Chain] = {}
    count = 0
    for source, target in edges:
        bends = []
        for row in range(rank[source] + 1, rank[target]):
            bends.append(Bend(count))
            rows[row].append(bends[-1])
            count += 1
        chains[source, target] = (source, *bends, target)
    return chains


def _ordered(rows: list[list[Item]], segments: Sequence[tuple[Item, Item]]) -> list[list[Item]]:
    """The best order that sweeping down and up has found."""
    above: dict[Item, list[Item]] = defaultdict(list)
    below: dict[Item, list[Item]] = defaultdict(list)
    for upper, lower in segments:
        above[lower].append(upper)
        below[upper].append(lower)
    counts = len(segments) <= MAX_COUNTED
    best, fewest = rows, crossings(rows, below) if counts else 0
    for sweep in range(SWEEPS):
        rows = _swept(rows, above) if sweep % 2 == 0 else _swept(rows[::-1], below)[::-1]
        found = crossings(rows, below) if counts else 0
        if found < fewest or not counts:
            best, fewest = rows, found
        if counts and fewest == 0:
            break
    return best


def _swept(rows: list[list[Item]], neighbours: Mapping[Item, Sequence[Item]]) -> list[list[Item]]:
    """Each row by where the neighbours are in the one before it; what has none keeps its place."""
    done: list[list[Item]] = []
    place: dict[Item, int] = {}
    for row in rows:
        wanted = {item: float(index) for index, item in enumerate(row)}
        for item in row:
            known = [place[each] for each in neighbours.get(item, ()) if each in place]
            if known:
                wanted[item] = sum(known) / len(known)
        done.append(sorted(row, key=wanted.__getitem__))
        place |= {item: index for index, item in enumerate(done[-1])}
    return done


def crossings(rows: Sequence[Sequence[Item]], below: Mapping[Item, Sequence[Item]]) -> int:
    """How often edges cross between neighbouring rows."""
    count = 0
    for upper, lower in pairwise(rows):
        place = {item: index for index, item in enumerate(lower)}
        seen: list[int] = []
        for item in upper:
            ends = sorted(place[each] for each in below.get(item, ()) if each in place)
            count += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return count
