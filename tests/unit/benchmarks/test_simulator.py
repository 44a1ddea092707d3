import random

import pytest
from benchmarks.baselines import fork_join, level_barriers
from benchmarks.shapes import SHAPES, Dag, sparse
from benchmarks.simulator import DEFAULT, Latencies, ideal, simulate
from hypothesis import given, settings
from hypothesis import strategies as st

from covalent_step_functions.cost import cost_of
from covalent_step_functions.order import order_of
from covalent_step_functions.plan import Gate, Parallel, Plan, Task, plan

N: Dag = {0: (), 1: (), 2: (0,), 3: (0, 1)}
DAGS = st.builds(
    sparse, st.integers(1, 30), st.sampled_from([0.05, 0.1, 0.3]), st.integers(0, 10_000)
)


def compiled(dag: Dag) -> Plan:
    return plan(order_of(tuple(dag), dag))


def log_normal(dag: Dag, seed: int) -> dict[int, float]:
    rng = random.Random(seed)
    return {node: rng.lognormvariate(0, 1) for node in dag}


def test_every_state_takes_its_latencies() -> None:
    branches = ((Task(0),), (Gate(1, (0,)), Task(1)))
    latencies = Latencies(transition=1, start=2, commit=4, release=8, join=16)
    run = simulate(Plan((Parallel(branches), Task(2))), {0: 100, 1: 200, 2: 300}, latencies)
    first = 1 + 1 + 2
    second = first + 100 + 4 + 8 + 1 + 2
    third = second + 200 + 4 + 16 + 1 + 2
    assert run.starts == {0: first, 1: second, 2: third}
    assert run.makespan == third + 300 + 4


def test_a_gate_whose_parents_have_ended_takes_its_call_only() -> None:
    branches = ((Task(0),), (Task(1), Gate(2, (0,)), Task(2)))
    run = simulate(Plan((Parallel(branches),)), {0: 1, 1: 10, 2: 1}, Latencies(start=2, release=3))
    assert run.starts[2] == 2 + 10 + 2 + 3 + 2


def test_barriers_make_an_electron_wait_for_others_parents() -> None:
    seconds = {0: 1.0, 1: 10.0, 2: 10.0, 3: 1.0}
    assert ideal(N, seconds).makespan == 11
    assert simulate(compiled(N), seconds).makespan == 11
    assert simulate(level_barriers(N), seconds).makespan == 20
    assert simulate(fork_join(N), seconds).makespan == 20


@settings(max_examples=60, deadline=None)
@given(dag=DAGS, seed=st.integers(0, 1000))
def test_without_latencies_every_electron_starts_when_its_parents_end(dag: Dag, seed: int) -> None:
    seconds = log_normal(dag, seed)
    run, best = simulate(compiled(dag), seconds), ideal(dag, seconds)
    assert run.starts == pytest.approx(best.starts)
    assert run.makespan == pytest.approx(best.makespan)


@settings(max_examples=60, deadline=None)
@given(dag=DAGS, seed=st.integers(0, 1000))
def test_others_keep_the_order_too_but_never_start_earlier(dag: Dag, seed: int) -> None:
    seconds = log_normal(dag, seed)
    for other in (level_barriers(dag), fork_join(dag)):
        assert cost_of(other).gates == 0
        run = simulate(other, seconds)
        assert set(run.starts) == set(dag)
        for node, parents in dag.items():
            ends = [run.starts[parent] + seconds[parent] for parent in parents]
            assert run.starts[node] >= max(ends, default=0) - 1e-9


@pytest.mark.parametrize("shape", SHAPES)
def test_ours_is_not_later_with_the_default_latencies(shape: str) -> None:
    dag = SHAPES[shape](80)
    seeds = range(5)

    def total(laid_out: Plan) -> float:
        return sum(simulate(laid_out, log_normal(dag, s), DEFAULT).makespan for s in seeds)

    assert total(compiled(dag)) <= min(total(level_barriers(dag)), total(fork_join(dag))) + 1e-9
