from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from covalent_step_functions.decompose import (
    Block,
    blocks,
    components,
    forest,
    is_chains,
    series,
    singles,
)
from covalent_step_functions.order import Order, order_of

EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40).map(
    lambda pairs: [(a, b) for a, b in pairs if a < b]
)


def order(edges: list[tuple[int, int]], n: int) -> Order:
    return order_of(range(n), {i: [a for a, b in edges if b == i] for i in range(n)})


def test_series() -> None:
    diamond = order([(0, 1), (0, 2), (1, 3), (2, 3)], 4)
    assert series(diamond, range(4)) == [[0], [1, 2], [3]]
    assert series(diamond, [1, 2]) == [[1, 2]]
    assert series(order([(0, 2), (0, 3), (1, 3)], 4), range(4)) == [[0, 1, 2, 3]]


@given(EDGES)
def test_a_cut_is_wherever_everything_earlier_precedes_everything_later(
    edges: list[tuple[int, int]],
) -> None:
    found = order(edges, 10)
    cuts = [
        k
        for k in range(1, 10)
        if all(found.after[i] >> j & 1 for i in range(k) for j in range(k, 10))
    ]
    expected = [list(range(a, b)) for a, b in pairwise([0, *cuts, 10])]
    assert series(found, range(10)) == expected


def test_components() -> None:
    assert components(order([(0, 3), (1, 4), (2, 4)], 6), range(6)) == [[0, 3], [1, 2, 4], [5]]


def test_blocks_are_reached_through_their_heads() -> None:
    edges = [(0, 2), (2, 3), (0, 4), (1, 4), (0, 5), (1, 5), (4, 6), (5, 6)]
    assert blocks(order(edges, 7), range(7)) == [
        Block((), (0,), (0, 2, 3)),
        Block((), (1,), (1,)),
        Block((0, 1), (4, 5), (4, 5, 6)),
    ]


def test_singles() -> None:
    assert singles(order([(0, 1)], 2), range(2)) == [
        Block((), (0,), (0,)),
        Block((0,), (1,), (1,)),
    ]


def test_trees_are_told_by_their_parents_inside_the_part() -> None:
    found = order([(0, 1), (0, 2), (2, 3), (1, 4), (3, 4)], 5)
    assert forest(found, range(5)) is None
    trees = forest(found, range(4))
    assert trees is not None
    assert (trees.roots, trees.children) == ([0], {0: [1, 2], 2: [3]})
    assert trees.under([2, 1]) == [1, 2, 3]
    assert not trees.is_chains([0])
    assert trees.is_chains([1, 2])


@given(EDGES)
def test_chains_are_what_needs_no_gate_side_by_side(edges: list[tuple[int, int]]) -> None:
    found = order(edges, 10)
    covers = [(a, b) for b in range(10) for a in found.covers[b]]
    sources, targets = [a for a, _ in covers], [b for _, b in covers]
    alone = len(set(sources)) == len(sources) and len(set(targets)) == len(targets)
    assert is_chains(found, range(10)) == alone
