"""The values of nodes, here on the user's machine.

parameter    its asset
collection   its asset, each reference in it replaced by the value of that node
recorded     the output that was committed
postprocess  the recipe: what the lattice returns, resolved like a collection
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from covalent._results_manager.record import Part, Record
from covalent._results_manager.references import references
from covalent._workflow.transportable_object import TransportableObject
from covalent_contracts import pickling
from covalent_contracts.errors import Conflict
from covalent_contracts.manifest import Asset, NodeKind

_OF_ASSETS = (NodeKind.PARAMETER, NodeKind.COLLECTION)


class Values:
    """Resolves the values of one dispatch. Holds none of them: the bytes are kept by the record."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def load(self, ids: Sequence[int]) -> None:
        """Fetch at once what the values of these nodes are made of."""
        if any(self._record.manifest.nodes[each].kind is NodeKind.POSTPROCESS for each in ids):
            self.load_result()
        nodes = self._record.manifest.nodes
        needed = self._made_of(ids)
        of_assets = [nodes[each] for each in needed if nodes[each].kind in _OF_ASSETS]
        recorded = [each for each in needed if _is_recorded(nodes[each].kind)]
        self._record.assets.load(node.value for node in of_assets if node.value)
        self._record.load(Part(each, "output") for each in recorded)

    def load_result(self) -> None:
        """Fetch what the lattice's return value is made of."""
        self.load(references(self._record.assets.read(self._record.manifest.recipe)))

    def result(self) -> Any:
        """What the lattice returns.

        Raises:
            Conflict: an output that it is made of is not there.
            CorruptedObject: stored bytes are not what was recorded.

        """
        self.load_result()
        return self._resolve(self._record.manifest.recipe, {})

    def output(self, node_id: int) -> TransportableObject | None:
        """The value of a node as it travels; None if there is none."""
        node = self._record.manifest.nodes[node_id]
        if node.kind is NodeKind.PARAMETER and node.value:
            return TransportableObject.deserialize(self._record.assets.read(node.value))
        if _is_recorded(node.kind):
            data = self._record.read(Part(node_id, "output"))
            return None if data is None else TransportableObject.deserialize(data)
        self.load([node_id])
        asset = self._record.manifest.recipe if node.kind is NodeKind.POSTPROCESS else node.value
        return None if asset is None else TransportableObject(self._resolve(asset, {}))

    def _resolve(self, asset: Asset, known: dict[int, Any]) -> Any:
        """Unpickle an asset; a node that it refers to twice is one object."""

        def value_of(node_id: int) -> Any:
            if node_id not in known:
                known[node_id] = self._value(node_id, value_of_asset)
            return known[node_id]

        def value_of_asset(inner: Asset) -> Any:
            return pickling.loads(self._record.assets.read(inner), value_of)

        return value_of_asset(asset)

    def _value(self, node_id: int, value_of_asset: Callable[[Asset], Any]) -> Any:
        node = self._record.manifest.nodes[node_id]
        if node.kind in _OF_ASSETS and node.value:
            return value_of_asset(node.value)
        output = self._record.read(Part(node_id, "output"))
        if output is None:
            [record] = self._record.nodes([node_id])
            raise Conflict(
                f"node {node_id} ({node.name}) of dispatch {self._record.summary.dispatch_id} has no output: "
                f"it is {record.status}"
            )
        return pickling.loads(output)

    def _made_of(self, ids: Sequence[int]) -> list[int]:
        """These nodes, and those that the collections among them refer to, however deep."""
        nodes = self._record.manifest.nodes
        found: dict[int, None] = {}
        rest = list(ids)
        while rest:
            each = rest.pop()
            if each in found:
                continue
            found[each] = None
            if not _is_recorded(nodes[each].kind):
                rest.extend(self._sources[each])
        return list(found)

    @cached_property
    def _sources(self) -> dict[int, list[int]]:
        """For each node, those whose values it is made of."""
        sources: dict[int, list[int]] = defaultdict(list)
        for edge in self._record.manifest.edges:
            if edge.kind != "wait":
                sources[edge.target].append(edge.source)
        return sources


def _is_recorded(kind: NodeKind) -> bool:
    """Whether the node's output is stored; the other kinds follow from the manifest."""
    return kind not in (*_OF_ASSETS, NodeKind.POSTPROCESS)
