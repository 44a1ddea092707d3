"""`covalent start`, `stop` and `restart`."""

from collections.abc import Callable
from typing import Any

import click

from covalent._programmatic import commands, localstack, server, watching

Command = Callable[..., Any]
_PORT = click.IntRange(1, 65535)


def _without_effect(*names: str, reason: str, **settings: Any) -> Callable[[Command], Command]:
    """An option that scripts for Covalent's own server pass and that needs nothing done here."""
    return click.option(
        *names, expose_value=False, help=f"Accepted, no effect: {reason}.", **settings
    )


_develop = _without_effect(
    "-d", "--develop", is_flag=True, reason="the server has no developer mode"
)


@click.command()
@click.option(
    "-p",
    "--port",
    type=_PORT,
    help="Port to listen on; the next free one is taken if it is in use. "
    f"By default the port of the config file, {commands.DEFAULT_PORT} at first.",
)
@click.option(
    "-n",
    "--workers",
    type=click.IntRange(min=1),
    help="Electrons that run at the same time. By default 4 or the number of cores, "
    "whichever is larger.",
)
@click.option(
    "--localstack",
    "full",
    is_flag=True,
    help="Start LocalStack instead, to deploy to; it is installed first if it is not there. "
    f"Its port is {localstack.DEFAULT_PORT} unless --port says otherwise.",
)
@_develop
@_without_effect("-m", "--mem-per-worker", reason="workers are not limited in memory")
@_without_effect("-t", "--threads-per-worker", reason="a worker runs one electron at a time")
@_without_effect("--ignore-migrations", is_flag=True, reason="there is no database to migrate")
@_without_effect("--no-cluster", is_flag=True, reason="there is no Dask cluster to leave out")
@click.option("--no-triggers", is_flag=True, help="Start the server without triggers: none fires.")
@click.option(
    "--triggers-only",
    is_flag=True,
    help="Start no server: only watch, on this machine, for triggers of the configured control plane.",
)
def start(
    port: int | None, workers: int | None, full: bool, no_triggers: bool, triggers_only: bool
) -> None:
    """Start the Covalent server, unless it runs already."""
    if no_triggers and triggers_only:
        raise click.UsageError("--no-triggers and --triggers-only exclude each other")
    if triggers_only:
        _echo(watching.describe(watching.ensure_running()))
    elif full:
        click.echo("Starting LocalStack, which takes 10 to 20 seconds")
        _echo(localstack.describe(localstack.ensure_running(port)))
    else:
        _start(port, workers, triggers=not no_triggers)


@click.command()
def stop() -> None:
    """Stop the Covalent server, and LocalStack if it runs."""
    if localstack.ensure_stopped():
        click.echo(localstack.STOPPED)
    if watching.ensure_stopped():
        click.echo(watching.STOPPED)
    click.echo(commands.STOPPED if commands.ensure_stopped() else commands.NOT_RUNNING)


@click.command()
@click.option("-p", "--port", type=_PORT, help="Start again on this port.")
@_develop
@_without_effect("--no-cluster/--with-cluster", reason="there is no Dask cluster")
def restart(port: int | None) -> None:
    """Restart the Covalent server, with its workers and triggers."""
    running = server.find(commands.place())
    click.echo(commands.STOPPED if commands.ensure_stopped() else commands.NOT_RUNNING)
    workers, triggers = (running.workers, running.triggers) if running else (None, True)
    _start(port, workers, triggers=triggers)


def _start(port: int | None, workers: int | None, *, triggers: bool) -> None:
    started = commands.ensure_running(port=port, workers=workers, triggers=triggers)
    _echo(commands.describe(started))


def _echo(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)
