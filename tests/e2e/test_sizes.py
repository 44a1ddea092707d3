"""Dispatches that no single state machine could hold: divided, and run for real."""

from collections import Counter
from typing import Any

import pytest

import covalent as ct

pytestmark = pytest.mark.usefixtures("server")


@ct.electron
def work(index: int, *_: Any) -> int:
    if index % 500 == 499:
        raise ValueError(f"{index} is unlucky")
    return index


@ct.electron
def step(index: int, *_: Any) -> int:
    return index


@ct.electron
def gather(values: list[int]) -> int:
    return sum(values)


@ct.lattice
def wide(n: int, most: int) -> Any:
    values = [work(index) for index in range(n)]
    return gather(values[:most]), gather(values)


@ct.lattice
def long(n: int, broken: int) -> Any:
    value = step(0)
    for index in range(1, n):
        value = work(499, value) if index == broken else step(index, value)
    return value


@ct.lattice
def woven(n: int) -> Any:
    """Every electron needs two near ones: hardly anything of it is series-parallel."""
    made: list[Any] = []
    for index in range(n):
        made.append(step(index, *made[-2:-1], *made[-7:-6]))
    return made


def _statuses(dispatch_id: str) -> Counter[str]:
    result = ct.get_result(dispatch_id, wait=True)
    nodes = result.get_all_node_results()
    return Counter(node["status"] for node in nodes if node["node_name"] in ("work", "step"))


def test_a_distributed_map_loses_nothing_but_what_fails() -> None:
    """Of 1,200 electrons two fail; who needs only others goes on."""
    dispatch_id = ct.dispatch(wide)(1200, 499)
    assert _statuses(dispatch_id) == {"COMPLETED": 1198, "FAILED": 2}
    result = ct.get_result(dispatch_id)
    assert result.status == "FAILED"
    assert "499 is unlucky" in str(result.error)
    gathers = [n for n in result.get_all_node_results() if n["node_name"] == "gather"]
    assert [n["status"] for n in gathers] == ["COMPLETED", "NEW_OBJECT"]
    assert gathers[0]["output"].get_deserialized() == sum(range(499))


def test_nested_executions_are_one_chain() -> None:
    result = ct.get_result(ct.dispatch(long)(1800, 0), wait=True)
    assert (result.status, result.result) == ("COMPLETED", 1799)


def test_a_failure_in_one_nested_execution_keeps_the_next_ones_from_starting() -> None:
    assert _statuses(ct.dispatch(long)(1800, 40)) == {
        "COMPLETED": 40,
        "FAILED": 1,
        "NEW_OBJECT": 1759,
    }


def test_gates_release_across_executions() -> None:
    result = ct.get_result(ct.dispatch(woven)(900), wait=True)
    assert result.result == list(range(900))
