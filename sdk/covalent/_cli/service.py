"""`covalent start`, `stop` and `restart`."""

from collections.abc import Callable
from typing import Any

import click

from covalent._programmatic import (
    commands,
    dask_cluster,
    limits,
    localstack,
    server,
    watching,
)

Command = Callable[..., Any]
_PORT = click.IntRange(1, 65535)


def _without_effect(*names: str, reason: str, **settings: Any) -> Callable[[Command], Command]:
    """An option that scripts for Covalent's own server pass and that needs nothing done here."""
    return click.option(
        *names, expose_value=False, help=f"Accepted, no effect: {reason}.", **settings
    )


_develop = click.option(
    "-d", "--develop", is_flag=True, help="Developer mode: the server logs more."
)


def _bytes(_ctx: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    try:
        limits.to_bytes(text or "")
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from exc
    return text


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
    help="Electrons that run at the same time, and workers of the Dask cluster. By default dask.num_workers "
    "of the config file, at first 4 or the number of cores, whichever is larger.",
)
@click.option(
    "--localstack",
    "full",
    is_flag=True,
    help="Start LocalStack instead, to deploy to; it is installed first if it is not there. "
    f"Its port is {localstack.DEFAULT_PORT} unless --port says otherwise.",
)
@_develop
@click.option(
    "-m",
    "--mem-per-worker",
    "memory",
    callback=_bytes,
    help="Memory that an electron may take, as 1gb or 512MB (on Linux); 0 for no limit. "
    "By default dask.mem_per_worker of the config file.",
)
@click.option(
    "-t",
    "--threads-per-worker",
    "threads",
    type=click.IntRange(min=0),
    help="Threads that numerical libraries start in an electron, unless OMP_NUM_THREADS and its "
    "like are set; 0 for as many as they like. By default dask.threads_per_worker of the config file.",
)
@_without_effect("--ignore-migrations", is_flag=True, reason="migrations are never pending")
@click.option("--no-cluster", is_flag=True, help="Start no Dask cluster beside the server.")
@click.option("--no-triggers", is_flag=True, help="Start the server without triggers: none fires.")
@click.option(
    "--triggers-only",
    is_flag=True,
    help="Start no server: only watch, on this machine, for triggers of the configured control plane.",
)
def start(  # noqa: PLR0913  # an option each
    *,
    port: int | None,
    workers: int | None,
    full: bool,
    develop: bool,
    memory: str | None,
    threads: int | None,
    no_cluster: bool,
    no_triggers: bool,
    triggers_only: bool,
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
        chosen = limits.chosen(memory, threads)
        _start(
            port,
            workers,
            chosen,
            develop=develop,
            triggers=not no_triggers,
            cluster=not no_cluster,
        )


@click.command()
def stop() -> None:
    """Stop the Covalent server, and LocalStack if it runs."""
    if server.ensure_stopped(localstack.place()):
        click.echo(localstack.STOPPED)
    if watching.ensure_stopped():
        click.echo(watching.STOPPED)
    _stop()


@click.command()
@click.option("-p", "--port", type=_PORT, help="Start again on this port.")
@_develop
@click.option(
    "--no-cluster/--with-cluster",
    "no_cluster",
    default=None,
    help="Without or with a Dask cluster; by default as before.",
)
def restart(port: int | None, develop: bool, no_cluster: bool | None) -> None:
    """Restart the Covalent server, with the same workers and triggers."""
    running = server.find(commands.place())
    had_cluster = running is None or dask_cluster.find(commands.place()) is not None
    _stop()
    workers, kept = (running.workers, running.limits) if running else (None, None)
    _start(
        port,
        workers,
        kept,
        develop=develop,
        triggers=running is None or running.triggers,
        cluster=had_cluster if no_cluster is None else not no_cluster,
    )


def _start(
    port: int | None,
    workers: int | None,
    chosen: limits.Limits | None,
    *,
    develop: bool,
    triggers: bool,
    cluster: bool,
) -> None:
    started = commands.ensure_running(
        port=port,
        workers=workers,
        limits=chosen,
        develop=develop,
        triggers=triggers,
        cluster=cluster,
    )
    _echo(commands.describe(started))


def _stop() -> None:
    stopped = commands.ensure_stopped()
    click.echo(commands.STOPPED if stopped else commands.NOT_RUNNING)


def _echo(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)
