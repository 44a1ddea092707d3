"""`covalent db`: what stands for Covalent's database commands."""

import sqlite3
from contextlib import closing

import click

from covalent._programmatic import commands
from covalent_contracts import layout


@click.group()
def db() -> None:
    """Look at the layout of what the control plane has stored."""


@db.command()
def migrate() -> None:
    """Bring stored items to the layout of this version."""
    found = _stored_layout()
    if found is None:
        click.echo("Nothing is stored yet, so there is nothing to migrate.")
    elif found > layout.LAYOUT:
        raise click.ClickException(
            f"What is stored has layout {found}, this Covalent knows {layout.LAYOUT}: upgrade it."
        )
    else:
        click.echo(f"What is stored has layout {found}, that of this version: nothing to migrate.")


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("alembic_args", nargs=-1, type=click.UNPROCESSED)
def alembic(alembic_args: tuple[str, ...]) -> None:  # noqa: ARG001  # accepted, as Covalent does
    """Say why there is nothing for Alembic to do."""
    click.echo(
        "There is no SQL schema for Alembic: records are items of a DynamoDB table. See `covalent db migrate`."
    )


def _stored_layout() -> int | None:
    """The layout that the local server's journal names; None if there is none. A deployment brings its own."""
    path = commands.place().data_dir / layout.JOURNAL
    if not path.exists():
        return None
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        (version,) = database.execute("pragma user_version").fetchone()
    return max(int(version), 1)  # the first version did not say
