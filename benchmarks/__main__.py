"""Measure everything; print it and write it to benchmarks/RESULTS.md, with plots in docs/.

    python -m benchmarks [--electrons 1000] [--chain 100] [--repeat 3]

The options are those of `benchmarks.run`. If the compiled plans break a bound of `benchmarks.makespan`, the exit
status is 1.
"""

import os
import platform
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from io import StringIO
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import compile as compilation
from benchmarks import cost, makespan, run
from benchmarks.plot import draw

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
PLOT = ROOT / "docs" / "makespan"
SIZE = 300
"""Electrons in each simulated workflow."""
RUNS = 10
PACKAGES = ("covalent-serverless", "moto", "networkx", "simpy", "wfcommons")


@dataclass(frozen=True)
class Section:
    """A table with what it rests on."""

    title: str
    table: Table
    notes: tuple[str, ...] = ()


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
    measures = list(compilation.measures([100, 1_000, 10_000], repeat))
    yield Section(
        "Compile time and memory", compilation.table_of(measures), tuple(compilation.notes())
    )
    yield Section("Simulated makespan", makespan.table_of(rows), tuple(makespan.notes()))
    yield Section("Cost", cost.table_of(SIZE), tuple(cost.notes()))


def as_markdown(section: Section) -> str:
    """A section of the page."""
    section.table.box = box.MARKDOWN
    page = Console(file=StringIO(), width=200)
    page.print(section.table)
    assert isinstance(page.file, StringIO)
    lines = [line.rstrip() for line in page.file.getvalue().splitlines() if line.strip()]
    return "\n".join([f"## {section.title}", "", *lines, "", *section.notes]).rstrip() + "\n"


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
        console.rule(section.title)
        console.print(section.table)
        console.print(*section.notes, sep="\n", markup=False, highlight=False)
        pages.append(as_markdown(section))
    head = f"# Results\n\nWritten by `make bench`. {machine()}\n"
    plot = "![Simulated makespan over critical path](../docs/makespan.svg)\n"
    RESULTS.write_text("\n".join([head, *pages, plot]))
    sys.exit(not all(row.holds for row in rows))


if __name__ == "__main__":
    main()
