"""Find the run in which each light node is evaluated.

Parameters and collections are resolved by whoever needs them. An item, attribute or operator node is evaluated

after   the electron that all its values come from,
before  else each heavy consumer, from the recorded values of its sources,
itself  else, and if its values come from no electron at all: it is promoted to a state of its own.

A reused node has its record from the dispatch before: it is read like that of another run, and nothing is evaluated
for it or behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from covalent_contracts.manifest import Edge, Node, NodeKind

_RECORDED = frozenset({NodeKind.ITEM, NodeKind.ATTRIBUTE, NodeKind.OPERATOR})


@dataclass(frozen=True)
class Needs:
    """What a heavy node needs: light nodes to evaluate before it, recorded values to read, nodes to wait for."""

    before: tuple[int, ...]
    inputs: tuple[int, ...]
    waits: tuple[int, ...]


@dataclass(frozen=True)
class Hosting:
    """needs of every heavy and promoted node; after: what rides behind a node; home: behind whom a node rides.

    reused: nodes that have their record before anything runs.
    """

    needs: Mapping[int, Needs]
    after: Mapping[int, tuple[int, ...]]
    home: Mapping[int, int]
    reused: frozenset[int]

    def parents(self, node: int) -> tuple[int, ...]:
        """The heavy nodes whose commits hold what `node` needs."""
        needs = self.needs[node]
        homes = {self.home.get(each, each) for each in needs.inputs + needs.waits}
        return tuple(sorted(homes - self.reused))


class _Light:
    """Where each node of one graph is evaluated, found on a walk along its topological order."""

    def __init__(
        self, nodes: Sequence[Node], incoming: Mapping[int, Sequence[Edge]], order: Sequence[int]
    ) -> None:
        self.nodes = nodes
        self.incoming = incoming
        self.rank = {node: i for i, node in enumerate(order)}
        self.reused = frozenset(node.id for node in nodes if node.reused is not None)
        self.states = {node.id for node in nodes if node.kind.is_heavy} - self.reused
        self.home: dict[int, int] = {}
        self._settle(order)

    def _settle(self, order: Sequence[int]) -> None:
        consumed = self._consumed(order)
        origins: dict[int, frozenset[int]] = {}
        for node in order:
            found = frozenset[int]().union(*(origins[e.source] for e in self.incoming[node]))
            if self.nodes[node].kind in _RECORDED and node not in self.reused:
                if len(found) == 1 and found <= self.states:
                    (self.home[node],) = found
                elif not found or node not in consumed:
                    self.states.add(node)
            is_origin = node in self.states or node in self.reused
            origins[node] = frozenset({node}) if is_origin else found

    def _consumed(self, order: Sequence[int]) -> set[int]:
        """Nodes from which a heavy node is reached through light nodes only."""
        consumed: set[int] = set()
        for node in reversed(order):
            if node in self.reused:
                continue
            if self.nodes[node].kind.is_heavy or node in consumed:
                consumed.update(edge.source for edge in self.incoming[node])
        return consumed

    def has_record(self, node: int) -> bool:
        """Whether the commit of another run holds the value."""
        return node in self.states or node in self.home or node in self.reused

    def needs(self, node: int) -> Needs:
        """Walk back from a heavy node as far as recorded values."""
        before: set[int] = set()
        inputs: set[int] = set()
        waits: set[int] = set()
        seen: set[tuple[int, bool]] = set()
        stack = [(edge.source, edge.kind != "wait") for edge in self.incoming[node]]
        while stack:
            source, is_read = stack.pop()
            if (source, is_read) in seen:
                continue
            seen.add((source, is_read))
            if self.has_record(source):
                if is_read or source not in self.reused:
                    (inputs if is_read else waits).add(source)
                continue
            is_read = is_read or self.nodes[source].kind in _RECORDED
            if is_read:
                before.add(source)
            stack += [(e.source, is_read and e.kind != "wait") for e in self.incoming[source]]
        return Needs(self._ordered(before), tuple(sorted(inputs)), tuple(sorted(waits - inputs)))

    def behind(self, guests: Sequence[int]) -> tuple[int, ...]:
        """The guests of one node and the unrecorded nodes that their values are made of."""
        found: set[int] = set()
        stack = list(guests)
        while stack:
            node = stack.pop()
            if node not in found:
                found.add(node)
                sources = (edge.source for edge in self.incoming[node] if edge.kind != "wait")
                stack += [source for source in sources if not self.has_record(source)]
        return self._ordered(found)

    def _ordered(self, nodes: set[int]) -> tuple[int, ...]:
        return tuple(sorted(nodes, key=self.rank.__getitem__))


def host(
    nodes: Sequence[Node], incoming: Mapping[int, Sequence[Edge]], order: Sequence[int]
) -> Hosting:
    """Host every light node.

    Args:
        nodes: all nodes of the transport graph, by id.
        incoming: the edges to each node, arguments in order.
        order: the ids, sources first.

    """
    light = _Light(nodes, incoming, order)
    guests: dict[int, list[int]] = {}
    for node, home in light.home.items():
        guests.setdefault(home, []).append(node)
    return Hosting(
        needs={node: light.needs(node) for node in order if node in light.states},
        after={home: light.behind(found) for home, found in guests.items()},
        home=light.home,
        reused=light.reused,
    )
