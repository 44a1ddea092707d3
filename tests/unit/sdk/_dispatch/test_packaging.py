"""What a package is made of, and what cannot be packaged."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import covalent as ct
from covalent._dispatch.packaging import Package, package, restore_lattice
from covalent._workflow.transport import TransportGraph
from covalent_contracts import pickling
from covalent_contracts.errors import InvalidWorkflow
from covalent_contracts.manifest import Asset, NodeKind
from covalent_contracts.status import Status

if TYPE_CHECKING:
    from covalent._workflow.lattice import Lattice

Run = Callable[[Package], Any]


def load(made: Package, asset: Asset | None) -> Any:
    assert asset is not None
    return pickling.loads(bytes_of(made, asset))


def bytes_of(made: Package, asset: Asset) -> bytes:
    return made.objects[asset.pack or asset.digest][asset.offset : asset.offset + asset.size]


def packaged(lattice: Lattice, *args: Any, **kwargs: Any) -> Package:
    lattice.build_graph(*args, **kwargs)
    return package(lattice)


@ct.electron
def identity(value: Any) -> Any:
    return value


@ct.electron
def add(a: Any, b: Any) -> Any:
    return a + b


@ct.electron
def pair(a: Any, b: Any) -> Any:
    return a, b


def plain(x: int) -> Any:
    return add(x, 1)


def containers(x: int) -> Any:
    e, f = identity(x), identity(2)
    return identity([e, {"k": (f, {e, f, 5})}]), identity(frozenset({e, f}))


def unpacking(x: int) -> Any:
    (a, b), c = pair(identity(pair(x, 2)), 3)
    first, second = pair(a, b)
    return {"sum": a + b + c, "last": second, "first": first}


def test_equal_workflows_give_equal_objects() -> None:
    lattice = ct.lattice(containers)
    first, second = packaged(lattice, 4), packaged(lattice, 4)
    assert first.objects == second.objects
    assert first.manifest.dispatch_id != second.manifest.dispatch_id
    assert first.manifest.nodes == second.manifest.nodes


def test_small_assets_are_packed_and_large_ones_stand_alone(run: Run) -> None:
    @ct.lattice
    def workflow() -> Any:
        large, small = b"x" * 70_000, [b"y%d" % i + b"z" * 60_000 for i in range(40)]
        return [identity(each) for each in [large, large, *small]]

    made = packaged(workflow)
    assert run(made) == workflow()
    sizes = sorted(len(data) for data in made.objects.values())
    assert len(sizes) == 4  # the large one once, and 40 x 60 KB in packs of 1 MiB
    assert sizes[-1] <= 1024 * 1024
    assert {each.digest: each.size for each in made.manifest.uploads} == {
        digest: len(data) for digest, data in made.objects.items()
    }
    assert all(sha256(data).hexdigest() == digest for digest, data in made.objects.items())


def test_executors_get_names_by_settings() -> None:
    long = ct.executor.LocalExecutor(time_limit=5)
    slow = ct.electron(executor=long)(pair.electron_object.function)
    other = ct.electron(executor="nosuchexec")(lambda: 1)

    @ct.lattice
    def workflow() -> Any:
        return identity(1), slow(1, 2), other(), identity(2)

    manifest = packaged(workflow).manifest
    heavy = [node.executor for node in manifest.nodes if node.kind.is_heavy]
    assert heavy == ["local", "local-2", "nosuchexec", "local"]
    assert manifest.executors["local-2"].name == "local"
    assert manifest.executors["local-2"].attributes["time_limit"] == 5
    assert manifest.executors["nosuchexec"].attributes == {}


def test_an_executor_that_is_none_is_refused() -> None:
    lattice = ct.lattice(plain)
    lattice.metadata["executor"] = object
    lattice.build_graph(1)
    with pytest.raises(InvalidWorkflow, match="must be an executor or the short name"):
        package(lattice)


def test_settings_must_be_json() -> None:
    lattice = ct.lattice(executor=ct.executor.LocalExecutor(cache_dir=object()))(plain)
    lattice.build_graph(1)
    with pytest.raises(InvalidWorkflow, match="executor local of electron add"):
        package(lattice)


def test_an_executor_that_only_sets_other_defaults_is_accepted() -> None:
    class Patient(ct.executor.LocalExecutor):
        _EXECUTOR_PLUGIN_DEFAULTS: ClassVar[dict[str, Any]] = {"retries": 3}

    manifest = packaged(ct.lattice(executor=Patient())(plain), 1).manifest
    assert manifest.executors["local"].attributes["retries"] == 3


def test_waiting_travels_and_postprocess_edges_do_not() -> None:
    @ct.lattice
    def workflow() -> Any:
        a, b = identity(1), identity(2)
        return ct.wait(b, a)

    manifest = packaged(workflow).manifest
    assert [(e.source, e.target) for e in manifest.edges if e.kind == "wait"] == [(0, 2)]
    last = len(manifest.nodes) - 1
    assert manifest.nodes[last].kind is NodeKind.POSTPROCESS
    assert all(edge.target != last for edge in manifest.edges)


def test_the_lattice_itself_travels(run: Run) -> None:
    @ct.lattice(executor="local")
    def workflow(a: int, b: int = 2) -> Any:
        """Adds."""
        return add(a, b)

    made = packaged(workflow, 1)
    assert load(made, made.manifest.lattice.inputs) == {"args": (1,), "kwargs": {}}
    again = restore_lattice(bytes_of(made, made.manifest.lattice.function))
    assert (again.__name__, again.__doc__) == ("workflow", "Adds.")
    assert again.metadata == workflow.metadata
    assert run(packaged(again, 5)) == 7


def test_inputs_are_those_of_the_call_even_if_the_body_changes_them() -> None:
    @ct.lattice
    def workflow(values: list[int]) -> Any:
        values.clear()
        return identity(values)

    made = packaged(workflow, [1, 2])
    inputs = load(made, made.manifest.lattice.inputs)
    assert inputs == {"args": ([1, 2],), "kwargs": {}}


def test_a_graph_is_rebuilt_from_its_manifest() -> None:
    lattice = ct.lattice(unpacking)
    manifest = packaged(lattice, 1).manifest
    built, rebuilt = lattice.transport_graph, TransportGraph.from_manifest(manifest)

    def edges(graph: TransportGraph) -> list[Any]:
        return sorted((x, y, sorted(known.items(), key=str)) for x, y, known in graph.edges())

    assert edges(built) == edges(rebuilt)
    for node in range(len(built)):
        for key in ("name", "kind"):
            assert built.get_node_value(node, key) == rebuilt.get_node_value(node, key)
    assert rebuilt.get_node_value(0, "metadata")["executor"] == "local"
    assert rebuilt.get_node_value(0, "status") == Status.NEW_OBJECT


def test_what_is_not_built_is_refused() -> None:
    with pytest.raises(InvalidWorkflow, match="build_graph"):
        package(ct.lattice(plain))
