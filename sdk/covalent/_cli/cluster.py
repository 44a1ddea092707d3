"""`covalent cluster`: the Dask cluster beside the local server."""

from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from covalent._programmatic import commands, dask_cluster, server
from covalent._programmatic.dask_cluster import Cluster

DEFAULT_SCALE = 2
RESTART_SECONDS = 60


@click.command()
@click.option("--status", is_flag=True, help="Show whether the cluster runs.")
@click.option("--info", is_flag=True, help="Show its workers.")
@click.option("--address", is_flag=True, help="Show the addresses of scheduler and workers.")
@click.option("--size", is_flag=True, help="Print the number of active workers.")
@click.option("--restart", is_flag=True, help="Restart the workers.")
@click.option(
    "--scale",
    type=click.IntRange(min=1),
    is_flag=False,
    flag_value=DEFAULT_SCALE,
    metavar="NWORKERS",
    help=f"Add or remove workers until there are so many, {DEFAULT_SCALE} if no number is given.",
)
@click.option("--logs", is_flag=True, help="Show the logs of scheduler and workers.")
def cluster(
    *,
    status: bool,
    info: bool,
    address: bool,
    size: bool,
    restart: bool,
    scale: int | None,
    logs: bool,
) -> None:
    """Inspect and manage the Dask cluster."""
    found = dask_cluster.find(commands.place())
    del status  # there is one answer if nothing else is asked
    if found is None or not found.address:
        click.echo(_absent(found))
        return
    with dask_cluster.client_of(found) as client:
        if restart:
            client.restart(timeout=RESTART_SECONDS)
            click.echo(f"The workers of the Dask cluster at {found.address} have restarted.")
        elif scale is not None:
            click.echo(_scaled(client, scale))
        elif logs:
            click.echo("\n".join(_logs(client)))
        elif size:
            click.echo(len(_workers(client)))
        elif address:
            click.echo("\n".join([f"scheduler {found.address}", *_addresses(client)]))
        elif info:
            Console().print(_table(client))
        else:
            click.echo(_status(found, client))


def _absent(found: Cluster | None) -> str:
    if found is not None:
        return f"{dask_cluster.NONE} yet: it is starting."
    if not dask_cluster.is_installed():
        return dask_cluster.MISSING
    running = server.find(commands.place())
    if running is None:
        return f"{dask_cluster.NONE}: it starts with the server, which does not run."
    return (
        f"{dask_cluster.NONE}: electrons run in {running.workers} worker processes of the server at {running.url}; "
        "`covalent restart --with-cluster` starts one."
    )


def _workers(client: Any) -> dict[str, Any]:
    return dict(client.scheduler_info(n_workers=-1)["workers"])


def _status(found: Cluster, client: Any) -> str:
    shown = f", dashboard at {found.dashboard}" if found.dashboard else ""
    return f"The Dask cluster runs at {found.address} with {len(_workers(client))} workers{shown}."


def _addresses(client: Any) -> Iterator[str]:
    for address, worker in sorted(_workers(client).items()):
        yield f"worker {worker['name']} {address}"


def _table(client: Any) -> Table:
    table = Table("Worker", "Address", "Threads", "Memory")
    for address, worker in sorted(_workers(client).items()):
        memory = (
            f"{worker['memory_limit'] / 2**30:.3g} GB" if worker["memory_limit"] else "no limit"
        )
        table.add_row(str(worker["name"]), address, str(worker["nthreads"]), memory)
    return table


def _scaled(client: Any, wanted: int) -> str:
    from covalent._cluster.process import scale  # noqa: PLC0415  # the scheduler runs it

    client.run_on_scheduler(scale, wanted)
    if wanted > len(_workers(client)):
        client.wait_for_workers(wanted, timeout=RESTART_SECONDS)
    return f"The Dask cluster has {wanted} workers."


def _logs(client: Any) -> Iterator[str]:
    yield "scheduler:"
    yield from (f"  {line}" for _, line in reversed(client.get_scheduler_logs()))
    for address, lines in sorted(client.get_worker_logs().items()):
        yield f"worker {address}:"
        yield from (f"  {line}" for _, line in reversed(lines))
