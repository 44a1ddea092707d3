"""What a million electrons cost, beside a server of one's own.

python -m benchmarks.cost [--electrons 300]
"""

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.table import Table

from benchmarks.makespan import graphs
from benchmarks.shapes import Dag
from covalent_step_functions.cost import RUN_GB, RUN_SECONDS, cost_of
from covalent_step_functions.order import order_of
from covalent_step_functions.plan import plan

HOURS = 730
"""In a month."""
DISK = 100 * 0.08
"""100 GB of gp3, a month: https://aws.amazon.com/ebs/pricing"""
SERVERS: Mapping[str, float] = {"t3.large": 0.0832, "m5.xlarge": 0.192}
"""Dollars an hour, us-east-1, Linux, on demand: https://aws.amazon.com/ec2/pricing/on-demand"""


def monthly(server: str) -> float:
    """Dollars for a server that is always on, with its disk."""
    return SERVERS[server] * HOURS + DISK


def per_electron(dag: Dag) -> tuple[float, float]:
    """Transitions and dollars per electron of one workflow."""
    cost = cost_of(plan(order_of(tuple(dag), dag)))
    return cost.transitions / len(dag), cost.bill.total / len(dag)


def table_of(electrons: int) -> Table:
    """Dollars for a million electrons, and the electrons a month at which a server costs the same."""
    table = Table("workflow", "electrons", "transitions / electron", "$ / million electrons")
    for server in SERVERS:
        table.add_column(f"break-even, {server} (${monthly(server):.1f} a month)")
    for name, dag in graphs(electrons):
        transitions, dollars = per_electron(dag)
        even = (f"{monthly(server) / dollars / 1e6:.2f} M" for server in SERVERS)
        table.add_row(name, f"{len(dag):,}", f"{transitions:.2f}", f"{1e6 * dollars:.1f}", *even)
    return table


def notes() -> Iterator[str]:
    """What the figures rest on."""
    yield (
        "List prices of us-east-1 without the free tier (`covalent_step_functions.cost`); electrons take "
        f"{RUN_SECONDS:g} s and {RUN_GB:g} GB on Lambda. `break-even`: electrons a month at which one server, always "
        "on, costs the same; above it the server is cheaper. The server is one machine "
        "in one zone, and nobody's work to look after it is counted."
    )


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--electrons", type=int, default=300)
    console = Console()
    console.print(table_of(parser.parse_args().electrons))
    for note in notes():
        console.print(note, markup=False, highlight=False)


if __name__ == "__main__":
    main()
