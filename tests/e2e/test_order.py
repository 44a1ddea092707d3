"""The order that really happens: random DAGs, run for real, children start after their parents end."""

import random
from typing import Any

import pytest

import covalent as ct

pytestmark = pytest.mark.usefixtures("server")


@ct.electron
def node(index: int, *_: Any) -> int:
    return index


@pytest.mark.parametrize("seed", range(6))
def test_children_start_when_their_parents_have_ended(seed: int) -> None:
    rng = random.Random(seed)
    parents = {i: [j for j in range(i) if rng.random() < 0.25] for i in range(14)}

    @ct.lattice
    def workflow() -> Any:
        made: list[Any] = []
        for index, needed in parents.items():
            made.append(node(index, *(made[j] for j in needed)))
        return made

    result = ct.get_result(ct.dispatch(workflow)(), wait=True)
    assert result.result == list(parents)
    records = [n for n in result.get_all_node_results() if n["node_name"] == "node"]
    for index, needed in parents.items():
        for parent in needed:
            assert records[parent]["end_time"] <= records[index]["start_time"]
