"""What became of dispatches and their electrons, as metrics.

All of it is at hand when a dispatch ends: how many electrons a completed one has was written down when it was made, and
the records of a failed one are read anyway, to name the failed tasks. So measuring reads nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from covalent_contracts.manifest import Manifest
from covalent_contracts.status import Status
from covalent_control_plane.items import DispatchItem, NodeItem
from covalent_control_plane.manifests import electrons, executor_of
from covalent_control_plane.telemetry import count, took

_CAUSES = (
    ("time_limit", ("States.Timeout:", "TimeLimitExceeded:", "Sandbox.Timedout:")),
    (
        "worker",
        (
            *("Runtime.", "States.TaskFailed", "States.HeartbeatTimeout:", "ElectronLost:"),
            "the electron's process was lost",
        ),
    ),
    ("service", ("Batch.", "ECS.", "Lambda.", "States.")),
    ("execution", ("The execution ended", "the execution ended", "the electron's execution ended")),
)
"""How the records of failures begin that are not an exception of the electron's own."""


def cause(error: str) -> str:
    """What a failure is counted as: `error` where the electron raised it."""
    return next((name for name, starts in _CAUSES if error.startswith(starts)), "error")


def measure_dispatch(item: DispatchItem) -> None:
    """Count a dispatch that has ended, and how long it ran."""
    count("DispatchesFinished", status=item.status)
    if item.started is not None and item.ended is not None:
        took("DispatchRunSeconds", item.ended - item.started, status=item.status)


def measure_completed(item: DispatchItem) -> None:
    """Count the electrons of a dispatch that is COMPLETED, as all of them are."""
    for executor, number in (item.electrons or {}).items():
        count("ElectronsFinished", number, executor=executor, status=Status.COMPLETED)


class Tally:
    """Counts the electrons of a dispatch that failed or was cancelled while their records are read."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._ended: Counter[tuple[str, str]] = Counter()
        self._causes: Counter[str] = Counter()

    def read(self, records: Iterable[NodeItem]) -> Iterator[NodeItem]:
        """The records, counted on the way."""
        for record in records:
            self._add(record)
            yield record

    def failed(self, records: Iterable[NodeItem]) -> Iterator[NodeItem]:
        """Those of the records that are of failures."""
        return (record for record in self.read(records) if record.state is Status.FAILED)

    def measure(self) -> None:
        """Write the counts, once all records were read."""
        begun = Counter[str]()
        for (executor, status), number in self._ended.items():
            begun[executor] += number
            count("ElectronsFinished", number, executor=executor, status=status)
        for executor, number in (electrons(self._manifest) - begun).items():
            count("ElectronsFinished", number, executor=executor, status=Status.NEW_OBJECT)
        for name, number in self._causes.items():
            count("ElectronFailures", number, cause=name)

    def _add(self, record: NodeItem) -> None:
        if record.node >= len(self._manifest.nodes):
            return
        node = self._manifest.nodes[record.node]
        if not node.kind.is_heavy or node.reused is not None:
            return
        self._ended[executor_of(self._manifest, node), record.status] += 1
        if record.state is Status.FAILED:
            self._causes[cause(record.error or "")] += 1
