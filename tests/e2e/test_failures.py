"""Random DAGs in which electrons fail: exactly their descendants do not run, everything else does."""

import random
from typing import Any

import pytest

import covalent as ct

pytestmark = pytest.mark.usefixtures("server")


@ct.electron
def node(index: int, fails: bool, *_: Any) -> int:
    if fails:
        raise RuntimeError(f"electron {index} was told to fail")
    return index


@pytest.mark.parametrize("seed", range(6))
def test_only_descendants_of_failures_do_not_run(seed: int) -> None:
    rng = random.Random(seed)
    parents = {i: [j for j in range(i) if rng.random() < 0.2] for i in range(16)}
    broken = set(rng.sample(range(16), 3))
    doomed: set[int] = set()
    for index, needed in parents.items():
        if any(parent in broken - doomed or parent in doomed for parent in needed):
            doomed.add(index)

    @ct.lattice
    def workflow() -> Any:
        made: list[Any] = []
        for index, needed in parents.items():
            made.append(node(index, index in broken, *(made[j] for j in needed)))
        return made

    result = ct.get_result(ct.dispatch(workflow)(), wait=True)
    assert result.status == "FAILED"
    records = [n for n in result.get_all_node_results() if n["node_name"] == "node"]
    statuses = {index: str(record["status"]) for index, record in enumerate(records)}
    expected = {
        index: "NEW_OBJECT" if index in doomed else "FAILED" if index in broken else "COMPLETED"
        for index in parents
    }
    assert statuses == expected


def test_a_failed_item_stops_only_who_needs_it() -> None:
    @ct.electron
    def mapping() -> dict[str, int]:
        return {"there": 1}

    @ct.electron
    def use(value: int) -> int:
        return value

    @ct.lattice
    def workflow() -> Any:
        found = mapping()
        return use(found["there"]), use(found["missing"])

    result = ct.get_result(ct.dispatch(workflow)(), wait=True)
    assert result.status == "FAILED"
    by_name: dict[str, list[str]] = {}
    for record in result.get_all_node_results():
        by_name.setdefault(record["node_name"], []).append(str(record["status"]))
    assert by_name["mapping"] == ["COMPLETED"]
    assert by_name["use"] == ["COMPLETED", "NEW_OBJECT"]
    assert "KeyError" in str(result.error)
