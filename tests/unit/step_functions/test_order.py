from hypothesis import given
from hypothesis import strategies as st

from covalent_step_functions.order import bits, order_of

EDGES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=40).map(
    lambda pairs: [(a, b) for a, b in pairs if a < b]
)


def test_implied_parents_are_not_covers() -> None:
    order = order_of([7, 5, 9], {7: [], 5: [7], 9: [7, 5, 5]})
    assert order.nodes == (7, 5, 9)
    assert order.covers == ((), (0,), (1,))
    assert order.before == (0, 0b1, 0b11)
    assert order.after == (0b110, 0b100, 0)


@given(EDGES)
def test_closure_and_reduction_say_the_same(edges: list[tuple[int, int]]) -> None:
    order = order_of(range(12), {i: [a for a, b in edges if b == i] for i in range(12)})
    for i in range(12):
        direct = {a for a, b in edges if b == i}
        above = bits(sorted(direct))
        for parent in direct:
            above |= order.before[parent]
        assert order.before[i] == above
        assert set(order.covers[i]) == {
            parent for parent in direct if not any(order.before[p] >> parent & 1 for p in direct)
        }
        assert all(bool(order.after[j] >> i & 1) == bool(above >> j & 1) for j in range(12))
