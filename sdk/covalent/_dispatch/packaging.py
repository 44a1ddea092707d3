"""A built lattice as it is dispatched: a manifest, and the objects that it names.

graph --rows--> what is to be said of each node, its parts pickled --seal--> objects --manifest--> Package

Nothing leaves this machine here, and nothing that cannot be pickled gets any further.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from covalent._dispatch.assets import Assets, Sealed
from covalent._dispatch.executors import Executors
from covalent._dispatch.pickles import Pickles, pickled
from covalent._version import __version__
from covalent._workflow.lattice import Lattice
from covalent._workflow.transport import WAITING_EDGE
from covalent_contracts import pickling
from covalent_contracts.errors import InvalidWorkflow
from covalent_contracts.ids import new_dispatch_id
from covalent_contracts.manifest import Edge, LatticeInfo, Manifest, Node, NodeKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from covalent._workflow.transport import TransportGraph


@dataclass(frozen=True)
class Package:
    """All that a dispatch consists of; `objects` are keyed by the SHA-256 of their bytes."""

    manifest: Manifest
    objects: Mapping[str, bytes]


@dataclass(frozen=True)
class _Row:
    """A node whose assets are known by digest only."""

    fields: Mapping[str, Any]
    assets: Mapping[str, str | None] = field(default_factory=dict)

    def node(self, sealed: Sealed) -> Node:
        """The node as the manifest has it."""
        assets = {name: sealed.assets[digest] for name, digest in self.assets.items() if digest}
        return Node(**{**self.fields, **assets})


def package(
    lattice: Lattice,
    *,
    dispatch_id: str | None = None,
    is_sublattice: bool = False,
    cluster: str = "",
) -> Package:
    """Package a lattice whose graph is built.

    Args:
        lattice: the workflow; it is not changed.
        dispatch_id: the dispatch's id; a new one if not given.
        is_sublattice: whether what it returns will be put together where electrons run: then edges tell what it needs.
        cluster: the Dask cluster for Dask executors that name none; "" for none.

    Raises:
        InvalidWorkflow: the graph has not been built, or something in it cannot run.
        UnpicklableValue: something in it cannot be pickled; the message says what.

    """
    graph = lattice.transport_graph
    _refuse_unready(lattice)
    assets, executors = Assets(), Executors(cluster)
    pickles = Pickles(assets)
    rows = [_row(node, each, pickles, executors) for node, each in graph.nodes()]
    function = assets.add(_pickled_lattice(lattice))
    inputs = assets.add(lattice.pickled_inputs())
    recipe = pickles.value(graph.get_node_value(len(graph) - 1, "value"))
    sealed = assets.seal()
    own_id = dispatch_id or new_dispatch_id()
    manifest = Manifest(
        dispatch_id=own_id,
        root_dispatch_id=own_id,
        python=platform.python_version(),
        covalent=__version__,
        lattice=LatticeInfo(
            name=lattice.__name__,
            doc=lattice.__doc__ or "",
            function=sealed.assets[function],
            inputs=sealed.assets[inputs],
        ),
        executors=executors.named,
        nodes=[row.node(sealed) for row in rows],
        edges=[*_edges(graph), *(_returns(graph) if is_sublattice else ())],
        uploads=sealed.uploads,
        recipe=sealed.assets[recipe],
    )
    return Package(manifest, sealed.objects)


def restore_lattice(data: bytes) -> Lattice:
    """The lattice in a manifest's `lattice.function` asset, not built. It unpickles: on the user's machine only."""
    fields = pickling.loads(data)
    lattice = Lattice(fields["workflow_function"])
    lattice.metadata.update(fields["metadata"])
    lattice.__name__ = fields["name"]
    lattice.__doc__ = fields["doc"]
    return lattice


def _refuse_unready(lattice: Lattice) -> None:
    if not len(lattice.transport_graph):
        raise InvalidWorkflow(
            f"lattice {lattice.__name__} has no graph: call build_graph(...) first"
        )


def _pickled_lattice(lattice: Lattice) -> bytes:
    fields = {
        "workflow_function": lattice.workflow_function,
        "metadata": {**lattice.metadata, "triggers": None},  # they belong to one dispatch
        "name": lattice.__name__,
        "doc": lattice.__doc__,
    }
    return pickled(fields, f"lattice {lattice.__name__}")


def _row(node: int, known: Mapping[str, Any], pickles: Pickles, executors: Executors) -> _Row:
    kind = NodeKind(known["kind"])
    fields: dict[str, Any] = {"id": node, "name": known["name"], "kind": kind}
    match kind:
        case NodeKind.PARAMETER | NodeKind.COLLECTION | NodeKind.POSTPROCESS:
            return _Row(fields, {"value": pickles.value(known["value"])})
        case NodeKind.ITEM | NodeKind.ATTRIBUTE | NodeKind.OPERATOR:
            fields.update(op=known["op"], executor=executors.name(known["metadata"]["executor"]))
            return _Row(fields)
        case _:
            what = f"electron {known['name']} ({node})"
            executor, hooks = known["metadata"]["executor"], known["metadata"]["hooks"]
            fields["executor"] = executors.name(executor, what)
            parts = {
                "function": pickles.function(known["function"], hooks, what),
                "hooks": pickles.hooks(hooks, what),
            }
            if kind is NodeKind.FUNCTION:  # the graph of a sublattice is built by the runner itself
                parts["own_executor"] = executors.pickled(executor, hooks, pickles, what)
            fields["needs_sdk"] = pickles.need_sdk(*parts.values()) or bool(
                parts.get("own_executor")
            )
            return _Row(fields, parts)


def _edges(graph: TransportGraph) -> Iterator[Edge]:
    """The edges, without those to the postprocess node: it waits for everything anyhow."""
    last = len(graph) - 1
    for source, target, known in graph.edges():
        if target == last:
            continue
        if known["edge_name"] == WAITING_EDGE:
            yield Edge(source=source, target=target, kind="wait")
        else:
            yield Edge(
                source=source,
                target=target,
                kind=known["param_type"],
                name=known["edge_name"],
                index=known["arg_index"] or 0,
            )


def _returns(graph: TransportGraph) -> Iterator[Edge]:
    """Edges from the electrons in the value that the lattice returns."""
    last = len(graph) - 1
    for index, source in enumerate(graph.get_node_value(last, "returns")):
        yield Edge(source=source, target=last, kind="arg", index=index)
