"""A graph as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from covalent._workflow.transport import TransportGraph


def lines(graph: TransportGraph) -> Iterator[str]:
    """The graph as a tree of names and ids; a node with several parents is drawn once and referred to elsewhere."""
    shown = nx.DiGraph(graph.get_internal_graph_copy())
    for node, name in shown.nodes(data="name"):
        shown.nodes[node]["label"] = f"{name} ({node})"
    yield from nx.generate_network_text(shown)
