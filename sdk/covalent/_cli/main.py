"""The `covalent` command. Each subcommand is imported when it is called or listed, not before."""

import importlib
import platform
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import click

from covalent._version import __version__
from covalent_contracts.errors import CovalentError

_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "start": "service",
        "stop": "service",
        "restart": "service",
        "status": "status",
        "logs": "logs",
        "compile": "compilation",
        "deploy": "deploy",
        "doctor": "doctor",
        "share": "share",
        "secret": "secret",
        "config": "settings",
        "cluster": "cluster",
        "db": "database",
        "purge": "purge",
    }
)
"""Which module of this package holds which command."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"covalent._cli.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Show what went wrong on purpose without a traceback; exit code 1."""
        try:
            return super().invoke(ctx)
        except (CovalentError, PermissionError) as exc:
            raise click.ClickException(str(exc)) from exc


def _show_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    click.echo(f"Covalent {__version__} (covalent-serverless)")
    click.echo(f"Python   {platform.python_version()} ({platform.python_implementation()})")
    click.echo(f"Platform {platform.platform()}")
    click.echo("Licence  Apache-2.0")
    ctx.exit()


@click.group(
    cls=_LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "-v",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show version, Python, platform and licence.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Manage the Covalent server on this machine."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(args: list[str] | None = None) -> Any:
    """Run the command; the entry point of the distribution."""
    return cli.main(args=args, prog_name="covalent")
