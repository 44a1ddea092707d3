"""Any acyclic graph can be laid out: edges lead down, boxes do not overlap, and little crosses."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from covalent._workflow.drawing import layers
from covalent._workflow.drawing.layers import Bend, crossings, layered
from covalent._workflow.drawing.layout import BOX_HEIGHT, GAP, layout

if TYPE_CHECKING:
    import pytest

NUMBERS = st.integers(0, 20)
DAGS = st.lists(st.tuples(NUMBERS, NUMBERS).filter(lambda pair: pair[0] < pair[1]), max_size=60)


@given(DAGS, st.lists(st.floats(10, 400), min_size=21, max_size=21))
def test_edges_lead_down_and_boxes_do_not_overlap(
    edges: list[tuple[int, int]], sizes: list[float]
) -> None:
    found = layout(dict(enumerate(sizes)), edges)
    for source, target in edges:
        points = found.paths[source, target]
        assert points[0] == (found.centres[source][0], found.centres[source][1] + BOX_HEIGHT / 2)
        assert points[-1] == (found.centres[target][0], found.centres[target][1] - BOX_HEIGHT / 2)
        assert all(upper[1] < lower[1] for upper, lower in pairwise(points))
    rows: dict[float, list[int]] = {}
    for node, (x, y) in found.centres.items():
        assert x - sizes[node] / 2 >= 0
        assert x + sizes[node] / 2 <= found.width
        assert y <= found.height
        rows.setdefault(y, []).append(node)
    for row in rows.values():
        row.sort(key=lambda node: found.centres[node][0])
        for left, right in pairwise(row):
            distance = found.centres[right][0] - found.centres[left][0]
            assert distance >= (sizes[left] + sizes[right]) / 2 + GAP - 1e-6


@given(DAGS)
def test_every_item_is_in_one_row(edges: list[tuple[int, int]]) -> None:
    found = layered(range(21), dict.fromkeys(edges))
    items = [item for row in found.rows for item in row]
    assert len(items) == len(set(items))
    assert {item for item in items if not isinstance(item, Bend)} == set(range(21))
    row_of = {item: number for number, row in enumerate(found.rows) for item in row}
    assert all(row_of[lower] - row_of[upper] == 1 for upper, lower in found.segments())


def test_nothing_crosses_that_need_not() -> None:
    edges = [(0, 5), (1, 4), (2, 3), (6, 0), (6, 1), (6, 2), (5, 7), (4, 7), (3, 7)]
    found = layered(range(8), edges)
    below: dict[layers.Item, list[layers.Item]] = {}
    for upper, lower in found.segments():
        below.setdefault(upper, []).append(lower)
    assert crossings(found.rows, below) == 0
    assert crossings([[0, 1], [2, 3]], {0: [3], 1: [2]}) == 1
    assert crossings([[0, 1], [2, 3]], {0: [2, 3], 1: [2, 3]}) == 1


def test_a_constant_is_right_above_what_needs_it() -> None:
    rows = layered([0, 1, 2, 3], [(0, 1), (1, 2), (3, 2)]).rows
    assert [set(row) - {3} for row in rows] == [{0}, {1}, {2}]
    assert 3 in rows[1]


def test_with_too_many_bends_edges_go_straight(monkeypatch: pytest.MonkeyPatch) -> None:
    edges = [(0, 1), (1, 2), (0, 2)]
    assert len(layout(dict.fromkeys(range(3), 9.0), edges).paths[0, 2]) == 3
    monkeypatch.setattr(layers, "MAX_BENDS", 0)
    assert len(layout(dict.fromkeys(range(3), 9.0), edges).paths[0, 2]) == 2


def test_nothing_at_all() -> None:
    assert layout({}, []).height == 0
