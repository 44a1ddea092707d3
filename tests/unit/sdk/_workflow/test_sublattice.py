"""Electrons of lattices: the node in the graph, what travels, and what it builds where it runs."""

import sys
from collections.abc import Iterator
from threading import Lock
from types import ModuleType
from typing import Any

import cloudpickle
import pytest

import covalent as ct
from covalent._dispatch.packaging import package, restore_lattice
from covalent._dispatch.pickles import hooks_on_the_wire
from covalent._shared_files.exceptions import InvalidArguments
from covalent._workflow.lattice import Lattice
from covalent._workflow.sublattice import Sublattice
from covalent._workflow.transport import TransportGraph
from covalent_contracts import context, pickling
from covalent_contracts.built import Built
from covalent_contracts.errors import InvalidWorkflow, UnpicklableValue
from covalent_contracts.ids import digest_of, sub_dispatch_id
from covalent_contracts.manifest import Manifest, NodeKind

PARENT = "6f5902ac-2372-4d3c-a3ad-9d2f0c0e5a11"


@pytest.fixture(autouse=True)
def by_value() -> Iterator[None]:
    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    yield
    cloudpickle.unregister_pickle_by_value(module)


@ct.electron
def add(a: Any, b: Any) -> Any:
    return a + b


@ct.electron
@ct.lattice
def total(values: list[Any], start: Any = 0) -> Any:
    for value in values:
        start = add(start, value)
    return start


def graph_of(function: Any, *args: Any, **metadata: Any) -> TransportGraph:
    lattice: Lattice = ct.lattice(**metadata)(function)
    lattice.build_graph(*args)
    return lattice.transport_graph


def sent(graph: TransportGraph, node: int = 0) -> Sublattice:
    """What the runner of a node gets."""
    found = pickling.loads(pickling.dumps(graph.get_node_value(node, "function")))
    assert isinstance(found, Sublattice)
    return found


def built(function: Sublattice, *args: Any, node: int = 0) -> Built:
    with context.entered(context.Context(PARENT, node)):
        return function(*args)


def manifest_of(found: Built) -> Manifest:
    return Manifest.model_validate_json(found.manifest)


def executors(found: Built) -> set[str]:
    manifest = manifest_of(found)
    heavy = (node for node in manifest.nodes if node.kind.is_heavy)
    return {manifest.executors[node.executor or ""].name for node in heavy}


class TestTheNode:
    def test_it_is_one_node_and_its_arguments(self) -> None:
        graph = graph_of(lambda: add(total([1, 2], start=3), 4))
        names = [known["name"] for _, known in graph.nodes()]
        assert names[:3] == [":sublattice:total", names[1], ":parameter:3"]
        assert names[1].startswith(":parameter:")
        assert names[3:] == ["add", ":parameter:4", ":postprocess:reconstruct"]
        assert graph.get_node_value(0, "kind") == "sublattice"

    def test_stacked_or_wrapped_is_the_same(self) -> None:
        lattice = ct.lattice(lambda x: add(x, 1))
        for wrapped in (ct.electron(lattice), ct.electron()(lattice)):
            graph = graph_of(lambda wrapped=wrapped: wrapped(1))
            assert graph.get_node_value(0, "kind") == "sublattice"

    def test_arguments_are_checked_when_it_is_called(self) -> None:
        with pytest.raises(InvalidArguments, match="Missing arguments: values"):
            graph_of(total)
        with pytest.raises(InvalidArguments, match="Unexpected keyword arguments: x"):
            graph_of(lambda: total([1], x=2))

    def test_outside_of_a_lattice_it_is_the_plain_function(self) -> None:
        assert total([1, 2], start=3) == 6

    def test_a_plain_lattice_is_inlined(self) -> None:
        graph = graph_of(lambda: ct.lattice(lambda x: add(x, 1))(5))
        assert graph.get_node_value(0, "name") == "add"
        assert all(known["kind"] != "sublattice" for _, known in graph.nodes())

    def test_its_value_can_be_unpacked_waited_for_and_indexed(self) -> None:
        def body() -> Any:
            one, two = total([1])
            ct.wait(add(one, two), total([2]))
            return total([3])["k"]

        graph = graph_of(body)
        kinds = [known["kind"] for _, known in graph.nodes()]
        assert kinds.count("item") == 3

    def test_a_dispatch_takes_the_lattice_itself(self) -> None:
        misused: Any = total
        with pytest.raises(TypeError, match="only a lattice can be dispatched"):
            ct.dispatch(misused)

    def test_many_calls_travel_once(self) -> None:
        lattice = ct.lattice(lambda: [total([i]) for i in range(5)])
        lattice.build_graph()
        made = package(lattice).manifest
        assert {node.kind for node in made.nodes if node.function} == {NodeKind.SUBLATTICE}
        assert len({node.function.digest for node in made.nodes if node.function}) == 1


class TestBuilding:
    def test_the_graph_is_made_of_the_real_values(self) -> None:
        manifest = manifest_of(built(sent(graph_of(lambda: total(add([], []))), 3), [1, 2, 3]))
        assert [node.name for node in manifest.nodes if node.kind.is_heavy] == ["add"] * 3
        assert manifest.dispatch_id == sub_dispatch_id(PARENT, 0)
        assert manifest.lattice.name == "total"

    def test_the_objects_are_what_the_manifest_names(self) -> None:
        found = built(sent(graph_of(lambda: total([1]))), [1, "x" * 100_000])
        uploads = {upload.digest: upload.size for upload in manifest_of(found).uploads}
        assert uploads == {digest: len(data) for digest, data in found.objects.items()}
        assert all(digest_of(data) == digest for digest, data in found.objects.items())

    def test_edges_tell_what_it_returns(self) -> None:
        def both(x: Any) -> Any:
            return [add(x, 1), add(x, 2), 3]

        inner = ct.electron(ct.lattice(both))
        manifest = manifest_of(built(sent(graph_of(lambda: inner(1))), 1))
        last = manifest.nodes[-1].id
        assert [edge.source for edge in manifest.edges if edge.target == last] == [0, 3]

    def test_equal_values_give_equal_graphs(self) -> None:
        function = sent(graph_of(lambda: total([1])))
        assert built(function, [1, 2]) == built(sent(graph_of(lambda: total([1]))), [1, 2])

    def test_the_lattice_is_told_in_the_manifest(self) -> None:
        found = built(sent(graph_of(lambda: total([1]))), [4])
        asset = manifest_of(found).lattice.function
        home = found.objects[asset.pack or asset.digest]
        lattice = restore_lattice(home[asset.offset : asset.offset + asset.size])
        assert lattice([4], 1) == 5

    def test_it_may_hold_itself(self) -> None:
        manifest = manifest_of(built(sent(graph_of(lambda: countdown(2))), 2))
        assert [node.name for node in manifest.nodes if node.kind.is_heavy] == [
            ":sublattice:countdown",
            "add",
        ]

    def test_errors_of_its_body_are_its_own(self) -> None:
        with pytest.raises(TypeError, match="not iterable"):
            built(sent(graph_of(lambda: total([1]))), 5)
        with pytest.raises(UnpicklableValue, match="electron add"):
            built(sent(graph_of(lambda: total([1]))), [Lock()])

    def test_it_builds_in_a_dispatch_only(self) -> None:
        with pytest.raises(InvalidWorkflow, match="only be built in a dispatch"):
            sent(graph_of(lambda: total([1])))([1])

    def test_modules_that_have_a_file_there_go_by_name(
        self, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What an electron's packages or a Lambda function bring lies in no folder of Python's own."""
        (tmp_path / "beside_the_function.py").write_text("def triple(x):\n    return 3 * x\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        import beside_the_function as module  # type: ignore[import-not-found]  # made just now

        function = Sublattice(ct.lattice(lambda: ct.electron(module.triple)(2)))
        by_name = built(function)
        monkeypatch.delitem(sys.modules, "beside_the_function")
        asset = manifest_of(by_name).nodes[0].function
        assert asset is not None
        data = by_name.objects[asset.pack or asset.digest]
        assert b"beside_the_function" in data[asset.offset : asset.offset + asset.size]
        assert b"return 3" not in data

    def test_what_came_by_value_goes_on_by_value(self, monkeypatch: pytest.MonkeyPatch) -> None:
        module = ModuleType("users_own")
        exec("def triple(x):\n    return 3 * x\n", vars(module))  # as cloudpickle makes it
        function = Sublattice(ct.lattice(lambda: ct.electron(module.triple)(2)))
        found = built(function)
        asset = manifest_of(found).nodes[0].function
        assert asset is not None
        data = found.objects[asset.pack or asset.digest]
        assert pickling.loads(data[asset.offset : asset.offset + asset.size])(5) == 15


@ct.electron
@ct.lattice
def countdown(x: int) -> Any:
    return add(x, countdown(x - 1)) if x else 0


class TestMetadata:
    def child(self, inner: Any, **around: Any) -> Built:
        return built(sent(graph_of(lambda: inner([1]), **around)), [1])

    def test_what_it_leaves_open_is_that_of_the_lattice_around(self) -> None:
        assert executors(self.child(total, executor="awslambda")) == {"awslambda"}
        assert executors(self.child(total)) == {"local"}

    def test_its_own_wins(self) -> None:
        inner = ct.electron(ct.lattice(executor="local")(lambda x: add(x, 1)))
        assert executors(self.child(inner, executor="awslambda")) == {"local"}

    def test_then_that_of_the_electron(self) -> None:
        inner = ct.electron(executor="local")(ct.lattice(lambda x: add(x, 1)))
        graph = graph_of(lambda: inner([1]), executor="awslambda")
        assert graph.get_node_value(0, "metadata")["executor"] == "local"
        assert executors(built(sent(graph), [1])) == {"local"}

    def test_it_is_built_where_the_workflows_own_work_is_done(self) -> None:
        graph = graph_of(lambda: total([1]), executor="awslambda", workflow_executor="local")
        assert graph.get_node_value(0, "metadata")["executor"] == "local"
        assert executors(built(sent(graph), [1])) == {"awslambda"}
        graph = graph_of(lambda: total([1]), executor="awslambda")
        assert graph.get_node_value(0, "metadata")["executor"] == "awslambda"

    def test_hooks_of_the_lattice_around_go_in_those_of_the_electron_do_not(self) -> None:
        inner = ct.electron(deps_bash="around")(ct.lattice(lambda x: add(x, 1)))
        graph = graph_of(lambda: inner([1]), deps_bash="inside")
        assert graph.get_node_value(0, "metadata")["hooks"]["deps"]["bash"].commands == ["around"]
        inherited = sent(graph).lattice.metadata["hooks"]
        assert inherited["deps"]["bash"].commands == ["inside"]

    def test_what_the_lattice_around_installs_is_there_for_the_building(self) -> None:
        calls = [ct.DepsCall(print, retval_keyword="x"), ct.DepsPip("numpy")]
        graph = graph_of(
            lambda: total([1]), deps_pip="scipy", call_before=calls, call_after=calls[0]
        )
        hooks = hooks_on_the_wire(graph.get_node_value(0, "metadata")["hooks"])
        assert (hooks.pip, hooks.before, hooks.after) == (("scipy", "numpy"), (), ())
        graph = graph_of(lambda: total([1]), call_before=calls[0])
        assert graph.get_node_value(0, "metadata")["hooks"] is None

    def test_triggers_are_not_inherited(self) -> None:
        lattice = Lattice(lambda: total([1]))
        lattice.metadata["triggers"] = [object()]
        lattice.build_graph()
        assert sent(lattice.transport_graph).lattice.metadata["triggers"] is None

    def test_settings_are_those_of_the_users_configuration(
        self, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path))
        ct.set_config("executors.awslambda.timeout", 77)
        function = sent(graph_of(lambda: total([1]), executor="awslambda"))
        monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path / "elsewhere"))
        [executor] = manifest_of(built(function, [1])).executors.values()
        assert executor.attributes["timeout"] == 77

    def test_no_lattice_is_changed(self) -> None:
        inner = total.electron_object.function
        before = dict(inner.metadata)
        graph_of(lambda: total([1]), executor="awslambda", deps_bash="x")
        assert inner.metadata == before
