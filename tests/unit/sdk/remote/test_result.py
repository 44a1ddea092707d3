from __future__ import annotations

import pickle
import stat
import sys
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from covalent._dispatch.packaging import Package
from covalent._dispatch.recent import KEPT, recall, remember
from covalent._dispatch.submit import send
from covalent._results_manager.result import Result, _shown
from covalent._results_manager.results_manager import _delete_result, get_result
from covalent._shared_files.exceptions import MissingLatticeRecordError
from covalent._workflow.lattice import Lattice
from covalent._workflow.transportable_object import TransportableObject
from covalent_contracts import errors, pickling
from covalent_contracts.api import Download
from covalent_contracts.attachments import QELECTRONS, Attachments
from covalent_contracts.errors import CorruptedObject
from covalent_contracts.ids import digest_of
from covalent_contracts.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.sdk.remote.conftest import ControlPlane

    from covalent._dispatch.client import Client

UNKNOWN = "00000000-0000-4000-8000-000000000000"
EXPECTED = {"sum": 19, "pair": (12, 12)}


@pytest.fixture
def finished(plane: ControlPlane, dispatched: str) -> str:
    plane.run()
    return dispatched


def test_the_value_of_a_finished_dispatch(finished: str) -> None:
    result = get_result(finished, wait=True)
    assert result.status == "COMPLETED"
    assert result.status is Result.COMPLETED
    assert result.result == EXPECTED
    assert result.encoded_result.get_deserialized() == EXPECTED
    assert result.post_process() == EXPECTED
    assert result.error is None
    assert result.dispatch_id == result.root_dispatch_id == finished
    assert result.start_time == datetime(2023, 11, 14, 22, 13, 20)
    assert result.end_time == datetime(2023, 11, 14, 22, 13, 22)
    assert result.inputs == {"args": (5,), "kwargs": {"scale": 2}}


def test_one_node_in_a_recipe_is_one_object(finished: str, plane: ControlPlane) -> None:
    plane.complete(0, [1, 2], inline=True)
    pair = get_result(finished).result["pair"]
    assert pair[0] is pair[1]


def test_nothing_is_fetched_before_it_is_looked_at(finished: str, plane: ControlPlane) -> None:
    result = get_result(finished, workflow_output=False)
    assert plane.log == [f"GET /dispatches/{finished}"]
    assert result.result == EXPECTED
    asked = len(plane.log)
    assert result.result == EXPECTED
    assert len(plane.log) == asked
    large = next(key for key, data in plane.objects.items() if len(data) > 50_000)
    assert f"GET /{large}" not in plane.log


def test_the_value_is_fetched_with_the_result(finished: str, plane: ControlPlane) -> None:
    result = get_result(finished, wait=True)
    asked = len(plane.log)
    assert result.result == EXPECTED
    assert len(plane.log) == asked
    nodes = [request for request in plane.requests if request.url.path.endswith("/nodes")]
    assert len(nodes) == 1
    assert sorted(__import__("json").loads(nodes[0].content)["ids"]) == [0, 3]


def test_status_only(dispatched: str, plane: ControlPlane) -> None:
    answer = get_result(dispatched, status_only=True)
    assert answer == {"id": dispatched, "status": "RUNNING"}
    assert type(answer["status"]) is str
    plane.run()
    assert get_result(dispatched, True, None, True)["status"] == "COMPLETED"


def test_a_running_dispatch_can_be_asked_again(dispatched: str, plane: ControlPlane) -> None:
    before = get_result(dispatched)
    assert (before.status, before.result, before.end_time) == ("RUNNING", None, None)
    assert before.get_node_result(2)["output"] is None
    plane.run()
    assert before.status is Status.RUNNING
    assert get_result(dispatched).result == EXPECTED


def test_nodes_of_every_kind(finished: str) -> None:
    result = get_result(finished)
    nodes = result.get_all_node_results()
    assert [node["node_id"] for node in nodes] == [0, 1, 2, 3, 4, 5]
    values = [node["output"].get_deserialized() for node in nodes]
    assert values == [12, 5, [12, 7], 19, b"x" * 100_000, EXPECTED]
    assert all(type(node["output"]) is TransportableObject for node in nodes)
    assert nodes[3] == {
        "node_id": 3,
        "node_name": "total",
        "start_time": datetime(2023, 11, 14, 22, 13, 20),
        "end_time": datetime(2023, 11, 14, 22, 13, 21, 500_000),
        "status": "COMPLETED",
        "output": TransportableObject(19),
        "error": None,
        "sublattice_result": None,
        "stdout": "hello\n",
        "stderr": None,
        "qelectron_data": None,
    }
    outputs = result.get_all_node_outputs()
    assert list(outputs)[:3] == ["add(0)", ":parameter:5(1)", ":electron_list:(2)"]
    assert outputs["total(3)"] == TransportableObject(19)


def test_the_lattice_holds_what_is_known_of_its_nodes(finished: str) -> None:
    lattice = get_result(finished).lattice
    assert (lattice.__name__, lattice.args, lattice.kwargs) == ("workflow", (5,), {"scale": 2})
    assert lattice.workflow_function(1, 2) == 3
    graph = lattice.transport_graph
    assert graph.get_node_value(3, "status") == "COMPLETED"
    assert graph.get_node_value(3, "output").get_deserialized() == 19
    assert graph.get_node_value(3, "stdout") == "hello\n"
    assert graph.get_node_value(3, "metadata")["executor"] == "local"
    assert graph.get_node_value(3, "end_time") == datetime(2023, 11, 14, 22, 13, 21, 500_000)
    for key in ("stderr", "error", "sub_dispatch_id"):
        assert graph.get_node_value(3, key) is None
    assert graph.get_dependencies(3) == [2, 4]


def test_a_graph_without_outputs_costs_no_download(finished: str, plane: ControlPlane) -> None:
    result = get_result(finished, intermediate_outputs=False, workflow_output=False)
    graph = result.lattice.transport_graph
    assert graph.get_node_value(3, "status") == "COMPLETED"
    assert graph.get_node_value(3, "output") is None
    assert plane.records[3].value
    assert f"GET /{plane.records[3].value.digest}" not in plane.log


def test_the_process_that_dispatched_asks_for_little(
    client: Client, plane: ControlPlane, package: Package
) -> None:
    dispatch_id = send(client, package)
    plane.run()
    plane.log.clear()
    assert get_result(dispatch_id).result == EXPECTED
    path = f"/dispatches/{dispatch_id}"
    assert plane.log[:2] == [f"GET {path}", f"POST {path}/nodes"]
    assert len(plane.log) == 3


def test_only_the_last_dispatches_are_remembered(package: Package) -> None:
    ids = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(KEPT + 1)]
    for each in ids:
        remember(
            Package(package.manifest.model_copy(update={"dispatch_id": each}), package.objects)
        )
    assert recall(ids[0]) is None
    assert recall(ids[-1])


def test_a_lattice_that_was_not_dispatched() -> None:
    result = Result(Lattice(len))
    assert (result.status, result.result, result.error) == ("NEW_OBJECT", None, None)
    assert result.inputs == {"args": (), "kwargs": {}}
    assert "status: NEW_OBJECT" in str(result)
    with pytest.raises(errors.Conflict, match="not dispatched"):
        result.get_all_node_results()
    assert pickle.loads(pickle.dumps(result)).lattice.workflow_function is len


def test_a_failed_dispatch(dispatched: str, plane: ControlPlane) -> None:
    plane.run(fail=True)
    result = get_result(dispatched, wait=True)
    assert result.status is Result.FAILED
    assert result.result is None
    assert result.error == "3: total: ValueError: no"
    node = result.get_node_result(3)
    assert node["error"].startswith("Traceback")
    assert node["output"] is None
    assert result.get_node_result(0)["output"].get_deserialized() == 12
    with pytest.raises(errors.Conflict, match=r"node 3 \(total\).*FAILED"):
        result.post_process()
    assert "total(3): None" in str(result)


def test_a_node_that_is_not_there(finished: str) -> None:
    for node in (-1, 6):
        with pytest.raises(errors.NotFound, match=f"no node {node}"):
            get_result(finished).get_node_result(node)


def test_what_is_no_text_is_no_id() -> None:
    with pytest.raises(TypeError, match=r"a dispatch id is the text that .* returns, not None"):
        get_result(None)  # type: ignore[call-overload]  # what a user may pass by mistake


@pytest.mark.parametrize("given", [UNKNOWN, "nonsense", "../../etc"])
@pytest.mark.parametrize("wait", [True, False])
def test_an_unknown_id(given: str, wait: bool) -> None:
    with pytest.raises(MissingLatticeRecordError, match=given.replace(".", r"\.")):
        get_result(given, wait=wait)


def test_a_long_stream_comes_from_the_store(finished: str, plane: ControlPlane) -> None:
    plane.objects["stdout"] = b"a long text \xff"
    plane.set(3, stdout=None, stdout_url="given out on reading")
    assert get_result(finished).get_node_result(3)["stdout"] == "a long text \ufffd"


def test_circuits_come_when_they_are_looked_at(finished: str, plane: ControlPlane) -> None:
    left_beside(plane, {"executor": "Simulator", "shots": 10}, left_out=3)
    plane.log.clear()
    result = get_result(finished)
    circuits = result.get_node_result(3)["qelectron_data"]
    assert result.get_node_result(0)["qelectron_data"] is None
    assert "GET /beside" not in plane.log
    assert (len(circuits), circuits[0]["shots"], circuits.left_out) == (1, 10, 3)
    assert circuits == [{"executor": "Simulator", "shots": 10}] == list(circuits[:])
    assert plane.log.count("GET /beside") == 1
    assert pickle.loads(pickle.dumps(circuits)) == circuits
    assert repr(circuits) == repr(list(circuits))


def test_altered_circuits_are_never_unpickled(finished: str, plane: ControlPlane) -> None:
    left_beside(plane, {})
    plane.objects["beside"] += b"!"
    with pytest.raises(CorruptedObject, match="left beside the output of node 3"):
        len(get_result(finished).get_node_result(3)["qelectron_data"])


def left_beside(plane: ControlPlane, *circuits: Any, left_out: int = 0) -> None:
    """Have node 3 leave circuits beside its output."""
    pickled = [pickling.pickled(each) for each in circuits]
    counted = {QELECTRONS: left_out} if left_out else {}
    data = Attachments({QELECTRONS: pickled}, counted).dump()
    plane.objects["beside"] = data
    plane.set(3, attachments=Download(digest=digest_of(data), url="given out on reading"))


def test_the_many_nodes_of_a_large_dispatch_come_in_pages(
    finished: str, plane: ControlPlane
) -> None:
    summary = plane.summaries[finished]
    plane.summaries[finished] = summary.model_copy(update={"nodes": 1200})
    for node in range(6, 1200):
        plane.records[node] = plane.records[0].model_copy(update={"id": node})
    record = get_result(finished, workflow_output=False)._record
    assert record
    plane.log.clear()
    assert [each.id for each in record.nodes(range(1200))] == list(range(1200))
    assert plane.log == [f"POST /dispatches/{finished}/nodes"] * 3


@pytest.mark.parametrize("which", ["output", "recipe", "manifest", "inline"])
def test_altered_bytes_are_never_unpickled(
    finished: str, plane: ControlPlane, package: Package, which: str
) -> None:
    if which == "output":
        plane.objects[plane.records[3].value.digest] += b"!"  # type: ignore[union-attr]  # it is there
    elif which == "recipe":
        plane.objects[package.manifest.recipe.pack or ""] = b"altered"
    elif which == "inline":
        value = plane.records[0].value
        assert value
        changed = value.model_copy(update={"digest": digest_of(b"other")})
        plane.set(0, value=changed)
    else:
        plane.altered_manifest = True
    with pytest.raises(errors.CorruptedObject, match=finished):
        get_result(finished)


def test_an_object_that_is_gone_is_named(finished: str, plane: ControlPlane) -> None:
    value = plane.records[3].value
    assert value
    del plane.objects[value.digest]
    with pytest.raises(errors.NotFound, match=value.digest):
        get_result(finished)


def test_expired_addresses_are_renewed_once(finished: str, plane: ControlPlane) -> None:
    result = get_result(finished, workflow_output=False)
    assert result._record
    result._record.nodes([3])
    plane.expired = {
        f"http://store.test/{key}?signature={n}" for key in plane.objects for n in range(20)
    }
    plane.expired |= {"http://store.test/manifest?signature=4"}
    plane.generation = 19
    assert result.result == EXPECTED
    plane.expired = {
        f"http://store.test/{key}?signature={n}" for key in plane.objects for n in range(99)
    }
    with pytest.raises(errors.Unavailable, match="403"):
        get_result(finished)


def test_the_printed_block(finished: str) -> None:
    text = str(get_result(finished, results_dir="/somewhere"))
    assert text.startswith(
        f"""
Lattice Result
==============
status: COMPLETED
result: {EXPECTED}
input args: [5]
input kwargs: {{'scale': 2}}
error: None

start_time: 2023-11-14 22:13:20
end_time: 2023-11-14 22:13:22

results_dir: /somewhere/{finished}
dispatch_id: {finished}

Node Outputs
------------
add(0): 12
:parameter:5(1): 5
"""
    )
    assert ":electron_list:(2): [12, 7]\n" in text
    assert "total(3): 19\n" in text
    assert ":parameter:x(4): b'xxx" in text


def test_an_output_whose_code_is_missing_prints_as_its_type(
    finished: str, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("gone")
    exec("class Thing: pass", module.__dict__)
    monkeypatch.setitem(sys.modules, "gone", module)
    plane.complete(0, module.Thing(), inline=True)
    monkeypatch.delitem(sys.modules, "gone")
    result = get_result(finished)
    assert _shown(result.get_node_result(0)["output"]) == "<Thing>"
    with pytest.raises(ModuleNotFoundError):
        _ = result.result


def test_pickling_takes_along_what_was_fetched(
    finished: str, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pickle.dumps(get_result(finished))
    plane.log.clear()
    copy = pickle.loads(data)
    assert copy.result == EXPECTED
    assert not plane.log
    assert copy.get_node_result(4)["output"].get_deserialized() == b"x" * 100_000
    assert b"a-token" not in data


def test_a_saved_result_needs_no_server(
    finished: str, plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = get_result(finished, results_dir=tmp_path)
    result.save_result()
    [file] = (tmp_path / finished).iterdir()
    assert file.name == "result.pkl"
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700

    def nobody(_address: Any = None) -> Any:
        raise AssertionError("the server was asked")

    monkeypatch.setattr("covalent._results_manager.record.connect", nobody)
    saved = pickle.loads(file.read_bytes())
    assert str(saved) == str(result)
    assert saved.get_all_node_results() == result.get_all_node_results()


def test_save_result_default_folder_and_removal(finished: str, tmp_path: Path) -> None:
    result = get_result(finished)
    assert result.results_dir == str(tmp_path / "results" / finished)
    result.save_result()
    assert (tmp_path / "results" / finished / "result.pkl").exists()
    _delete_result(finished)
    assert not (tmp_path / "results" / finished).exists()
    assert (tmp_path / "results").exists()
    _delete_result(finished)
    with pytest.raises(MissingLatticeRecordError):
        _delete_result("..")


def test_a_failed_save_leaves_the_former_file(
    finished: str, plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = get_result(finished, results_dir=tmp_path)
    result.save_result()
    former = (tmp_path / finished / "result.pkl").read_bytes()

    def broken(self: Result) -> dict[str, Any]:
        raise OSError("disk full")

    monkeypatch.setattr(Result, "__getstate__", broken)
    with pytest.raises(OSError, match="disk full"):
        result.save_result()
    [file] = (tmp_path / finished).iterdir()
    assert file.read_bytes() == former


def test_the_status_constants() -> None:
    names = ["PENDING_REUSE", "RUNNING", "PENDING_POSTPROCESSING", "POSTPROCESSING", "COMPLETED"]
    names += ["POSTPROCESSING_FAILED", "FAILED", "CANCELLED"]
    assert all(getattr(Result, name) == name for name in names)
    assert Result.NEW_OBJ == "NEW_OBJECT"
    assert not Result.NEW_OBJ
    assert Result.CANCELED is Result.CANCELLED
