"""`covalent cluster`: what stands for Covalent's Dask cluster."""

import click

from covalent._programmatic import commands, server

_NONE = "There is no Dask cluster"


@click.command()
@click.option("--status", is_flag=True, help="Show whether electrons can run.")
@click.option("--info", is_flag=True, help="Show where electrons run.")
@click.option(
    "--address", is_flag=True, help="Show the address of the server, which has the workers."
)
@click.option("--size", is_flag=True, help="Print the number of workers.")
@click.option("--restart", is_flag=True, help="Say what restarts the workers.")
@click.option(
    "--scale", type=click.IntRange(min=1), metavar="NWORKERS", help="Say what changes their number."
)
@click.option("--logs", is_flag=True, help="Say what shows their log.")
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
    """Show the workers of the local server; there is no Dask cluster."""
    running = server.find(commands.place())
    if restart:
        click.echo(f"{_NONE} to restart: `covalent restart` restarts the server and its workers.")
    elif scale is not None:
        click.echo(
            f"{_NONE} to scale: `covalent stop` and `covalent start -n {scale}` change the number of workers."
        )
    elif logs:
        click.echo(f"{_NONE} with logs of its own: `covalent logs` shows the server's.")
    elif running is None:
        click.echo(f"{_NONE}, and the server, whose workers run electrons, does not run.")
    elif size:
        click.echo(running.workers)
    elif address:
        click.echo(running.url)
    else:
        del status, info  # there is one answer
        click.echo(
            f"{_NONE}: electrons run in {running.workers} worker processes of the server at {running.url}."
        )
