"""The graph of a workflow: what depends on what, and what is known of each node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx

from covalent._workflow.capture import IMMUTABLE
from covalent._workflow.operations import Operators
from covalent._workflow.transportable_object import TransportableObject
from covalent_contracts.errors import InvalidWorkflow
from covalent_contracts.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from covalent_contracts.manifest import Edge, Executor, Manifest, Node

__all__ = ["TransportGraph", "TransportableObject"]

WAITING_EDGE = "!waiting_edge"
POSTPROCESS = ":postprocess:reconstruct"

_DEFAULTS: Mapping[str, Any] = {
    "status": Status.NEW_OBJECT,
    "output": None,
    "stdout": None,
    "stderr": None,
    "error": None,
    "start_time": None,
    "end_time": None,
    "sub_dispatch_id": None,
    "sublattice_result": None,
}
_BOUND = ("function", "sublattice", "item", "attribute", "operator")
"""Kinds of the nodes that an electron stands for; parameters and collections only carry values."""


class TransportGraph:
    """A directed multigraph; nodes count from 0 in order of creation."""

    def __init__(self) -> None:
        self._graph: nx.MultiDiGraph[int] = nx.MultiDiGraph()
        self.lattice_metadata: dict[str, Any] | None = None
        self._captured: dict[int, TransportableObject] = {}

    def __len__(self) -> int:
        return len(self._graph)

    def nodes(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Every node with what is known of it, in order of creation."""
        yield from self._graph.nodes(data=True)

    def edges(self) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
        """Every edge with its attributes."""
        yield from self._graph.edges(data=True)

    def add_node(self, name: str, function: Any, metadata: Mapping[str, Any], **attr: Any) -> int:
        """Add a node; `attr` are further things to know of it, as `kind` and `value`.

        Returns:
            The id of the node.

        """
        node = len(self._graph)
        attr.setdefault("kind", "function")
        self._graph.add_node(node, name=name, function=function, metadata=dict(metadata), **attr)
        return node

    def add_edge(self, x: int, y: int, edge_name: Any, **attr: Any) -> None:
        """Make node `y` depend on node `x`."""
        self._graph.add_edge(x, y, edge_name=edge_name, **attr)

    def reset(self) -> None:
        """Remove every node."""
        self._graph = nx.MultiDiGraph()
        self._captured.clear()

    def forget_from(self, node_id: int) -> None:
        """Remove the nodes from `node_id` on: what a failed call has left."""
        self._graph.remove_nodes_from(range(node_id, len(self._graph)))

    def captured_once(self, key: int, data: bytes) -> TransportableObject:
        """The captured value of the object with identity `key`.

        A large array that a thousand electrons take is kept once, as long as it has not changed in between.
        """
        known = self._captured.get(key)
        if known is None or known.serialize() != data:
            known = self._captured[key] = TransportableObject.deserialize(data)
        return known

    def refer(self, value: Any) -> int | None:
        """The node id of a bound electron, None for anything else.

        Raises:
            InvalidWorkflow: the electron belongs to another graph.

        """
        if not issubclass(type(value), Operators) or not value._is_bound:
            return None
        if value._graph is not self:
            raise InvalidWorkflow(
                f"{value!r} belongs to another build of a lattice: pass values from one lattice to another "
                "by returning them"
            )
        return int(value.node_id)

    def get_node_value(self, node_key: int, value_key: str) -> Any:
        """What is known of a node: name, function, metadata, value, status, output, stdout, stderr, error, ...

        Raises:
            KeyError: there is no such node, or nothing of this name is known of it.

        """
        attributes: dict[str, Any] = self._graph.nodes[node_key]
        if value_key not in attributes:
            return _DEFAULTS[value_key]
        value = attributes[value_key]
        if value_key == "value" and type(value) in IMMUTABLE:
            return TransportableObject(value)
        return value

    def set_node_value(self, node_key: int, value_key: str, value: Any) -> None:
        """Note something of a node.

        Raises:
            KeyError: there is no such node.

        """
        self._graph.nodes[node_key][value_key] = value

    def get_edge_data(self, dep_key: int, node_key: int) -> dict[Any, dict[str, Any]]:
        """The edges from one node to another, by their number.

        Raises:
            KeyError: there are none.

        """
        found = self._graph.get_edge_data(dep_key, node_key)
        if found is None:
            raise KeyError(f"no edge leads from {dep_key} to {node_key}")
        return dict(found)

    def get_dependencies(self, node_key: int) -> list[int]:
        """The nodes that a node depends on."""
        return list(self._graph.predecessors(node_key))

    def get_topologically_sorted_graph(self) -> list[list[int]]:
        """Node ids in generations: each depends on earlier ones only.

        Raises:
            networkx.NetworkXUnfeasible: the graph has a cycle.

        """
        return [list(generation) for generation in nx.topological_generations(self._graph)]

    def get_internal_graph_copy(self) -> nx.MultiDiGraph[int]:
        """A copy of the networkx graph."""
        return self._graph.copy()

    def finish(
        self,
        recipe: TransportableObject,
        metadata: Mapping[str, Any],
        returns: Sequence[int] = (),
    ) -> int:
        """Add the last node: it waits for every electron and gives the value that the lattice returns.

        Args:
            recipe: that value, electrons in it replaced by references.
            metadata: of the node.
            returns: the electrons in it.

        Raises:
            InvalidWorkflow: electrons wait for each other in a circle.

        """
        self._refuse_cycle()
        bound = [node for node, known in self.nodes() if known["kind"] in _BOUND]
        last = self.add_node(
            POSTPROCESS, None, metadata, kind="postprocess", value=recipe, returns=returns
        )
        self._graph.add_edges_from((node, last, {"edge_name": WAITING_EDGE}) for node in bound)
        return last

    def _refuse_cycle(self) -> None:
        """Only waiting can close a circle: an electron's own arguments exist before it does."""
        backwards = (x > y for x, y, known in self.edges() if known["edge_name"] == WAITING_EDGE)
        if not any(backwards) or nx.is_directed_acyclic_graph(self._graph):
            return
        circle = [source for source, *_ in nx.find_cycle(self._graph)]
        names = " -> ".join(self._graph.nodes[each]["name"] for each in [*circle, circle[0]])
        raise InvalidWorkflow(f"electrons wait for each other in a circle: {names}")

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> TransportGraph:
        """The graph that a manifest describes: structure, names and metadata; values are fetched elsewhere."""
        graph = cls()
        for node in manifest.nodes:
            metadata = _metadata_of(node, manifest.executors)
            graph.add_node(node.name, None, metadata, kind=node.kind.value, op=node.op)
        for edge in manifest.edges:
            graph.add_edge(edge.source, edge.target, **_edge_attributes(edge))
        for node in manifest.nodes:
            if node.kind.value == "postprocess":
                graph._graph.add_edges_from(
                    (each.id, node.id, {"edge_name": WAITING_EDGE})
                    for each in manifest.nodes
                    if each.kind.value in _BOUND
                )
        return graph


def _metadata_of(node: Node, executors: Mapping[str, Executor]) -> dict[str, Any]:
    if node.executor is None:
        return {"executor": None, "executor_data": {}}
    executor = executors[node.executor]
    data = {"short_name": executor.known_as, "attributes": dict(executor.attributes)}
    return {"executor": executor.known_as, "executor_data": data}


def _edge_attributes(edge: Edge) -> dict[str, Any]:
    if edge.kind == "wait":
        return {"edge_name": WAITING_EDGE}
    index = edge.index if edge.kind == "arg" else None
    return {"edge_name": edge.name, "param_type": edge.kind, "arg_index": index}
