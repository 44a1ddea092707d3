"""`covalent config`."""

from collections.abc import Iterator, Mapping
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from covalent._shared_files.config import get_config, set_config
from covalent._shared_files.defaults import config_path

_SECRETS = ("token", "password", "secret", "credential")
HIDDEN = "********"


@click.command()
def config() -> None:
    """Show the configuration; secrets are hidden. Write the file if there is none yet."""
    path = config_path()
    if not path.exists():
        set_config({})
    console = Console()
    console.print(f"[bold]{escape(str(path))}[/]", soft_wrap=True)
    for section, values in get_config().items():
        if not isinstance(values, Mapping):
            continue
        table = Table("Key", Column("Value", overflow="fold"), title=section, title_justify="left")
        for key, value in _flat(values):
            table.add_row(key, value)
        console.print(table)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", HIDDEN if value and _is_secret(key) else str(value)


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in _SECRETS)
