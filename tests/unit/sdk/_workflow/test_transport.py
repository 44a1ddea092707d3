"""The transport graph as users look at it."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent._workflow.transport import TransportGraph
from covalent_contracts.status import Status


def made(edges: list[tuple[int, int]], size: int) -> TransportGraph:
    graph = TransportGraph()
    for node in range(size):
        graph.add_node(f"n{node}", None, {"executor": "local"})
    for x, y in edges:
        graph.add_edge(x, y, edge_name="a")
    return graph


def test_nodes_know_defaults_and_what_was_noted() -> None:
    graph = made([], 1)
    assert graph.get_node_value(0, "status") == Status.NEW_OBJECT
    for key in ("output", "stdout", "stderr", "error", "sub_dispatch_id"):
        assert graph.get_node_value(0, key) is None
    graph.set_node_value(0, "status", Status.COMPLETED)
    assert graph.get_node_value(0, "status") == "COMPLETED"
    assert graph.get_node_value(0, "metadata") == {"executor": "local"}
    for node, key in ((0, "taste"), (1, "name")):
        with pytest.raises(KeyError):
            graph.get_node_value(node, key)
    with pytest.raises(KeyError):
        graph.set_node_value(1, "name", "x")


def test_edges() -> None:
    graph = made([(0, 1), (0, 1)], 2)
    assert graph.get_edge_data(0, 1) == {0: {"edge_name": "a"}, 1: {"edge_name": "a"}}
    with pytest.raises(KeyError):
        graph.get_edge_data(1, 0)
    assert graph.get_dependencies(1) == [0]


def test_copy_and_reset() -> None:
    graph = made([(0, 1)], 2)
    copy = graph.get_internal_graph_copy()
    assert isinstance(graph._graph, nx.MultiDiGraph)
    graph.reset()
    assert (len(graph), len(copy)) == (0, 2)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda e: e[0] < e[1])))
def test_generations_respect_every_edge(edges: list[tuple[int, int]]) -> None:
    generations = made(edges, 10).get_topologically_sorted_graph()
    level = {node: depth for depth, nodes in enumerate(generations) for node in nodes}
    assert len(level) == 10
    assert all(level[x] < level[y] for x, y in edges)
