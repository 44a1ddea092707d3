"""The compiler's gates and transitions against the fewest that any layout of the family in `optimum` has."""

import random
from collections.abc import Callable

import pytest
from tests.unit.step_functions.optimum import (
    Poset,
    covers,
    is_series_parallel,
    least_gates,
    least_transitions,
    posets,
)

from covalent_step_functions.cost import cost_of
from covalent_step_functions.plan import Plan

PlanOf = Callable[[list[tuple[int, int]], int], Plan]

OF_SIX = (
    "00000000101010000011011000011000000101011000101101010012121111111101011010111111"
    "01100001100000110100221111111101000000000001010100010101011011211111010111010012"
    "11110100001121111010110101211100111121112121111121112111101010011111010000000000"
    "000001000000000000000010100001100000010100101011111010000000000000001000000000"
)
"""The least gates for each of `posets(6)`, in their order: what `least_gates` finds, which takes it a minute."""


def gates(plan_of: PlanOf, poset: Poset) -> int:
    return cost_of(plan_of(covers(poset), len(poset))).gates


def transitions(plan_of: PlanOf, poset: Poset) -> int:
    return cost_of(plan_of(covers(poset), len(poset))).transitions


def renumbered(poset: Poset, rng: random.Random) -> Poset:
    """The same order in another topological numbering."""
    left = set(range(len(poset)))
    order: list[int] = []
    while left:
        ready = [x for x in sorted(left) if not any(poset[x] >> y & 1 for y in left)]
        order.append(rng.choice(ready))
        left.discard(order[-1])
    number = {x: i for i, x in enumerate(order)}
    below = {x: sum(1 << number[y] for y in number if poset[x] >> y & 1) for x in order}
    return tuple(below[x] for x in order)


@pytest.mark.parametrize(("n", "count"), [(1, 1), (2, 2), (3, 5), (4, 16), (5, 63), (6, 318)])
def test_all_partial_orders_are_there(n: int, count: int) -> None:
    """https://oeis.org/A000112"""
    assert len(posets(n)) == count


def test_the_series_parallel_ones_are_told_apart() -> None:
    """https://oeis.org/A003430"""
    assert [sum(map(is_series_parallel, posets(n))) for n in range(7)] == [1, 1, 2, 5, 15, 48, 167]


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_up_to_five_electrons_the_gates_are_the_least(n: int, plan_of: PlanOf) -> None:
    for poset in posets(n):
        found = gates(plan_of, poset)
        assert found == least_gates(poset, found), covers(poset)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_up_to_five_electrons_the_transitions_are_the_least(n: int, plan_of: PlanOf) -> None:
    for poset in posets(n):
        found = transitions(plan_of, poset)
        assert found == n + least_transitions(poset, found - n), covers(poset)


def test_with_six_electrons_the_transitions_are_the_least(plan_of: PlanOf) -> None:
    """In a sample: the search takes seconds for each."""
    for poset in random.Random(6).sample(posets(6), 3):
        found = transitions(plan_of, poset)
        assert found == 6 + least_transitions(poset, found - 6), covers(poset)


def test_the_table_of_six_is_what_the_search_finds() -> None:
    every = list(zip(posets(6), map(int, OF_SIX), strict=True))
    assert all(is_series_parallel(poset) == (least == 0) for poset, least in every)
    for poset, least in every[7::40]:
        assert least_gates(poset, least + 1) == least


def test_with_six_electrons_the_gates_are_nearly_the_least(plan_of: PlanOf) -> None:
    """However they are numbered. The mean gap must stay under a tenth of a gate."""
    rng = random.Random(6)
    gaps = [
        gates(plan_of, renumbered(poset, rng)) - least
        for poset, least in zip(posets(6), map(int, OF_SIX), strict=True)
        for _ in range(5)
    ]
    assert min(gaps) == 0
    assert max(gaps) <= 1
    assert sum(gaps) / len(gaps) < 0.02
