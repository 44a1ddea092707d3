"""Sublattices: workflows whose graph is built while they run."""

import math
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import httpx
import pytest
from tests.running import Server

import covalent as ct
from covalent._results_manager.result import Result

pytestmark = pytest.mark.usefixtures("server")


@pytest.fixture(autouse=True, scope="module")
def by_value() -> Iterator[None]:
    module = sys.modules[__name__]  # no worker can import the tests
    cloudpickle.register_pickle_by_value(module)
    yield
    cloudpickle.unregister_pickle_by_value(module)


@ct.electron
def add(a: Any, b: Any) -> Any:
    return a + b


@ct.electron
def numbers(count: int) -> list[int]:
    return list(range(count))


@ct.electron
def held(value: Any) -> Any:
    threading.Event().wait()
    return value


@ct.electron
@ct.lattice
def total(values: list[int]) -> Any:
    result = 0
    for value in values:
        result = add(result, value)
    return {"total": result, "count": len(values)}


def run(function: Any, *args: Any, **metadata: Any) -> Result:
    dispatch_id = ct.dispatch(ct.lattice(**metadata)(function))(*args)
    found: Result = ct.get_result(dispatch_id, wait=True)
    return found


def sub(result: Result, node: int = 0) -> Result:
    found = result.get_node_result(node)["sublattice_result"]
    assert isinstance(found, Result)
    return found


def history(server: Server, result: Result) -> list[str]:
    entered = "stateEnteredEventDetails"
    events = server.history(result.dispatch_id)
    return [event[entered]["name"] for event in events if entered in event]


def test_the_graph_follows_from_values_that_only_the_run_knows(server: Server) -> None:
    def workflow(count: int) -> Any:
        found = total(numbers(count))
        return add(found["total"], 1), found["count"]

    result = run(workflow, 5)
    assert result.error is None
    assert result.result == (11, 5)
    child = sub(result, 2)
    assert [node["node_name"] for node in child.get_all_node_results()].count("add") == 5
    assert child.result == {"total": 10, "count": 5}
    assert child.inputs == {"args": ([0, 1, 2, 3, 4],), "kwargs": {}}
    assert child.root_dispatch_id == result.root_dispatch_id == result.dispatch_id
    assert child.dispatch_id != result.dispatch_id
    graph = result.lattice.transport_graph
    assert graph.get_node_value(2, "sub_dispatch_id") == child.dispatch_id
    assert graph.get_node_value(0, "sub_dispatch_id") is None
    assert ct.get_result(child.dispatch_id, wait=True).result == child.result
    assert history(server, result) == [
        "numbers (0)",
        ":sublattice:total (2)",
        "adopt: :sublattice:total (2)",
        "call: :sublattice:total (2)",
        "collect: :sublattice:total (2)",
        *[name for name in history(server, result) if name.startswith("add (")],
    ]


def test_a_listing_shows_roots_only(server: Server) -> None:
    result = run(lambda: total([1]))
    listed = _listing(server)
    assert listed[0] == result.dispatch_id
    assert sub(result).dispatch_id not in listed


def _listing(server: Server) -> list[str]:
    answer = httpx.get(
        f"http://127.0.0.1:{server.port}/api/v1/dispatches?limit=10",
        headers={"Authorization": f"Bearer {server.token}"},
    )
    return [each["dispatch_id"] for each in answer.json()["dispatches"]]


def test_plain_lattices_inside_become_part_of_the_graph() -> None:
    plain = ct.lattice(lambda x: add(x, 1))

    def workflow(x: int) -> Any:
        return plain(plain(x)), ct.electron(ct.lattice(plain.workflow_function))(x)

    result = run(workflow, 1)
    assert result.result == (3, 2)
    kinds = [known["kind"] for _, known in result.lattice.transport_graph.nodes()]
    assert (kinds.count("function"), kinds.count("sublattice")) == (2, 1)


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (lambda x: None, None),
        (lambda x: x, 4),
        (lambda x: add(x, 1), 5),
        (lambda x: (add(x, 1), [add(x, 2)], {"k": add(x, 3)}), (5, [6], {"k": 7})),
        (
            lambda x: add(x, "y" * 10_000) if x > 4 else add(str(x), "y" * 10_000),
            "4" + "y" * 10_000,
        ),
    ],
)
def test_whatever_it_returns(returned: Any, expected: Any) -> None:
    inner = ct.electron(ct.lattice(returned))
    assert run(lambda: inner(add(2, 2))).result == expected


def test_a_chain_of_them_and_waiting() -> None:
    def workflow() -> Any:
        one = total([1, 2])
        two = total([3])
        ct.wait(two, one)
        return add(one["total"], two["total"])

    assert run(workflow).result == 6


class TestFailures:
    def test_the_error_leads_to_the_electron(self) -> None:
        @ct.electron
        @ct.lattice
        def inner(x: Any) -> Any:
            return add(x, "text")

        @ct.electron
        @ct.lattice
        def outer(x: Any) -> Any:
            return inner(add(x, 1))

        def workflow() -> Any:
            first = add(1, 1)
            return add(outer(first), 1), add(first, 2)

        result = run(workflow)
        assert result.status == "FAILED"
        nodes = result.get_all_node_results()
        status = {node["node_name"]: node["status"] for node in nodes}
        assert status[":sublattice:outer"] == "FAILED"
        assert [node["status"] for node in nodes if node["node_name"] == "add"] == [
            "COMPLETED",
            "NEW_OBJECT",
            "COMPLETED",
        ]
        failed = next(node for node in nodes if node["status"] == "FAILED")
        child = failed["sublattice_result"]
        grandchild = sub(child, 3)
        assert failed["error"].splitlines() == [
            f"sublattice outer (dispatch {child.dispatch_id}) failed:",
            f"3: :sublattice:inner: sublattice inner (dispatch {grandchild.dispatch_id}) failed:",
            "  0: add: TypeError: unsupported operand type(s) for +: 'int' and 'str'",
        ]
        assert "unsupported operand" in (result.error or "")
        assert (child.status, grandchild.status) == ("FAILED", "FAILED")
        assert grandchild.root_dispatch_id == result.dispatch_id

    def test_one_that_cannot_be_built(self) -> None:
        @ct.electron
        @ct.lattice
        def flawed(x: int) -> Any:
            print("about to fail")
            raise ValueError(f"no graph for {x}")

        result = run(lambda: flawed(7))
        node = result.get_node_result(0)
        assert (result.status, node["status"]) == ("FAILED", "FAILED")
        assert node["error"].endswith("ValueError: no graph for 7")
        assert (node["stdout"], node["sublattice_result"]) == ("about to fail\n", None)

    def test_building_is_tried_again(self, tmp_path: Any) -> None:
        mark = tmp_path / "mark"

        @ct.lattice
        def second_time(x: int) -> Any:
            if not mark.exists():
                mark.touch()
                raise ValueError("not yet")
            return add(x, 1)

        executor = ct.executor.LocalExecutor(retries=1)
        result = run(lambda: ct.electron(second_time)(1), workflow_executor=executor)
        assert result.result == 2

    def test_an_execution_that_is_stopped_fails_the_node(self, server: Server) -> None:
        result = self._stopped(server, of_child=True)
        node = result.get_node_result(0)
        assert (result.status, node["status"]) == ("FAILED", "FAILED")
        assert "the nested execution ended ABORTED" in node["error"]
        assert sub(result).status == "FAILED"

    def test_stopping_the_execution_around_it_stops_it_too(self, server: Server) -> None:
        result = self._stopped(server, of_child=False)
        assert result.status == "FAILED"
        child = ct.get_result(sub(result).dispatch_id, wait=True)
        assert child.status == "FAILED"
        assert child.get_node_result(0)["status"] == "FAILED"

    @pytest.mark.parametrize("task_ids", [None, [0]])
    def test_cancelling_it_cancels_what_is_in_it(self, task_ids: list[int] | None) -> None:
        dispatch_id, child = self._waiting()
        ct.cancel(dispatch_id, task_ids=task_ids)
        result = ct.get_result(dispatch_id, wait=True)
        assert (result.status, result.get_node_result(0)["status"]) == ("CANCELLED", "CANCELLED")
        inner = ct.get_result(child.dispatch_id, wait=True)
        assert (inner.status, inner.get_node_result(0)["status"]) == ("CANCELLED", "CANCELLED")

    def test_cancelling_what_is_in_it_cancels_it(self) -> None:
        dispatch_id, child = self._waiting()
        ct.cancel(child.dispatch_id, task_ids=[0])
        assert ct.get_result(child.dispatch_id, wait=True).status == "CANCELLED"
        result = ct.get_result(dispatch_id, wait=True)
        assert (result.status, result.get_node_result(0)["status"]) == ("CANCELLED", "CANCELLED")

    @classmethod
    def _stopped(cls, server: Server, *, of_child: bool) -> Result:
        dispatch_id, child = cls._waiting()
        stopped = child.dispatch_id if of_child else dispatch_id
        server.client("stepfunctions").stop_execution(executionArn=server.execution(stopped))
        found: Result = ct.get_result(dispatch_id, wait=True)
        return found

    @staticmethod
    def _waiting() -> tuple[str, Result]:
        """A dispatch, and that of the sublattice in it, of which an electron runs."""

        @ct.electron
        @ct.lattice
        def waiting() -> Any:
            return held(1)

        dispatch_id = ct.dispatch(ct.lattice(waiting))()
        child = None
        while child is None or child.get_node_result(0)["status"] != "RUNNING":
            child = ct.get_result(dispatch_id).get_node_result(0)["sublattice_result"]
        return dispatch_id, child


def test_the_example_of_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parents[2] / "docs" / "sublattices.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    exec(compile(code, page.name, "exec"), {"__name__": "sublattices_md"})
    shown = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == shown


@ct.electron
def simpson(a: float, b: float) -> tuple[float, int]:
    """An integral, and how many electrons have worked on it."""
    middle = (a + b) / 2
    return (b - a) / 6 * (math.sin(a) + 4 * math.sin(middle) + math.sin(b)), 1


@ct.electron
def summed(parts: list[tuple[float, int]]) -> tuple[float, int]:
    return sum(area for area, _ in parts), 1 + sum(count for _, count in parts)


@ct.electron
@ct.lattice
def quadrature(a: float, b: float, depth: int) -> Any:
    """Eight parts, each again by itself until it is deep enough."""
    width = (b - a) / 8
    starts = [a + i * width for i in range(8)]
    if depth == 1:
        return summed([simpson(start, start + width) for start in starts])
    return summed([quadrature(start, start + width, depth - 1) for start in starts])


def test_a_recursion_three_deep_with_five_hundred_electrons() -> None:
    result = run(lambda: quadrature(0.0, 3.0, 3))
    assert result.error is None
    assert result.result == (pytest.approx(1 - math.cos(3)), 8**3 + 8**2 + 8 + 1)
    deepest = sub(sub(sub(result)))
    assert deepest.root_dispatch_id == result.dispatch_id
    assert [node["node_name"] for node in deepest.get_all_node_results()].count("simpson") == 8
