"""The circuits that an electron has run, as `get_node_result(...)["qelectron_data"]` shows them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, overload

from covalent._results_manager.record import Part, Record
from covalent_contracts import pickling
from covalent_contracts.attachments import QELECTRONS, Attachments

Circuit = Mapping[str, Any]


def circuits(record: Record, node_id: int) -> "CircuitRecords | None":
    """The circuits of a node, not fetched yet; None if it has left nothing."""
    [node] = record.nodes([node_id])
    return CircuitRecords(record, node_id) if node.attachments else None


class CircuitRecords(Sequence[Circuit]):
    """A dictionary for each circuit, in the order in which they were handed in.

    They are downloaded, and unpickled, when they are first looked at. `left_out` tells how many more there were, for
    which the record had no place.
    """

    def __init__(self, record: Record, node_id: int) -> None:
        self._record = record
        self._node_id = node_id

    @cached_property
    def _attachments(self) -> Attachments:
        return Attachments.load(self._record.read(Part(self._node_id, "attachments")) or b"")

    @cached_property
    def _circuits(self) -> list[Circuit]:
        return [pickling.unpickled(each) for each in self._attachments.found.get(QELECTRONS, ())]

    @property
    def left_out(self) -> int:
        """Circuits that ran and are not among these: an electron keeps 16 MiB of them."""
        return self._attachments.left_out.get(QELECTRONS, 0)

    @overload
    def __getitem__(self, index: int) -> Circuit: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Circuit]: ...
    def __getitem__(self, index: int | slice) -> Circuit | Sequence[Circuit]:
        return self._circuits[index]

    def __len__(self) -> int:
        return len(self._circuits)

    def __iter__(self) -> Iterator[Circuit]:
        return iter(self._circuits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._circuits == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __repr__(self) -> str:
        return repr(self._circuits)

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (self._circuits,)
