"""Measure everything; print it and write it to benchmarks/RESULTS.md, with plots in docs/.

    python -m benchmarks [--electrons 1000] [--chain 100] [--repeat 3]

The options are those of `benchmarks.run`; Covalent takes part if it can be installed (`benchmarks.versus`). If the
compiled plans break a bound of `benchmarks.makespan`, the exit status is 1.
"""

import os
import platform
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version

from rich.console import Console

from benchmarks import compile as compilation
from benchmarks import cost, makespan, quantum, run, versus
from benchmarks.page import RESULTS, ROOT, Section, as_markdown
from benchmarks.plot import draw

PLOT = ROOT / "docs" / "makespan"
SIZE = 300
"""Electrons in each simulated workflow."""
RUNS = 10
PACKAGES = ("covalent-serverless", "moto", "networkx", "simpy", "wfcommons")


def machine() -> str:
    """What all of it ran on."""
    versions = ", ".join(f"{each} {version(each)}" for each in PACKAGES)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} on {platform.machine()}, {os.cpu_count()} cores, {python}; "
        f"{versions}."
    )


def sections(
    electrons: int, chain: int, repeat: int, rows: list[makespan.Row]
) -> Iterator[Section]:
    """Every table, one after the other; the makespans are measured already."""
    yield Section("On the embedded AWS", run.table_of(electrons, chain, repeat))
    yield versus.compared(repeat)
    measures = list(compilation.measures([100, 1_000, 10_000], repeat))
    yield Section(
        "Compile time and memory", compilation.table_of(measures), tuple(compilation.notes())
    )
    yield Section("Simulated makespan", makespan.table_of(rows), tuple(makespan.notes()))
    yield Section("Cost", cost.table_of(SIZE), tuple(cost.notes()))
    yield quantum.section(repeat)


def main() -> None:
    """Measure, print, write."""
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--electrons", type=int, default=1000)
    parser.add_argument("--chain", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    rows = [makespan.measured(name, dag, RUNS) for name, dag in makespan.graphs(SIZE)]
    draw(rows, PLOT)
    pages = []
    console = Console()
    for section in sections(options.electrons, options.chain, options.repeat, rows):
        section.show(console)
        pages.append(as_markdown(section))
    head = f"# Results\n\nWritten by `make bench`. {machine()}\n"
    plot = "![Simulated makespan over critical path](../docs/makespan.svg)\n"
    RESULTS.write_text("\n".join([head, *pages, plot]))
    sys.exit(not all(row.holds for row in rows))


if __name__ == "__main__":
    main()
