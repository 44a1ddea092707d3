"""The edges of a picture. To the last node, which waits for every electron, only those that say something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from covalent_contracts import pickling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from covalent._workflow.transport import TransportGraph

RETURNED = "returned"
WAITING = "!waiting_edge"


def links(graph: TransportGraph) -> dict[tuple[int, int], list[str]]:
    """The names of the edges from one node to another.

    What the lattice returns leads to the last node, and what nothing else needs waits for it.
    """
    nodes = dict(graph.nodes())
    found: dict[tuple[int, int], list[str]] = {}
    last = {node for node, known in nodes.items() if known["kind"] == "postprocess"}
    for source, target, known in graph.edges():
        if target not in last:
            found.setdefault((source, target), []).append(str(known["edge_name"]))
    needed = {source for source, _ in found}
    for node in last:
        returned = _returned(nodes[node])
        for source in graph.get_dependencies(node):
            if source in returned:
                found[source, node] = [RETURNED]
            elif source not in needed:
                found[source, node] = [WAITING]
    return found


def _returned(known: Mapping[str, Any]) -> set[int]:
    """The nodes in the value that the lattice returns, as far as it can be looked at without their values."""
    found: set[int] = set()
    if known.get("value") is not None:
        try:
            pickling.loads(known["value"].serialize(), found.add)
        except Exception:  # noqa: BLE001  # a class of the user's own that wants more than None
            return found
    return found
