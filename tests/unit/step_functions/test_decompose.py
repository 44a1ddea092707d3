from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from covalent_step_functions.decompose import (
    Block,
    Blocks,
    blocks,
    components,
    is_chains,
    is_series,
    singles,
)
from covalent_step_functions.order import Order, order_of

Edges = list[tuple[int, int]]

EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40).map(
    lambda pairs: [(a, b) for a, b in pairs if a < b]
)


def order(edges: Edges, n: int) -> Order:
    return order_of(range(n), {i: [a for a, b in edges if b == i] for i in range(n)})


def members(block: Block) -> list[int]:
    return [i for i in range(block.members.bit_length()) if block.members >> i & 1]


def levels(beside: Blocks) -> Iterator[Blocks]:
    """Blocks that are beside each other, from the outside in."""
    yield beside
    for block in beside:
        yield from levels(block.inner)


def reached(order: Order, heads: tuple[int, ...]) -> list[int]:
    """What cannot be reached any more without the heads."""
    left: set[int] = set()
    for i, parents in enumerate(order.covers):
        if i not in heads and (not parents or left.intersection(parents)):
            left.add(i)
    return [i for i in range(len(order.nodes)) if i not in left]


def test_blocks_are_reached_through_their_heads() -> None:
    edges = [(0, 2), (2, 3), (0, 4), (1, 4), (0, 5), (1, 5), (4, 6), (5, 6)]
    first, second, third = blocks(order(edges, 7))
    assert [block.heads for block in (first, second, third)] == [(0,), (1,), (4, 5)]
    assert list(map(members, (first, second, third))) == [[0, 2, 3], [1], [4, 5, 6]]
    assert third.needs == ((0, first), (1, second))
    assert [block.heads for block in third.inner] == [(4,), (5,), (6,)]
    assert third.inner[2].needs == ((4, third.inner[0]), (5, third.inner[1]))


@given(EDGES)
def test_every_block_holds_what_its_heads_dominate(edges: Edges) -> None:
    found = order(edges, 10)
    for beside in levels(blocks(found)):
        for block in beside:
            assert members(block) == reached(found, block.heads)
            assert len({found.covers[head] for head in block.heads}) == 1


@given(EDGES)
def test_direct_parents_are_in_the_blocks_beside_or_precede_them_all(edges: Edges) -> None:
    found = order(edges, 10)
    for beside in levels(blocks(found)):
        first = found.covers[beside[0].heads[0]] if beside else ()
        for block in beside:
            needs = tuple(parent for parent, _ in block.needs)
            assert found.covers[block.heads[0]] == (needs or first)
            assert all(parent.members >> each & 1 for each, parent in block.needs)
            assert all(parent in beside for _, parent in block.needs)


@given(EDGES)
def test_a_series_is_where_everything_earlier_precedes_everything_later(edges: Edges) -> None:
    found = order(edges, 10)
    for beside in levels(blocks(found)):
        for piece in components(beside):
            parts = list(map(members, piece))
            later = parts.pop()
            across = [found.after[i] >> j & 1 for part in parts for i in part for j in later]
            if parts:
                assert is_series(found, piece) == all(across)


@given(EDGES)
def test_blocks_apart_have_nothing_to_do_with_each_other(edges: Edges) -> None:
    found = order(edges, 10)
    for beside in levels(blocks(found)):
        apart = components(beside)
        assert sorted(id(block) for piece in apart for block in piece) == sorted(map(id, beside))
        first = {id(block): i for i, piece in enumerate(apart) for block in piece}
        assert all(first[id(b)] == first[id(p)] for b in beside for _, p in b.needs)
        for piece in apart:
            assert len(components(piece)) == 1


def test_components() -> None:
    found = blocks(order([(0, 3), (1, 4), (2, 4)], 6))
    heads = [[block.heads[0] for block in piece] for piece in components(found)]
    assert heads == [[0], [1, 2, 4], [5]]


def test_singles() -> None:
    found = singles(order([(0, 1), (0, 2), (1, 3), (2, 3)], 4), blocks(order([(0, 1)], 2)))
    assert [block.heads for block in found] == [(0,), (1,)]
    assert [block.needs for block in found] == [(), ((0, found[0]),)]
    assert list(map(members, found)) == [[0], [1]]


@given(EDGES)
def test_chains_are_what_needs_no_gate_side_by_side(edges: Edges) -> None:
    found = order(edges, 10)
    covers = [(a, b) for b in range(10) for a in found.covers[b]]
    sources, targets = [a for a, _ in covers], [b for _, b in covers]
    alone = len(set(sources)) == len(sources) and len(set(targets)) == len(targets)
    assert is_chains(blocks(found)) == alone
