"""Measure how long compiling takes, and how much memory, as graphs grow.

    python -m benchmarks.compile [--sizes 100 1000 10000] [--repeat 3]

Every shape is compiled in a process of its own: seconds are the best of the repeats, the peak is what Python had
allocated at once in one more. `growth` is the time over that of the size before, per electron: 1.0 is linear.
"""

import json
import subprocess
import sys
import time
import tracemalloc
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.shapes import SHAPES, Dag
from covalent_contracts.manifest import Manifest
from covalent_executors.place import Place
from covalent_step_functions.compiler import compile_dispatch

GOAL = 2.0
"""Seconds for 10,000 electrons."""
GOAL_SIZE = 10_000
ASSET = {"digest": "a" * 64, "size": 8}
ID = "11111111-2222-3333-4444-555555555555"
PLACE = Place({"3.11": "covalent-runner-py311"})


@dataclass(frozen=True)
class Measure:
    """One shape at one size; memory in bytes, size of all definitions too."""

    shape: str
    electrons: int
    seconds: float
    peak: int
    transitions: int
    machines: int
    written: int


def manifest_of(dag: Dag) -> Manifest:
    """The graph as a dispatch of it is posted."""
    nodes = [
        {"id": i, "name": "work", "kind": "function", "function": ASSET, "executor": "local"}
        for i in dag
    ]
    edges = [
        {"source": parent, "target": node, "kind": "arg", "index": index, "name": ""}
        for node, parents in dag.items()
        for index, parent in enumerate(parents)
    ]
    return Manifest.model_validate(
        {
            "dispatch_id": ID,
            "root_dispatch_id": ID,
            "python": "3.11.7",
            "covalent": "1",
            "nodes": nodes,
            "edges": edges,
            "recipe": ASSET,
            "lattice": {"name": "flow", "function": ASSET, "inputs": ASSET},
            "executors": {"local": {"name": "local"}},
            "uploads": [ASSET],
        }
    )


def measure(shape: str, electrons: int, repeat: int) -> Measure:
    """Compile one graph in this process."""
    manifest = manifest_of(SHAPES[shape](electrons))
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        compiled = compile_dispatch(manifest, PLACE, "owner")
        times.append(time.perf_counter() - began)
    tracemalloc.start()
    compile_dispatch(manifest, PLACE, "owner")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    cost = compiled.cost
    written = sum(len(each.definition) for each in compiled.machines)
    return Measure(
        shape, electrons, min(times), peak, cost.transitions, len(compiled.machines), written
    )


def measures(sizes: Sequence[int], repeat: int) -> Iterator[Measure]:
    """All shapes, each at all sizes, each in a fresh process."""
    for shape in SHAPES:
        for size in sizes:
            command = [
                *(sys.executable, "-m", "benchmarks.compile", "--only", shape),
                *("--sizes", str(size), "--repeat", str(repeat)),
            ]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            yield Measure(**json.loads(done.stdout))


def table_of(found: Sequence[Measure]) -> Table:
    """The figures as they are printed."""
    table = Table("shape", "electrons", "compile (s)", "growth", "peak (MiB)")
    for column in ("transitions each", "machines", "definitions (MB)", "goal"):
        table.add_column(column)
    before: Measure | None = None
    for each in found:
        linear = before is not None and before.shape == each.shape
        growth = f"{_each(each) / _each(before):.2f}" if linear and before else ""
        table.add_row(
            *(each.shape, f"{each.electrons:,}", f"{each.seconds:.3f}", growth),
            *(f"{each.peak / 2**20:.1f}", f"{each.transitions / each.electrons:.2f}"),
            *(f"{each.machines:,}", f"{each.written / 1e6:.2f}", _verdict(each)),
        )
        before = each
    return table


def notes() -> Iterator[str]:
    """What the figures rest on."""
    yield (
        "From the parsed manifest to definitions and sheets. `growth`: seconds per electron over those "
        f"of the size before; 1 is linear. Goal: {GOAL_SIZE:,} electrons within {GOAL:g} s."
    )


def _each(measure: Measure) -> float:
    return measure.seconds / measure.electrons


def _verdict(measure: Measure) -> str:
    if measure.electrons != GOAL_SIZE:
        return ""
    return "met" if measure.seconds <= GOAL else "missed"


def main() -> None:
    """Print the table, or with --only one measurement."""
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=SHAPES, help="this shape, here, as JSON")
    options = parser.parse_args()
    if options.only:
        print(json.dumps(asdict(measure(options.only, options.sizes[0], options.repeat))))
        return
    console = Console()
    console.print(table_of(list(measures(options.sizes, options.repeat))))
    for note in notes():
        console.print(note, markup=False, highlight=False)


if __name__ == "__main__":
    main()
