"""The order that really happens: random DAGs, run for real, with pauses, failures and second tries.

Every batch is dispatched before the first of its results is waited for, so that the server has many at once.
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

import covalent as ct

pytestmark = pytest.mark.usefixtures("server")

Dag = dict[int, list[int]]
"""The parents of each electron."""
Body = Callable[..., Any]

BATCH = 25
PATIENCE = 120.0
"""Seconds; generous, because it only bounds a failing run."""


def drawn(seed: int) -> tuple[Dag, random.Random]:
    """A DAG of any density, and the generator to draw more from."""
    rng = random.Random(seed)
    size = rng.randint(4, 16)
    density = rng.choice((0.08, 0.15, 0.3, 0.6))
    return {i: [j for j in range(i) if rng.random() < density] for i in range(size)}, rng


def dispatched(dag: Dag, electrons: Sequence[Body]) -> str:
    """Dispatch the DAG of these electrons."""

    @ct.lattice
    def workflow() -> Any:
        made: list[Any] = []
        for index, parents in dag.items():
            made.append(electrons[index](*(made[j] for j in parents)))
        return made

    return str(ct.dispatch(workflow)())


def records(dispatch_id: str, dag: Dag) -> list[dict[str, Any]]:
    """The electrons' records, in the order of the DAG."""
    result = ct.get_result(dispatch_id, wait=True)
    found = [n for n in result.get_all_node_results() if n["node_name"] == "node"]
    assert len(found) == len(dag)
    return found


def assert_in_order(dag: Dag, found: Sequence[dict[str, Any]], ran: Iterable[int]) -> None:
    """Who ran did so after all of its parents had ended."""
    for index in ran:
        assert found[index]["start_time"] <= found[index]["end_time"]
        for parent in dag[index]:
            assert found[parent]["end_time"] <= found[index]["start_time"]


def below(dag: Dag, heads: Iterable[int]) -> set[int]:
    """The electrons that any of these precede."""
    found: set[int] = set()
    for index, parents in dag.items():
        if found.union(heads).intersection(parents):
            found.add(index)
    return found


def pausing(index: int, pause: float) -> Body:
    @ct.electron
    def node(*_: Any) -> int:
        time.sleep(pause)
        return index

    return node


def failing(index: int) -> Body:
    @ct.electron
    def node(*_: Any) -> int:
        raise RuntimeError(f"electron {index} was told to fail")

    return node


def failing_once(index: int, tried: Path) -> Body:
    @ct.electron(executor=ct.executor.LocalExecutor(retries=1))
    def node(*_: Any) -> int:
        if not tried.exists():
            tried.touch()
            raise RuntimeError(f"electron {index} was told to fail the first time")
        return index

    return node


def ending_after(others: Sequence[Path], own: Path) -> Body:
    """An electron that ends only when the others have, and leaves a file for those that end after it."""

    @ct.electron
    def node(*_: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while missing := [other.name for other in others if not other.exists()]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"these wait for {own.name}, which precedes none: {missing}")
            time.sleep(0.005)
        own.touch()

    return node


@pytest.mark.parametrize("batch", range(8))
def test_children_start_when_their_parents_have_ended(batch: int) -> None:
    dags: dict[str, Dag] = {}
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        dag, rng = drawn(seed)
        electrons = [pausing(i, rng.choice((0, 0, rng.random() * 0.02, 0.03))) for i in dag]
        dags[dispatched(dag, electrons)] = dag
    for dispatch_id, dag in dags.items():
        assert_in_order(dag, records(dispatch_id, dag), dag)
        assert ct.get_result(dispatch_id).result == list(dag)


@pytest.mark.parametrize("batch", range(3))
def test_only_descendants_of_failures_do_not_run(batch: int) -> None:
    dags: dict[str, tuple[Dag, set[int]]] = {}
    for seed in range(batch * 20, (batch + 1) * 20):
        dag, rng = drawn(1000 + seed)
        broken = set(rng.sample(list(dag), rng.randint(1, 3)))
        electrons = [failing(i) if i in broken else pausing(i, rng.choice((0, 0.01))) for i in dag]
        dags[dispatched(dag, electrons)] = dag, broken
    for dispatch_id, (dag, broken) in dags.items():
        found = records(dispatch_id, dag)
        doomed = below(dag, broken)
        expected = ["FAILED" if i in broken else "COMPLETED" for i in dag]
        for index in doomed:
            expected[index] = "NEW_OBJECT"
        assert [str(record["status"]) for record in found] == expected
        assert_in_order(dag, found, set(dag) - doomed)
        assert ct.get_result(dispatch_id).status == "FAILED"


@pytest.mark.parametrize("batch", range(2))
def test_the_order_holds_when_electrons_are_tried_again(batch: int, tmp_path: Path) -> None:
    dags: dict[str, tuple[Dag, set[Path]]] = {}
    for seed in range(batch * 10, (batch + 1) * 10):
        dag, rng = drawn(2000 + seed)
        tried = {i: tmp_path / f"{seed}-{i}" for i in rng.sample(list(dag), 2)}
        electrons = [failing_once(i, tried[i]) if i in tried else pausing(i, 0) for i in dag]
        dags[dispatched(dag, electrons)] = dag, set(tried.values())
    for dispatch_id, (dag, files) in dags.items():
        assert_in_order(dag, records(dispatch_id, dag), dag)
        assert ct.get_result(dispatch_id).result == list(dag)
        assert all(tried.exists() for tried in files)


@pytest.mark.parametrize("batch", range(2))
def test_nothing_waits_for_what_does_not_precede_it(batch: int, tmp_path: Path) -> None:
    """One electron ends after all that it does not precede: whatever waited for it nevertheless would be a circle.

    Two dispatches at a time, since each keeps a worker busy.
    """
    for first in range(batch * 12, (batch + 1) * 12, 2):
        dags: dict[str, Dag] = {}
        for seed in (first, first + 1):
            dag, rng = drawn(3000 + seed)
            last = rng.choice(list(dag))
            done = {i: tmp_path / f"{seed}-{i}" for i in dag}
            others = [done[i] for i in dag.keys() - below(dag, [last]) - {last}]
            electrons = [ending_after(others if i == last else (), done[i]) for i in dag]
            dags[dispatched(dag, electrons)] = dag
        for dispatch_id, dag in dags.items():
            result = ct.get_result(dispatch_id, wait=True)
            assert result.status == "COMPLETED", result.error
            assert_in_order(dag, records(dispatch_id, dag), dag)
