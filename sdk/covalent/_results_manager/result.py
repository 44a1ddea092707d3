"""What came of a dispatch."""

from __future__ import annotations

import os
import pickle
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covalent._results_manager.times import time_of
from covalent._shared_files.config import get_config
from covalent._workflow.description import describe
from covalent._workflow.transportable_object import TransportableObject
from covalent_contracts.errors import Conflict
from covalent_contracts.status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from covalent._results_manager.nodes import Nodes
    from covalent._results_manager.record import Record
    from covalent._workflow.lattice import Lattice

SHOWN_BYTES = 64 * 1024
"""Size up to which printing a result unpickles the output of a node; a larger one shows as its type."""

_BLOCK = """
Lattice Result
==============
status: {status}
result: {result}
input args: {args}
input kwargs: {kwargs}
error: {error}

start_time: {start_time}
end_time: {end_time}

results_dir: {results_dir}
dispatch_id: {dispatch_id}

Node Outputs
------------
"""


class Result:
    """A dispatch as it stood when `get_result` was called.

    Status and times are known at once. Values, node records and the lattice are fetched when they are first looked
    at and kept from then on; every stored value is checked against its recorded digest before it is unpickled. Ask
    `get_result` again for a newer view of a dispatch that was still running.

    Pickling takes along what was fetched; `save_result` fetches the rest first.
    """

    NEW_OBJ = Status.NEW_OBJECT
    PENDING_REUSE = Status.PENDING_REUSE
    RUNNING = Status.RUNNING
    PENDING_POSTPROCESSING = Status.PENDING_POSTPROCESSING
    POSTPROCESSING = Status.POSTPROCESSING
    POSTPROCESSING_FAILED = Status.POSTPROCESSING_FAILED
    COMPLETED = Status.COMPLETED
    FAILED = Status.FAILED
    CANCELLED = Status.CANCELLED
    CANCELED = Status.CANCELLED

    def __init__(self, lattice: Lattice, dispatch_id: str = "") -> None:
        self._dispatch_id = dispatch_id
        self._lattice: Lattice | None = lattice
        self._record: Record | None = None
        self._results_root: str | None = None
        self._with_outputs = True

    @classmethod
    def from_record(
        cls, record: Record, results_dir: str | None = None, *, with_outputs: bool = True
    ) -> Result:
        """The result of a recorded dispatch; `with_outputs`: whether the graph of `lattice` holds the outputs."""
        result = cls.__new__(cls)
        result._dispatch_id = record.summary.dispatch_id
        result._lattice = None
        result._record = record
        result._results_root = results_dir
        result._with_outputs = with_outputs
        return result

    @property
    def dispatch_id(self) -> str:
        """Id of the dispatch."""
        return self._dispatch_id

    @property
    def root_dispatch_id(self) -> str:
        """Id of the dispatch at the root, if this is one of a sublattice; else its own."""
        return self._record.summary.root_dispatch_id if self._record else self._dispatch_id

    @property
    def status(self) -> Status:
        """Status of the dispatch; compares equal to its name."""
        return self._record.summary.status if self._record else Status.NEW_OBJECT

    @property
    def error(self) -> str | None:
        """Why the dispatch failed, one failed task per line; None if nothing failed."""
        return self._record.summary.error if self._record else None

    @property
    def start_time(self) -> datetime | None:
        """When the dispatch began to run (UTC, naive)."""
        return self._time("started")

    @property
    def end_time(self) -> datetime | None:
        """When the dispatch ended (UTC, naive)."""
        return self._time("ended")

    @property
    def results_dir(self) -> str:
        """Folder that `save_result` writes to by default."""
        return str(results_root(self._results_root) / self._dispatch_id)

    @property
    def result(self) -> Any:
        """What the lattice returned; None until the dispatch is COMPLETED.

        Raises:
            CorruptedObject: stored bytes are not those that were recorded.

        """
        return self._value if self.status is Status.COMPLETED else None

    @property
    def encoded_result(self) -> TransportableObject:
        """What the lattice returned, as it travels."""
        return TransportableObject(self.result)

    @property
    def inputs(self) -> dict[str, Any]:
        """What the lattice was called with: {"args": (...), "kwargs": {...}}."""
        return dict(self._inputs)

    @property
    def lattice(self) -> Lattice:
        """The dispatched lattice; its transport graph holds the status, output and streams of every node."""
        if self._lattice is None:
            self._lattice = self._rebuilt()
        return self._lattice

    def get_node_result(self, node_id: int) -> dict[str, Any]:
        """What is known of one node.

        Returns:
            node_id, node_name, start_time, end_time, status, output (a TransportableObject), error,
            sublattice_result (the `Result` of the dispatch that a sublattice has become), stdout, stderr and
            qelectron_data (a dictionary for each circuit that its quantum electrons have run, fetched when it is first
            looked at); None for what there is not.

        Raises:
            NotFound: there is no such node.
            CorruptedObject: the stored output is not the one that was recorded.

        """
        return self._nodes.results([node_id])[0]

    def get_all_node_results(self) -> list[dict[str, Any]]:
        """`get_node_result` of every node, in order of id."""
        return self._nodes.results(self._nodes.ids)

    def get_all_node_outputs(self) -> dict[str, TransportableObject | None]:
        """Output of every node, by "name(id)"."""
        return {
            f"{node['node_name']}({node['node_id']})": node["output"]
            for node in self._nodes.results(self._nodes.ids, with_children=False)
        }

    def load_output(self) -> None:
        """Fetch what `result` is made of, if there is a result. It is unpickled when it is looked at.

        Raises:
            CorruptedObject: stored bytes are not those that were recorded.

        """
        if self._record and self.status is Status.COMPLETED:
            self._nodes.values.load_result()

    def post_process(self) -> Any:
        """Put together what the lattice returns from the outputs of its nodes, here and now.

        Raises:
            Conflict: one of those outputs is not there.

        """
        return self._nodes.values.result()

    def save_result(self, results_dir: str | os.PathLike[str] | None = None) -> None:
        """Write the whole result to `<results_dir>/<dispatch_id>/result.pkl`; a reader never sees half a file.

        Args:
            results_dir: None means the one given to `get_result`, or `sdk.results_dir` of the configuration.

        """
        folder = results_root(results_dir or self._results_root) / self._dispatch_id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._record:
            self._nodes.load_everything()
        handle, name = tempfile.mkstemp(dir=folder, prefix=".result-")
        try:
            with os.fdopen(handle, "wb") as file:
                pickle.dump(self, file)
            Path(name).replace(folder / "result.pkl")
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def __str__(self) -> str:
        block = _BLOCK.format(
            status=self.status.value,
            result=self.result,
            args=list(self.inputs["args"]),
            kwargs=self.inputs["kwargs"],
            error=self.error,
            start_time=self.start_time,
            end_time=self.end_time,
            results_dir=self.results_dir,
            dispatch_id=self.dispatch_id,
        )
        outputs = self.get_all_node_outputs().items() if self._record else ()
        return block + "".join(
            f"{name}: {_shown(output) if output else None}\n" for name, output in outputs
        )

    def __repr__(self) -> str:
        return f"<Result {self.dispatch_id or 'not dispatched'}: {self.status.value}>"

    def __getstate__(self) -> dict[str, Any]:
        lattice = None if self._record else self._lattice
        return {
            "dispatch_id": self._dispatch_id,
            "record": self._record,
            "lattice": None if lattice is None else TransportableObject(lattice),
            "results_root": self._results_root,
            "with_outputs": self._with_outputs,
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self._dispatch_id = state["dispatch_id"]
        self._record = state["record"]
        lattice = state["lattice"]
        self._lattice = None if lattice is None else lattice.get_deserialized()
        self._results_root = state["results_root"]
        self._with_outputs = state["with_outputs"]

    @cached_property
    def _nodes(self) -> Nodes:
        from covalent._results_manager.nodes import Nodes  # noqa: PLC0415  # loads httpx, pydantic

        if self._record is None:
            raise Conflict(
                "the lattice of this Result was not dispatched: it has no recorded nodes"
            )
        return Nodes(self._record)

    @cached_property
    def _value(self) -> Any:
        return self._nodes.values.result()

    @cached_property
    def _inputs(self) -> dict[str, Any]:
        if self._record is None:
            return {"args": tuple(self.lattice.args), "kwargs": dict(self.lattice.kwargs)}
        return self._nodes.inputs()

    def _rebuilt(self) -> Lattice:
        """The lattice as it was dispatched, with the record of every node in its graph."""
        lattice = self._nodes.lattice()
        lattice.transport_graph = self._nodes.graph(with_outputs=self._with_outputs)
        lattice.args, lattice.kwargs = self.inputs["args"], self.inputs["kwargs"]
        return lattice

    def _time(self, which: str) -> datetime | None:
        return time_of(getattr(self._record.summary, which)) if self._record else None


def results_root(results_dir: str | os.PathLike[str] | None = None) -> Path:
    """The folder that holds a folder per dispatch: the one given, else `sdk.results_dir` of the configuration."""
    return Path(results_dir or get_config("sdk.results_dir")).expanduser()


def _shown(output: TransportableObject) -> str:
    """An output as text: as the value itself shows, if it is small and can be unpickled here."""
    if len(output.serialize()) > SHOWN_BYTES:
        return output.object_string
    try:
        return describe(output.get_deserialized())
    except Exception:  # noqa: BLE001  # code of the user's own that is not installed here, say
        return output.object_string
