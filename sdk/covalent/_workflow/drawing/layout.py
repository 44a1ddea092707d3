"""Coordinates: rows from top to bottom, each item as near to its neighbours as order and room allow."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from covalent._workflow.drawing.layers import Bend, layered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from covalent._workflow.drawing.layers import Edge, Item, Layered

BOX_HEIGHT = 34.0
ROW_HEIGHT = 92.0
GAP = 24.0
BEND_WIDTH = 10.0
SWEEPS = 8

Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Centres of nodes, points of edges from bottom of one to top of the next, and the size of it all."""

    centres: Mapping[int, Point]
    paths: Mapping[Edge, Sequence[Point]]
    width: float
    height: float


def layout(widths: Mapping[int, float], edges: Sequence[Edge]) -> Layout:
    """Lay out an acyclic graph.

    Args:
        widths: the nodes, and how wide the box of each is.
        edges: from node to node; several between the same nodes are one.

    """
    found = layered(widths, dict.fromkeys(edges))
    xs = _columns(found, widths)
    y_of = {
        item: ROW_HEIGHT * (index + 0.5) for index, row in enumerate(found.rows) for item in row
    }
    left = min((xs[node] - width / 2 for node, width in widths.items()), default=0) - GAP
    right = max((xs[node] + width / 2 for node, width in widths.items()), default=0) + GAP
    bent = [x for item, x in xs.items() if isinstance(item, Bend)]
    left, right = min([left, *bent]), max([right, *bent])
    at = {item: (x - left, y_of[item]) for item, x in xs.items()}
    return Layout(
        centres={node: at[node] for node in widths},
        paths={edge: _path([at[item] for item in chain]) for edge, chain in found.chains.items()},
        width=right - left,
        height=ROW_HEIGHT * len(found.rows),
    )


def _path(points: Sequence[Point]) -> list[Point]:
    """From the bottom of the first box to the top of the last."""
    (x, y), (to_x, to_y) = points[0], points[-1]
    return [(x, y + BOX_HEIGHT / 2), *points[1:-1], (to_x, to_y - BOX_HEIGHT / 2)]


def _columns(found: Layered, widths: Mapping[int, float]) -> dict[Item, float]:
    neighbours: dict[Item, list[Item]] = defaultdict(list)
    for upper, lower in found.segments():
        neighbours[upper].append(lower)
        neighbours[lower].append(upper)
    offsets = [_offsets(row, widths) for row in found.rows]
    xs = {
        item: offset
        for row, places in zip(found.rows, offsets, strict=True)
        for item, offset in zip(row, places, strict=True)
    }
    for sweep in range(SWEEPS):
        numbers = range(len(found.rows))
        for number in numbers if sweep % 2 == 0 else reversed(numbers):
            row = found.rows[number]
            wanted = [_mean([xs[each] for each in neighbours[item]] or [xs[item]]) for item in row]
            xs.update(zip(row, _apart(wanted, offsets[number]), strict=True))
    return xs


def _offsets(row: Sequence[Item], widths: Mapping[int, float]) -> list[float]:
    """Where the items of a row are when they stand as close as they may."""
    places: list[float] = []
    at = 0.0
    for item in row:
        width = BEND_WIDTH if isinstance(item, Bend) else widths[item]
        places.append(at + width / 2)
        at += width + GAP
    return places


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _apart(wanted: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones, by squares, that keep order and distance.

    Less the offset, places may not decrease: the pool-adjacent-violators algorithm.
    """
    pools: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        total, size = want - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / size:
            before, count = pools.pop()
            total, size = total + before, size + count
        pools.append((total, size))
    levels = [total / size for total, size in pools for _ in range(size)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]
