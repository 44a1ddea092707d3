"""Results of the dispatches that sublattices have become."""

import pickle
from pathlib import Path

import pytest

from covalent._results_manager.result import Result
from covalent._results_manager.results_manager import get_result
from covalent_contracts.ids import sub_dispatch_id
from covalent_contracts.status import Status

from .conftest import ControlPlane

NODE = 3


@pytest.fixture
def family(plane: ControlPlane, dispatched: str) -> tuple[str, str]:
    """A finished dispatch whose node 3 is a sublattice, and that one's dispatch."""
    child = sub_dispatch_id(dispatched, NODE)
    plane.run()
    summary = plane.summaries[dispatched]
    plane.summaries[child] = summary.model_copy(
        update={"dispatch_id": child, "parent": dispatched, "parent_node": NODE}
    )
    manifest = plane.drafts[dispatched]
    plane.drafts[child] = manifest.model_copy(update={"dispatch_id": child})
    plane.set(NODE, sub_dispatch_id=child)
    return dispatched, child


def child_of(result: Result, node: int = NODE) -> Result:
    found = result.get_node_result(node)["sublattice_result"]
    assert isinstance(found, Result)
    return found


def test_it_is_a_whole_result(family: tuple[str, str]) -> None:
    parent, child = family
    result = get_result(parent)
    inner = child_of(result)
    assert (inner.dispatch_id, inner.root_dispatch_id) == (child, parent)
    assert (inner.status, inner.result) == ("COMPLETED", result.result)
    assert inner.inputs == result.inputs
    assert result.lattice.transport_graph.get_node_value(NODE, "sub_dispatch_id") == child


def test_other_nodes_have_none(family: tuple[str, str]) -> None:
    nodes = get_result(family[0]).get_all_node_results()
    assert [node["node_id"] for node in nodes if node["sublattice_result"] is not None] == [NODE]


def test_it_is_asked_for_when_it_is_looked_at(plane: ControlPlane, family: tuple[str, str]) -> None:
    parent, child = family
    result = get_result(parent)
    str(result)
    result.get_all_node_outputs()
    assert not [line for line in plane.log if child in line]
    child_of(result)
    child_of(result)
    assert [line for line in plane.log if child in line] == [f"GET /dispatches/{child}"]


def test_saving_takes_it_along(
    plane: ControlPlane, family: tuple[str, str], tmp_path: Path
) -> None:
    plane.set(NODE, sub_dispatch_id=family[1])
    plane.drafts[family[1]] = plane.drafts[family[0]].model_copy(update={"dispatch_id": family[1]})
    inner_records = dict(plane.records)
    result = get_result(family[0])
    child_of(result)
    plane.records = {
        node: each.model_copy(update={"sub_dispatch_id": None})
        for node, each in inner_records.items()
    }
    result.save_result(tmp_path)
    plane.log.clear()
    read = pickle.loads((tmp_path / family[0] / "result.pkl").read_bytes())
    assert child_of(read).result == result.result
    assert child_of(read).get_node_result(0)["output"].get_deserialized() == 12
    assert plane.log == []


def test_of_a_node_that_has_none_yet(plane: ControlPlane, dispatched: str) -> None:
    plane.set(NODE, status=Status.DISPATCHING)
    node = get_result(dispatched).get_node_result(NODE)
    assert (node["status"], node["sublattice_result"]) == ("DISPATCHING", None)
