"""Measure how much sooner circuits are done side by side, in processes, than one after the other.

    python -m benchmarks.quantum [--circuits 8] [--qubits 14] [--workers 2] [--repeat 3]

The sequential time is that of the bare QNode, in this process. Both ways run in turn, warm (each ran once before), and
the best of the repeats counts; their results are compared. It needs PennyLane; if the ratio breaks the goal, the exit
status is 1.
"""

import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from rich.console import Console
from rich.table import Table

import covalent as ct
from benchmarks.page import RESULTS, Section, put

GOAL = 0.65
"""Wall time side by side over sequential, with 2 workers on 2 cores."""
LAYERS = 12
TITLE = "Circuits side by side"


@dataclass(frozen=True)
class Measure:
    """Seconds for all circuits, and whether both ways gave the same."""

    circuits: int
    qubits: int
    workers: int
    sequential: float
    parallel: float
    equal: bool

    @property
    def ratio(self) -> float:
        """Parallel over sequential."""
        return self.parallel / self.sequential

    @property
    def holds(self) -> bool:
        """Whether the goal is met, with the same results."""
        return self.equal and self.ratio <= GOAL


def measured(circuits: int, qubits: int, workers: int, repeat: int) -> Measure:
    """Run the circuits both ways, in turn."""
    bare = _entangled(qubits)
    made = ct.qelectron(bare, executors=ct.executor.Simulator(parallel="process", workers=workers))
    points = [0.1 * (place + 1) for place in range(circuits)]

    def one_by_one() -> list[Any]:
        return [bare(point) for point in points]

    def side_by_side() -> list[Any]:
        return [each.result() for each in [made.run_later(point) for point in points]]

    equal = _close(one_by_one(), side_by_side())
    times = [(_seconds(one_by_one), _seconds(side_by_side)) for _ in range(repeat)]
    sequential, parallel = (min(each) for each in zip(*times, strict=True))
    return Measure(circuits, qubits, workers, sequential, parallel, equal)


def _entangled(qubits: int) -> Any:
    """A circuit of many layers, whose expectation value depends on one number."""
    import numpy as np  # noqa: PLC0415  # as PennyLane
    import pennylane as qml  # noqa: PLC0415  # benchmarks of other things run without it

    shape = qml.StronglyEntanglingLayers.shape(n_layers=LAYERS, n_wires=qubits)
    weights = np.random.default_rng(7).uniform(0, 3, shape)

    def circuit(point: float) -> Any:
        qml.StronglyEntanglingLayers(point * weights, wires=range(qubits))
        return qml.expval(qml.Z(0))

    return qml.QNode(circuit, qml.device("default.qubit", wires=qubits))


def _close(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return all(abs(a - b) < 1e-9 for a, b in zip(one, other, strict=True))


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def table_of(found: Measure) -> Table:
    """The figures as they are printed."""
    table = Table("circuits", "qubits", "workers", "sequential (s)", "`run_later` (s)")
    for column in ("ratio", "goal"):
        table.add_column(column)
    goal = f"<= {GOAL:g}: {'met' if found.holds else 'missed'}"
    table.add_row(
        *(str(found.circuits), str(found.qubits), str(found.workers)),
        *(f"{found.sequential:.2f}", f"{found.parallel:.2f}", f"{found.ratio:.2f}", goal),
    )
    return table


def section_of(found: Measure) -> Section:
    """The figures with what they rest on."""
    load = f"load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    note = (
        f"{LAYERS} strongly entangling layers on `default.qubit`; sequential is the bare QNode. Best of the repeats, "
        f"both ways in turn and warm, {os.cpu_count()} cores, {load}; the results are "
        f"{'equal' if found.equal else 'NOT equal'}."
    )
    return Section(TITLE, table_of(found), (note,))


def section(repeat: int) -> Section:
    """The measurement of the issue; without PennyLane, a note that it was not made."""
    if find_spec("pennylane") is None:
        return Section(TITLE, None, ("Not measured: PennyLane is not installed.",))
    return section_of(measured(8, 14, 2, repeat))


def main() -> None:
    """Measure, print, and put the section into the page of results."""
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, default in {"circuits": 8, "qubits": 14, "workers": 2, "repeat": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    found = measured(**vars(options))
    section_of(found).show(Console())
    RESULTS.write_text(put(section_of(found), RESULTS.read_text()))
    sys.exit(not found.holds)


if __name__ == "__main__":
    main()
