"""Which nodes of a redispatch take over the record of one in the dispatch before.

A node is the same as an old one if name, function, hooks and constants are, by their digests, and if it is connected
with the same old nodes in the same way. So whatever follows a difference runs again. Ids do not matter: a workflow
that calls one electron more still reuses the others. Of equal nodes the first is the first, the second the second.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from graphlib import TopologicalSorter
from hashlib import sha256
from typing import TYPE_CHECKING

from covalent_contracts.manifest import NodeKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from covalent_contracts.manifest import Asset, Edge, Manifest, Node

Same = dict[str, str]
"""Digests of what is the same although its bytes differ, each with the one that stands for all."""


@dataclass(frozen=True)
class _Graph:
    """The nodes of a manifest, sources first, and the edges that lead to each."""

    nodes: Sequence[Node]
    order: tuple[int, ...]
    incoming: Mapping[int, Sequence[Edge]]

    @classmethod
    def of(cls, manifest: Manifest) -> _Graph:
        incoming: dict[int, list[Edge]] = defaultdict(list)
        for edge in manifest.edges:
            incoming[edge.target].append(edge)
        sources = {
            node.id: [edge.source for edge in incoming[node.id]]
            for node in manifest.nodes
            if node.kind is not NodeKind.POSTPROCESS
        }
        return cls(manifest.nodes, tuple(TopologicalSorter(sources).static_order()), incoming)

    def signature(self, node: Node, tokens: Mapping[int, str], same: Mapping[str, str]) -> str:
        """What a node is, given what its sources are."""
        parts = (_digest(each, same) for each in (node.function, node.hooks, node.value))
        edges = sorted(
            (edge.kind, edge.name, edge.index, tokens[edge.source])
            for edge in self.incoming[node.id]
        )
        whole = repr((node.kind.value, node.name, node.op, *parts, edges))
        return sha256(whole.encode()).hexdigest()


def reusable(
    old: Manifest, new: Manifest, completed: Collection[int], same: Mapping[str, str] | None = None
) -> dict[int, int]:
    """The nodes of `new` that need not run, each with the node of `old` whose record it takes over.

    Args:
        old: the dispatch before.
        new: the one that is to come.
        completed: nodes of `old` that have a result.
        same: as `same_bytes` finds it.

    """
    known = _known(_Graph.of(old), same or {})
    found: dict[int, int] = {}
    tokens: dict[int, str] = {}
    graph = _Graph.of(new)
    for each in graph.order:
        if any(edge.source not in tokens for edge in graph.incoming[each]):
            continue  # it needs something that runs again
        node = graph.nodes[each]
        signature = graph.signature(node, tokens, same or {})
        if not node.kind.is_recorded:
            tokens[each] = signature
        elif candidates := known[signature]:
            match = candidates.popleft()
            if match in completed:
                found[each] = match
                tokens[each] = _token(match)
    return found


def same_bytes(old: Manifest, again: Manifest) -> Same | None:
    """What differs in bytes only, because it has been pickled a second time.

    Args:
        old: a dispatch as it was made.
        again: the same one, made anew from what is stored of it.

    Returns:
        None if `again` is not the same workflow.

    """
    if [_shape(node) for node in old.nodes] != [_shape(node) for node in again.nodes]:
        return None
    pairs = zip(_parts(old), _parts(again), strict=True)
    return {before: after for before, after in pairs if before != after}


def _known(graph: _Graph, same: Mapping[str, str]) -> defaultdict[str, deque[int]]:
    """The recorded nodes of the old graph by their signatures, in order of creation."""
    tokens: dict[int, str] = {}
    signatures: dict[int, str] = {}
    for each in graph.order:
        signature = graph.signature(graph.nodes[each], tokens, same)
        is_recorded = graph.nodes[each].kind.is_recorded
        tokens[each] = _token(each) if is_recorded else signature
        if is_recorded:
            signatures[each] = signature
    known: defaultdict[str, deque[int]] = defaultdict(deque)
    for each in sorted(signatures):
        known[signatures[each]].append(each)
    return known


def _token(old: int) -> str:
    return f"node {old}"


def _digest(asset: Asset | None, same: Mapping[str, str]) -> str:
    return "" if asset is None else same.get(asset.digest, asset.digest)


def _shape(node: Node) -> tuple[str, str, str]:
    return node.name, node.kind.value, node.op


def _parts(manifest: Manifest) -> Iterator[str]:
    for node in manifest.nodes:
        for asset in (node.function, node.hooks, node.value):
            yield _digest(asset, {})
