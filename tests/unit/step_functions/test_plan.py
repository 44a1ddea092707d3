import random
from collections import Counter
from collections.abc import Callable
from graphlib import TopologicalSorter
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covalent_step_functions.check import depth_of
from covalent_step_functions.cost import cost_of
from covalent_step_functions.order import order_of
from covalent_step_functions.plan import Gate, Parallel, Plan, Task
from covalent_step_functions.quotas import MAX_DEPTH

Edges = list[tuple[int, int]]
Sets = dict[int, frozenset[int]]
PlanOf = Callable[[Edges, int], Plan]
WaitsOf = Callable[[Plan], Sets]
Closed = Callable[[Sets], Sets]


@st.composite
def dags(draw: st.DrawFn) -> tuple[Edges, int]:
    """Any DAG up to 40 nodes, ids in random order; denser ones as likely as sparse ones."""
    n = draw(st.integers(0, 40))
    density = draw(st.sampled_from([0.02, 0.05, 0.1, 0.2, 0.5]))
    rng = draw(st.randoms(use_true_random=False))
    ids = list(range(n))
    edges = [(i, j) for j in ids for i in range(j) if rng.random() < density]
    return edges, n


@st.composite
def nested(draw: st.DrawFn) -> tuple[Edges, int]:
    """Parts composed in series and in parallel, then a few edges more: what real workflows look like."""
    steps = draw(st.lists(st.sampled_from(["series", "parallel", "task"]), max_size=24))
    parts: list[tuple[Edges, int]] = [([], 1)]
    for step in steps:
        if step == "task" or len(parts) < 2:
            parts.append(([], 1))
        else:
            (e2, n2), (e1, n1) = parts.pop(), parts.pop()
            moved = [(a + n1, b + n1) for a, b in e2]
            across = [(i, n1 + j) for i in range(n1) for j in range(n2)] if step == "series" else []
            parts.append((e1 + moved + across, n1 + n2))
    edges, n = parts.pop()
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda p: p[0] < p[1])
    more = draw(st.lists(pairs, max_size=3)) if n > 1 else []
    return edges + more, n


def expected(edges: Edges, n: int, closed: Closed) -> Sets:
    return closed({i: frozenset(a for a, b in edges if b == i) for i in range(n)})


@settings(max_examples=300, deadline=None)
@given(dag=dags() | nested())
def test_the_order_enforced_is_the_order_of_the_graph(
    dag: tuple[Edges, int], plan_of: PlanOf, waits_of: WaitsOf, closed: Closed
) -> None:
    edges, n = dag
    assert closed(waits_of(plan_of(edges, n))) == expected(edges, n, closed)


@settings(max_examples=100, deadline=None)
@given(dag=dags(), seed=st.integers(0, 1000))
def test_every_electron_starts_when_its_last_parent_ends(
    dag: tuple[Edges, int], seed: int, plan_of: PlanOf, waits_of: WaitsOf
) -> None:
    edges, n = dag
    rng = random.Random(seed)
    lasts = [rng.choice((0.1, 1.0, rng.lognormvariate(0, 1))) for _ in range(n)]
    waits = waits_of(plan_of(edges, n))
    end: dict[int, float] = {}
    for node in TopologicalSorter(waits).static_order():
        parents = (a for a, b in edges if b == node)
        start = max((end[each] for each in waits[node]), default=0)
        assert start == max((end[each] for each in parents), default=0)
        end[node] = start + lasts[node]


@settings(max_examples=100, deadline=None)
@given(dag=dags())
def test_a_gate_waits_for_direct_parents_only(dag: tuple[Edges, int], plan_of: PlanOf) -> None:
    edges, n = dag
    gates = [item for item in plan_of(edges, n).walk() if isinstance(item, Gate)]
    assert len({gate.node for gate in gates}) == len(gates)
    assert all((parent, gate.node) in edges for gate in gates for parent in gate.needs)


@pytest.mark.parametrize(
    ("shape", "size", "n", "gates", "transitions"),
    [
        ("chain", 100, 100, 0, 100),
        ("fan_out", 100, 100, 0, 101),
        ("fan_in", 100, 100, 0, 101),
        ("diamonds", 1, 4, 0, 5),
        ("diamonds", 30, 91, 0, 121),
        ("grid", 10, 100, 45, 181),
    ],
)
def test_what_known_shapes_cost(
    shapes: ModuleType, plan_of: PlanOf, shape: str, size: int, n: int, gates: int, transitions: int
) -> None:
    cost = cost_of(plan_of(getattr(shapes, shape)(size), n))
    assert (cost.tasks, cost.gates, cost.transitions) == (n, gates, transitions)


def test_the_n_takes_one_gate(shapes: ModuleType, plan_of: PlanOf) -> None:
    branches = ((Task(0), Task(2)), (Task(1), Gate(3, (0,)), Task(3)))
    assert plan_of(shapes.N, 4).items == (Parallel(branches),)


@pytest.mark.parametrize(
    ("density", "most"), [(0.02, 1.30), (0.05, 1.55), (0.1, 1.74), (0.2, 1.76)]
)
def test_random_graphs_stay_under_two_transitions_each(
    shapes: ModuleType, plan_of: PlanOf, density: float, most: float
) -> None:
    costs = [cost_of(plan_of(shapes.scattered(80, density, seed), 80)) for seed in range(20)]
    assert sum(cost.transitions for cost in costs) <= most * 80 * len(costs)


@settings(max_examples=200, deadline=None)
@given(dag=dags() | nested())
def test_no_graph_costs_more_than_out_trees_with_gates(
    dag: tuple[Edges, int], plan_of: PlanOf
) -> None:
    """The plain scheme: a gate for each electron with several parents, a Parallel for each fork and one around all."""
    edges, n = dag
    covers = order_of(range(n), {b: [a for a, t in edges if t == b] for b in range(n)}).covers
    only_children = Counter(parents[0] for parents in covers if len(parents) == 1)
    gates = sum(len(parents) > 1 for parents in covers)
    forks = sum(count > 1 for count in only_children.values())
    assert cost_of(plan_of(edges, n)).transitions <= n + gates + forks + 1


def test_electrons_with_the_same_parents_share_a_gate(plan_of: PlanOf) -> None:
    together = [(a, b) for a in (0, 1) for b in (3, 4, 5)]
    found = plan_of([*together, (1, 6), (2, 6), (0, 7)], 8)
    assert [item for item in found.walk() if isinstance(item, Gate)] == [Gate(3, (0, 1))]


def test_strands_that_end_before_an_electron_are_joined(plan_of: PlanOf) -> None:
    """3 waits for 0 and 1, which nothing else keeps apart; 4 waits for 0 and 2."""
    found = plan_of([(0, 3), (1, 3), (0, 4), (2, 4)], 5)
    joined = (Parallel(((Task(0),), (Task(1),))), Task(3))
    assert found.items == (Parallel((joined, (Task(2), Gate(4, (0,)), Task(4)))),)


def test_joined_strands_do_not_nest_too_deep(plan_of: PlanOf) -> None:
    """A comb: each tooth joins the back. What hangs on the first tooth keeps it one prime part."""
    edges = [(0, 1)]
    for tooth in range(2, 80, 2):
        edges += [(tooth - 1, tooth + 1), (tooth, tooth + 1)]
    found = plan_of([*edges, (2, 82), (0, 82)], 83)
    assert depth_of(found.items) <= MAX_DEPTH


def test_a_module_inside_a_prime_part_needs_no_gate(plan_of: PlanOf) -> None:
    """An N of which one corner is a diamond."""
    diamond = [(0, 1), (0, 2), (1, 3), (2, 3)]
    found = plan_of([*diamond, (3, 5), (3, 6), (4, 6)], 7)
    assert cost_of(found).gates == 1


@pytest.mark.parametrize("size", [10, 26, 60, 150])
@pytest.mark.parametrize("form", ["out", "in", "collected"])
def test_deep_forks_are_flattened_and_stay_exact(
    shapes: ModuleType, plan_of: PlanOf, waits_of: WaitsOf, closed: Closed, size: int, form: str
) -> None:
    edges, n = shapes.caterpillar(size), 2 * size
    if form == "in":
        edges = [(n - 1 - b, n - 1 - a) for a, b in edges]
    if form == "collected":
        edges, n = [*edges, *((i, n) for i in range(n))], n + 1
    found = plan_of(edges, n)
    assert depth_of(found.items) <= MAX_DEPTH
    assert closed(waits_of(found)) == expected(edges, n, closed)
    assert cost_of(found).transitions <= 1.55 * n


def test_a_long_caterpillar_is_laid_out_step_by_step(shapes: ModuleType, plan_of: PlanOf) -> None:
    """Taking it apart as a whole at every step would take minutes."""
    found = plan_of(shapes.caterpillar(5000), 10_000)
    assert depth_of(found.items) <= MAX_DEPTH
    assert cost_of(found).transitions <= 1.55 * 10_000


def hung(links: int, legs: Edges, n: int) -> tuple[Edges, int]:
    """A chain; in each link hangs a copy of `legs`, whose nodes are 0 for the link and 1 .. n - 1."""
    chain = [(n * link, n * (link + 1)) for link in range(links - 1)]
    return chain + [(n * i + a, n * i + b) for i in range(links) for a, b in legs], n * links


@pytest.mark.parametrize(
    "legs",
    [
        [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)],
        [(0, 1), (0, 2), (1, 3), (2, 3), (2, 4)],
        [(0, 1), (0, 2), (1, 3), (1, 4), (2, 3), (2, 4)],
    ],
    ids=["diamonds", "letters N", "crossed pairs"],
)
def test_a_long_caterpillar_with_any_legs_is_laid_out_step_by_step(
    plan_of: PlanOf, legs: Edges
) -> None:
    """10,000 electrons. Looking at all that is left at every link would take minutes."""
    found = plan_of(*hung(2000, legs, 5))
    assert depth_of(found.items) <= MAX_DEPTH
    assert cost_of(found).transitions <= 1.85 * 10_000


def test_a_long_caterpillar_of_which_all_legs_are_joined(
    shapes: ModuleType, plan_of: PlanOf
) -> None:
    edges, n = shapes.caterpillar(5000), 10_000
    joined = [(i, n) for i in range(1, n, 2)] + [(n - 2, n)]
    assert depth_of(plan_of([*edges, *joined], n + 1).items) <= MAX_DEPTH


def test_a_deep_nest_of_prime_parts_is_laid_out_step_by_step(plan_of: PlanOf) -> None:
    """In each part one of two blocks holds all the next parts, and a third waits for both."""
    rng = random.Random(0)
    edges: Edges = []
    inner = 0
    for n in range(1, 10_000, 3):
        edges += [(inner, n), (inner, n + 1), (n, n + 2), (n + 1, n + 2)]
        inner = n + rng.choice((0, 1))
    found = plan_of(edges, 10_000)
    assert depth_of(found.items) <= MAX_DEPTH
    assert cost_of(found).transitions <= 1.7 * 10_000


@settings(max_examples=30, deadline=None)
@given(legs=dags(), links=st.integers(20, 60))
def test_deep_caterpillars_stay_exact(
    legs: tuple[Edges, int], links: int, plan_of: PlanOf, waits_of: WaitsOf, closed: Closed
) -> None:
    """Deeper than Parallels nest, with all kinds of legs."""
    inner = [(a, b) for a, b in legs[0] if b < 5]
    edges, n = hung(links, [*inner, (0, 1)], 5)
    found = plan_of(edges, n)
    assert depth_of(found.items) <= MAX_DEPTH
    assert closed(waits_of(found)) == expected(edges, n, closed)


def test_no_electron_no_state(plan_of: PlanOf) -> None:
    assert plan_of([], 0).items == ()


def test_independent_electrons_are_branches(plan_of: PlanOf) -> None:
    assert plan_of([], 3).items == (Parallel(((Task(0),), (Task(1),), (Task(2),))),)
