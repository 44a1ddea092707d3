"""Simulate how long workflows take, over their critical path, as compiled here and by others.

    python -m benchmarks.makespan [--electrons 300] [--runs 5] [--plot docs/makespan]

Electrons take log-normal times with a median of a second; every figure is the mean of the runs. `bound` is whether
ours is within 1.05 of the critical path in every run without latencies, and with them never later than level
barriers or fork-join. If it is not, the exit status is 1.
"""

import random
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from rich.console import Console
from rich.table import Table

from benchmarks.baselines import fork_join, level_barriers
from benchmarks.recipes import workflows
from benchmarks.shapes import SHAPES, Dag, sparse
from benchmarks.simulator import DEFAULT, SOURCES, ideal, simulate
from covalent_step_functions.order import order_of
from covalent_step_functions.plan import Plan, plan

SIGMA = 1.0
"""Of the logarithm: one electron in six takes more than e times the median."""
BOUND = 1.05
SAME = 1e-9
"""What sums of floats may differ by."""


@dataclass(frozen=True)
class Figures:
    """Makespans of one run over its critical path. exact is ours without latencies; the others have them."""

    exact: float
    ours: float
    levels: float
    joins: float
    ideal: float

    @property
    def against(self) -> float:
        """Ours over the better of level barriers and fork-join."""
        return self.ours / min(self.levels, self.joins)


@dataclass(frozen=True)
class Row:
    """One workflow."""

    name: str
    electrons: int
    runs: tuple[Figures, ...]

    @property
    def holds(self) -> bool:
        """Whether every run is within the bound without latencies, and none is later than the others on average."""
        never_later = self.mean("ours") <= min(self.mean("levels"), self.mean("joins")) + SAME
        return never_later and all(run.exact <= BOUND for run in self.runs)

    @property
    def worst(self) -> float:
        """Ours over the better of the others, in the run where that is most."""
        return max(run.against for run in self.runs)

    def mean(self, figure: str) -> float:
        """The mean of one of the figures."""
        return float(mean(getattr(run, figure) for run in self.runs))


def graphs(electrons: int) -> Iterator[tuple[str, Dag]]:
    """Everything that is measured: shapes, random graphs, recipes."""
    for name, shape in SHAPES.items():
        yield name, shape(electrons)
    for probability in (0.02, 0.05, 0.1):
        yield f"random, p = {probability}", sparse(electrons, probability, seed=1)
    for name, dag in workflows(electrons):
        yield f"WfCommons {name}", dag


def measured(name: str, dag: Dag, runs: int) -> Row:
    """Run one workflow several times, each time with other durations."""
    compiled = plan(order_of(tuple(dag), dag))
    levels, joins = level_barriers(dag), fork_join(dag)
    return Row(
        name,
        len(dag),
        tuple(
            figures(dag, compiled, levels, joins, durations(dag, random.Random(seed)))
            for seed in range(runs)
        ),
    )


def durations(dag: Dag, rng: random.Random) -> dict[int, float]:
    """Seconds for each electron."""
    return {node: rng.lognormvariate(0, SIGMA) for node in dag}


def figures(
    dag: Dag, compiled: Plan, levels: Plan, joins: Plan, seconds: Mapping[int, float]
) -> Figures:
    """One run of each plan, with the same durations."""
    path = ideal(dag, seconds).makespan

    def with_latencies(each: Plan) -> float:
        return simulate(each, seconds, DEFAULT).makespan / path

    return Figures(
        exact=simulate(compiled, seconds).makespan / path,
        ours=with_latencies(compiled),
        levels=with_latencies(levels),
        joins=with_latencies(joins),
        ideal=ideal(dag, seconds, DEFAULT).makespan / path,
    )


def table_of(rows: list[Row]) -> Table:
    """The figures as they are printed."""
    table = Table("workflow", "electrons", "ours, no latency", "ours", "levels", "fork-join")
    table.add_column("ideal")
    table.add_column("worst run")
    table.add_column("bound")
    for row in rows:
        means = [row.mean(each) for each in ("exact", "ours", "levels", "joins", "ideal")]
        cells = [f"{cell:.3f}" for cell in (*means, row.worst)]
        table.add_row(row.name, f"{row.electrons:,}", *cells, "holds" if row.holds else "BROKEN")
    return table


def notes() -> Iterator[str]:
    """What the figures rest on."""
    yield (
        f"Makespan over critical path. Electrons take log-normal times (median 1 s, sigma {SIGMA:g}), workers are "
        "unlimited. All columns but the first have latencies; figures are means. `worst run`: ours over the better of "
        "levels and fork-join, in the run where that is most; it can pass 1 by milliseconds where all plans wait "
        "for the same electrons, because the call that parks a token takes longer than a join. `bound`: every "
        f"run of ours is within {BOUND} without latencies, and with them the mean is no later than the others'.\n"
    )
    for name, source in SOURCES.items():
        yield f"- {name} {1000 * getattr(DEFAULT, name):.0f} ms: {source}"


def main() -> None:
    """Print the table; draw the plot if asked."""
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--electrons", type=int, default=300)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--plot", type=Path, help="file to write .png and .svg beside")
    options = parser.parse_args()
    rows = [measured(name, dag, options.runs) for name, dag in graphs(options.electrons)]
    console = Console()
    console.print(table_of(rows))
    for note in notes():
        console.print(note, markup=False, highlight=False)
    if options.plot:
        from benchmarks.plot import draw  # noqa: PLC0415 -- matplotlib is slow to import

        draw(rows, options.plot)
    sys.exit(not all(row.holds for row in rows))


if __name__ == "__main__":
    main()
