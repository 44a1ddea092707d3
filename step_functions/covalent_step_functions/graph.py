"""Read a manifest: which nodes become states, which heavy nodes each of them waits for, who hosts the light ones.

No executor and no state is known here. Wait edges order their target after their source, whatever either is: they
count like data for hosting, but their values are not read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush

from covalent_contracts.errors import InvalidWorkflow
from covalent_contracts.manifest import Edge, Manifest, Node, NodeKind
from covalent_step_functions.hosting import Hosting, Needs, host


@dataclass(frozen=True)
class Graph:
    """The heavy graph: function and sublattice nodes, and light nodes that nobody can host.

    order lists the heavy nodes, parents first. parents and children hold direct neighbours in the heavy graph;
    a parent may be reached through light nodes. needs and after are what `Sheet` holds of the light nodes.
    """

    nodes: Sequence[Node]
    incoming: Mapping[int, Sequence[Edge]]
    order: tuple[int, ...]
    parents: Mapping[int, tuple[int, ...]]
    children: Mapping[int, tuple[int, ...]]
    needs: Mapping[int, Needs]
    after: Mapping[int, tuple[int, ...]]


def graph_of(manifest: Manifest) -> Graph:
    """The heavy graph of a manifest.

    Raises:
        InvalidWorkflow: nodes depend on each other in a circle.

    """
    incoming = _incoming(manifest)
    order = _topological(manifest.nodes, incoming)
    hosting = host(manifest.nodes, incoming, order)
    return _heavy(manifest.nodes, incoming, order, hosting)


def _incoming(manifest: Manifest) -> dict[int, list[Edge]]:
    """Edges by target, arguments in order; what leads to a postprocess node orders nothing."""
    incoming: dict[int, list[Edge]] = {node.id: [] for node in manifest.nodes}
    for edge in sorted(manifest.edges, key=lambda e: (e.kind, e.index, e.name, e.source)):
        if manifest.nodes[edge.target].kind is not NodeKind.POSTPROCESS:
            incoming[edge.target].append(edge)
    return incoming


def _topological(nodes: Sequence[Node], incoming: Mapping[int, Iterable[Edge]]) -> tuple[int, ...]:
    """Every node after its sources; of those that are ready, the one created first."""
    sources = {target: {edge.source for edge in edges} for target, edges in incoming.items()}
    missing = {target: len(found) for target, found in sources.items()}
    targets: dict[int, list[int]] = {node.id: [] for node in nodes}
    for target, found in sources.items():
        for source in found:
            targets[source].append(target)
    ready = [node for node, count in missing.items() if not count]
    heapify(ready)
    order: list[int] = []
    while ready:
        node = heappop(ready)
        order.append(node)
        for target in targets[node]:
            missing[target] -= 1
            if not missing[target]:
                heappush(ready, target)
    if len(order) < len(nodes):
        raise InvalidWorkflow(f"nodes depend on each other in a circle: {_circle(nodes, sources)}")
    return tuple(order)


def _circle(nodes: Sequence[Node], sources: Mapping[int, set[int]]) -> str:
    try:
        TopologicalSorter({node: sorted(found) for node, found in sources.items()}).prepare()
    except CycleError as exc:
        return " -> ".join(f"{nodes[node].name} ({node})" for node in exc.args[1])
    raise AssertionError("a graph without a topological order has a cycle")


def _heavy(
    nodes: Sequence[Node],
    incoming: Mapping[int, Sequence[Edge]],
    order: Sequence[int],
    hosting: Hosting,
) -> Graph:
    heavy = tuple(node for node in order if node in hosting.needs)
    parents = {node: hosting.parents(node) for node in heavy}
    children: dict[int, list[int]] = {node: [] for node in heavy}
    for node in sorted(heavy):
        for parent in parents[node]:
            children[parent].append(node)
    return Graph(
        nodes=nodes,
        incoming=incoming,
        order=_heavy_first(heavy, parents, children),
        parents=parents,
        children={node: tuple(found) for node, found in children.items()},
        needs=hosting.needs,
        after=hosting.after,
    )


def _heavy_first(
    heavy: Sequence[int],
    parents: Mapping[int, Sequence[int]],
    children: Mapping[int, Sequence[int]],
) -> tuple[int, ...]:
    """A topological order that depends on the heavy graph only, not on the light nodes between."""
    missing = {node: len(parents[node]) for node in heavy}
    ready = sorted(node for node in heavy if not missing[node])
    order: list[int] = []
    while ready:
        node = heappop(ready)
        order.append(node)
        for child in children[node]:
            missing[child] -= 1
            if not missing[child]:
                heappush(ready, child)
    return tuple(order)
