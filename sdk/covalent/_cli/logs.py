"""`covalent logs`."""

import time
from pathlib import Path
from typing import BinaryIO

import click

from covalent._programmatic import commands

_POLL_SECONDS = 0.2


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on showing what is logged until Ctrl-C.")
def logs(follow: bool) -> None:
    """Show the log of the Covalent server."""
    path = commands.place().log_file
    if not path.exists():
        click.echo(f"{path} not found: the server has not been started yet.")
        return
    with path.open("rb") as log:
        _copy(log)
        if follow:
            _follow(path, log)


def _follow(path: Path, log: BinaryIO) -> None:
    try:
        while path.exists():
            _copy(log)
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        click.echo()


def _copy(log: BinaryIO) -> None:
    while block := log.read(1 << 16):
        click.echo(block, nl=False)
