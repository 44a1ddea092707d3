"""Real lattices, dispatched to the in-memory control plane."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from covalent._dispatcher_plugins import LocalDispatcher, dispatch, dispatch_sync
from covalent._results_manager.results_manager import get_result
from covalent._workflow.electron import electron
from covalent._workflow.lattice import lattice
from covalent_contracts.manifest import NodeKind
from covalent_contracts.status import Status

if TYPE_CHECKING:
    from tests.unit.sdk.remote.conftest import ControlPlane


@electron
def double(x: int) -> int:
    return 2 * x


@lattice
def doubles(count: int) -> Any:
    return {"all": [double(each) for each in range(count)], "count": count}


def finish(plane: ControlPlane, dispatch_id: str) -> None:
    """Let the dispatch end: electron n gives 10 n."""
    manifest = plane.drafts[dispatch_id]
    electrons = [node.id for node in manifest.nodes if node.kind is NodeKind.FUNCTION]
    for number, node in enumerate(electrons):
        plane.complete(node, 10 * number, inline=number % 2 == 0)
    for each in manifest.nodes:
        plane.set(each.id, status=Status.COMPLETED)
    plane.end(Status.COMPLETED, dispatch_id=dispatch_id)


def test_from_lattice_to_result(plane: ControlPlane) -> None:
    dispatch_id = dispatch(doubles)(count=3)
    finish(plane, dispatch_id)
    result = get_result(dispatch_id, wait=True)
    assert result.result == {"all": [0, 10, 20], "count": 3}
    assert result.inputs == {"args": (), "kwargs": {"count": 3}}
    assert result.lattice.workflow_function(1)["count"] == 1
    assert "double(0): 0\n" in str(result)


def test_many_outputs_are_asked_for_together(plane: ControlPlane) -> None:
    dispatch_id = dispatch(doubles)(600)
    finish(plane, dispatch_id)
    plane.log.clear()
    result = get_result(dispatch_id)
    assert plane.log.count(f"POST /dispatches/{dispatch_id}/nodes") == 2
    asked = len(plane.log)
    assert result.result["all"] == [10 * number for number in range(600)]
    assert len(plane.log) == asked


def test_a_second_dispatch_of_the_same_lattice_is_another_one(plane: ControlPlane) -> None:
    before = dict(vars(doubles))
    first, second = dispatch(doubles)(2), LocalDispatcher.dispatch(doubles)(3)
    assert first != second
    assert len(plane.drafts[first].nodes) + 2 == len(plane.drafts[second].nodes)
    assert vars(doubles) == before


def test_threads_may_dispatch_one_lattice(plane: ControlPlane) -> None:
    submit = dispatch(doubles)
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(submit, range(1, 17)))
    sizes = [sum(n.kind is NodeKind.FUNCTION for n in plane.drafts[each].nodes) for each in ids]
    assert sizes == list(range(1, 17))


def test_an_exception_in_the_workflow_is_the_callers_and_nothing_is_sent(
    plane: ControlPlane,
) -> None:
    @lattice
    def broken() -> None:
        double(1)
        raise ZeroDivisionError("as written")

    with pytest.raises(ZeroDivisionError, match="as written"):
        dispatch(broken)()
    with pytest.raises(TypeError):
        dispatch(doubles)(wrong=1)
    assert not plane.log


def test_an_electron_is_no_lattice() -> None:
    given: Any = double
    with pytest.raises(TypeError, match="double"):
        dispatch(given)


def test_dispatch_sync_waits_for_the_result(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = plane._start

    def start_and_finish(dispatch_id: str, *, run: bool) -> Any:
        response = start(dispatch_id, run=run)
        finish(plane, dispatch_id)
        return response

    monkeypatch.setattr(plane, "_start", start_and_finish)
    result = dispatch_sync(doubles)(2)
    assert result.status == "COMPLETED"
    assert result.result == {"all": [0, 10], "count": 2}


def test_the_prepared_call_is_named_after_the_workflow() -> None:
    assert dispatch(doubles).__name__ == "doubles"


def test_containers_in_containers_are_put_together(plane: ControlPlane) -> None:
    @electron
    def take(values: Any) -> Any:
        return values

    @lattice
    def nested() -> Any:
        inner = {"a": (double(1), [double(2)])}
        return take({"inner": inner, "again": inner["a"][0]})

    dispatch_id = dispatch(nested)()
    finish(plane, dispatch_id)
    nodes = get_result(dispatch_id).get_all_node_results()
    collected = {
        node["node_name"]: node["output"].get_deserialized()
        for node in nodes
        if node["node_name"].startswith(":electron_")
    }
    assert collected[":electron_dict:"] == {"inner": {"a": (0, [10])}, "again": 0}
