"""`covalent compile`."""

import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from covalent._cli import sources
from covalent_contracts.errors import CovalentError

if TYPE_CHECKING:
    from covalent._workflow.lattice import Lattice
    from covalent_contracts.manifest import Manifest
    from covalent_step_functions.compiler import Compiled

_OWNER = "0" * 16
"""Nobody: it goes into the sheets, which are not shown."""


class _SpreadArgs(click.Command):
    """A command whose `--args` takes every value up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = {name for each in self.get_params(ctx) for name in each.opts}
        spread: list[str] = []
        taking = False
        for text in args:
            if text == "--args":
                taking = True
            elif taking and text.partition("=")[0] not in options:
                spread.append(f"--args={text}")
            else:
                taking = False
                spread.append(text)
        return super().parse_args(ctx, spread)


@click.command(
    cls=_SpreadArgs,
    epilog="\b\nExample: covalent compile workflow.py:train --args 10 '[1, 2]' rate=0.5 --explain",
)
@click.argument("lattice", metavar="FILE:LATTICE")
@click.option(
    "--args",
    "texts",
    multiple=True,
    metavar="VALUE ...",
    help="Arguments of the lattice, up to the next option: JSON or Python literals, or name=literal.",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Show the plan, what a run takes and costs, and how near it is to the limits.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the definition there, byte for byte as it would be deployed.",
)
def compile(  # noqa: A001  # the name of the command
    lattice: str, texts: tuple[str, ...], explain: bool, output: Path | None
) -> None:
    """Print the state machine of a lattice; no server is needed.

    FILE is run to get at the lattice called LATTICE in it, and the lattice is built with the arguments, as a
    dispatch does it. It is printed in Amazon States Language; what needs several machines is printed as a list of
    them with their names, the one to start last.
    """
    name, colon, attribute = lattice.rpartition(":")
    if not (colon and name and attribute):
        raise click.ClickException(f"{lattice} is not of the form FILE:LATTICE")
    path = Path(name)
    found = sources.lattice_in(path, attribute)
    args, kwargs = sources.arguments(texts)
    sources.build(found, path, args, kwargs)
    try:
        manifest, compiled = _compiled(found)
    except CovalentError as exc:
        raise click.ClickException(sources.one_line(exc)) from exc
    if output is not None:
        _write(output, _document(compiled, indent=None))
    if explain:
        from covalent._cli.explanation import show  # noqa: PLC0415  # loads rich

        show(manifest, compiled)
    elif output is None:
        click.echo(_document(compiled, indent=2))


def _compiled(lattice: "Lattice") -> "tuple[Manifest, Compiled]":
    from covalent._dispatch.packaging import package  # noqa: PLC0415  # loads pydantic
    from covalent_executors.place import Place  # noqa: PLC0415  # loaded when first used
    from covalent_step_functions.check import check_request  # noqa: PLC0415  # loads pydantic
    from covalent_step_functions.compiler import compile_dispatch  # noqa: PLC0415  # loads pydantic

    manifest = package(lattice).manifest
    check_request(manifest)
    minor = ".".join(platform.python_version_tuple()[:2])
    place = Place(runners={minor: f"covalent-runner-py{minor.replace('.', '')}"})
    return manifest, compile_dispatch(manifest, place, _OWNER)


def _document(compiled: "Compiled", indent: int | None) -> str:
    """The definition; where there are several, their list."""
    found: list[Any] = [
        {"name": each.name, "definition": json.loads(each.definition)} for each in compiled.machines
    ]
    document = found if len(found) > 1 else found[0]["definition"]
    return json.dumps(document, indent=indent, separators=None if indent else (",", ":"))


def _write(path: Path, definition: str) -> None:
    try:
        path.write_text(definition)
    except OSError as exc:
        raise click.ClickException(f"cannot write {path}: {exc.strerror}") from exc
