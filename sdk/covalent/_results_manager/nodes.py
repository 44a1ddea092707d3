"""The nodes of a dispatch in the form that `Result` shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from covalent._dispatch.packaging import restore_lattice
from covalent._results_manager.circuits import circuits
from covalent._results_manager.record import Part, Record
from covalent._results_manager.times import time_of
from covalent._results_manager.values import Values
from covalent._workflow.lattice import Lattice
from covalent._workflow.transport import TransportGraph
from covalent._workflow.transportable_object import TransportableObject
from covalent_contracts import pickling
from covalent_contracts.api import NodeRecord
from covalent_contracts.status import Status

_STREAMS = ("stdout", "stderr")


class Nodes:
    """The nodes of one recorded dispatch."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self.values = Values(record)

    @property
    def ids(self) -> range:
        """Every node id."""
        return range(self._record.summary.nodes)

    def results(self, ids: Sequence[int], *, with_children: bool = True) -> list[dict[str, Any]]:
        """What `Result.get_node_result` shows of each."""
        children = self._children(ids) if with_children else {}
        return [
            {
                "node_id": node_id,
                "node_name": node["name"],
                "start_time": node["start_time"],
                "end_time": node["end_time"],
                "status": node["status"],
                "output": node["output"],
                "error": node["error"],
                "sublattice_result": children.get(node_id),
                "stdout": node["stdout"],
                "stderr": node["stderr"],
                "qelectron_data": circuits(self._record, node_id),
            }
            for node_id, node in zip(ids, self._attributes(ids, with_outputs=True), strict=True)
        ]

    def lattice(self) -> Lattice:
        """The dispatched lattice, not built."""
        asset = self._record.manifest.lattice.function
        return restore_lattice(self._record.assets.read(asset))

    def inputs(self) -> dict[str, Any]:
        """What the lattice was called with."""
        asset = self._record.manifest.lattice.inputs
        inputs: dict[str, Any] = pickling.loads(self._record.assets.read(asset))
        return inputs

    def graph(self, *, with_outputs: bool) -> TransportGraph:
        """The transport graph with what is recorded of every node."""
        graph = TransportGraph.from_manifest(self._record.manifest)
        attributes = self._attributes(self.ids, with_outputs=with_outputs)
        for node_id, node in zip(self.ids, attributes, strict=True):
            for key, value in node.items():
                graph.set_node_value(node_id, key, value)
        return graph

    def load_everything(self) -> None:
        """Fetch whatever the dispatch is made of, so that the record needs its control plane no more."""
        self._record.assets.load(self._record.manifest.assets())
        self._record.load(
            Part(node_id, what)
            for node_id in self.ids
            for what in ("output", *_STREAMS, "attachments")
        )
        for child in self._record.children(self.ids).values():
            Nodes(child).load_everything()

    def _attributes(self, ids: Sequence[int], *, with_outputs: bool) -> list[Mapping[str, Any]]:
        """What is recorded of each node, everything that is still remote fetched together."""
        records = self._record.nodes(ids)
        self._record.load(Part(node_id, stream) for node_id in ids for stream in _STREAMS)
        completed = [record.id for record in records if record.status is Status.COMPLETED]
        if with_outputs:
            self.values.load(completed)
        outputs = self._outputs(completed) if with_outputs else {}
        return [self._attributes_of(record, outputs.get(record.id)) for record in records]

    def _outputs(self, completed: Sequence[int]) -> dict[int, TransportableObject]:
        outputs = ((node_id, self.values.output(node_id)) for node_id in completed)
        return {node_id: output for node_id, output in outputs if output}

    def _attributes_of(
        self, record: NodeRecord, output: TransportableObject | None
    ) -> Mapping[str, Any]:
        return {
            "name": record.name,
            "status": record.status,
            "start_time": time_of(record.started),
            "end_time": time_of(record.ended),
            "output": output,
            "error": record.error or None,
            "stdout": self._text(record.id, "stdout"),
            "stderr": self._text(record.id, "stderr"),
            "sub_dispatch_id": record.sub_dispatch_id,
        }

    def _children(self, ids: Sequence[int]) -> Mapping[int, Any]:
        """The results of the dispatches that sublattices have become."""
        from covalent._results_manager.result import Result  # noqa: PLC0415  # which is made of nodes

        found = self._record.children(ids)
        return {node_id: Result.from_record(child) for node_id, child in found.items()}

    def _text(self, node_id: int, stream: str) -> str | None:
        """What the node wrote; None if that is nothing."""
        data = self._record.read(Part(node_id, stream))
        return data.decode(errors="replace") if data else None
