import importlib.util
from collections.abc import Callable, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import Any, assert_never

import pytest

from covalent_executors.place import Place
from covalent_step_functions.order import order_of
from covalent_step_functions.plan import (
    Array,
    Each,
    Gate,
    Items,
    Nested,
    Parallel,
    Plan,
    Task,
    plan,
)

Edges = Sequence[tuple[int, int]]
Sets = dict[int, frozenset[int]]


@pytest.fixture(scope="session")
def shapes() -> ModuleType:
    """`tests/golden/shapes.py`; test folders are not packages, so it is loaded by path."""
    path = Path(__file__).parents[2] / "golden" / "shapes.py"
    spec = importlib.util.spec_from_file_location("golden_shapes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def manifest(shapes: ModuleType) -> Callable[..., Any]:
    found: Callable[..., Any] = shapes.manifest
    return found


@pytest.fixture(scope="session")
def place(shapes: ModuleType) -> Place:
    assert isinstance(shapes.PLACE, Place)
    return shapes.PLACE


def _parents(edges: Edges, n: int) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {i: [] for i in range(n)}
    for edge in edges:
        found[edge[1]].append(edge[0])
    return found


def _plan(edges: Edges, n: int) -> Plan:
    return plan(order_of(range(n), _parents(edges, n)))


def _waits(items: Items, known: frozenset[int], found: Sets) -> frozenset[int]:
    """For each task what must have ended when Step Functions enters it; returns what has ended behind `items`."""
    for item in items:
        match item:
            case Task(node):
                assert node not in found, f"{node} runs twice"
                found[node] = known
                known |= {node}
            case Gate(_, needs):
                assert needs
                assert not known & set(needs), "an arrival that the position implies"
                known |= frozenset(needs)
            case Parallel(branches):
                assert len(branches) > 1
                assert all(branches)
                known = known.union(*(_waits(branch, known, found) for branch in branches))
            case Nested(inner):
                assert inner
                known = _waits(inner, known, found)
            case Each(rows):
                alike = (tuple(map(Task, row)) for row in rows)
                known = known.union(*(_waits(row, known, found) for row in alike))
            case Array(nodes):
                found.update(dict.fromkeys(nodes, known))
                known |= frozenset(nodes)
            case _:
                assert_never(item)
    return known


def _closed(waits: Mapping[int, frozenset[int]]) -> Sets:
    """Transitively closed; a circle (a deadlock) raises."""
    closed: Sets = {}
    for node in TopologicalSorter(waits).static_order():
        closed[node] = waits[node].union(*(closed[each] for each in waits[node]))
    return closed


@pytest.fixture(scope="session")
def plan_of() -> Callable[[Edges, int], Plan]:
    return _plan


@pytest.fixture(scope="session")
def waits_of() -> Callable[[Plan], Sets]:
    """What each task directly waits for in an execution of the plan."""

    def waits(plan: Plan) -> Sets:
        found: Sets = {}
        _waits(plan.items, frozenset(), found)
        return found

    return waits


@pytest.fixture(scope="session")
def closed() -> Callable[[Mapping[int, frozenset[int]]], Sets]:
    return _closed
