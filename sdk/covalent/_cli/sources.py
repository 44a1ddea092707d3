"""Get a lattice from a user's file, and arguments from the command line. What is wrong is said in one line."""

import ast
import json
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from covalent_contracts.errors import CovalentError

if TYPE_CHECKING:
    from covalent._workflow.lattice import Lattice

MODULE = "__covalent_compile__"
"""The name under which a file is run: not `__main__`, so what it does as a script is left out."""

_KEYWORD = re.compile(r"([A-Za-z_]\w*)=(?!=)(.*)", re.DOTALL)


def lattice_in(path: Path, name: str) -> "Lattice":
    """The lattice called `name` in a file.

    Raises:
        ClickException: there is no such file or lattice, or running the file raises.

    """
    from covalent._workflow.lattice import Lattice  # noqa: PLC0415  # loaded when first used

    found = vars(_run(path))
    if name not in found:
        known = [each for each, value in found.items() if isinstance(value, Lattice)]
        raise click.ClickException(
            f"{path} has no lattice {name!r}; it has {', '.join(known) or 'none'}"
        )
    lattice = found[name]
    if not isinstance(lattice, Lattice):
        raise click.ClickException(
            f"{name} in {path} is a {type(lattice).__name__}, not a lattice: decorate it with @ct.lattice"
        )
    return lattice


def arguments(texts: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """Positional and keyword arguments: each text is a JSON or Python literal, or name=literal.

    Raises:
        ClickException: one is not.

    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for text in texts:
        match = _KEYWORD.fullmatch(text)
        if match is None:
            args.append(_literal(text))
        elif match[1] in kwargs:
            raise click.ClickException(f"--args: {match[1]} is given twice")
        else:
            kwargs[match[1]] = _literal(match[2])
    return args, kwargs


def build(lattice: "Lattice", path: Path, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Build the graph of a lattice.

    Raises:
        ClickException: the arguments are not what it takes, or its body raises.

    """
    from covalent._workflow.arguments import parameters_of  # noqa: PLC0415  # loaded when first used

    name = lattice.__name__
    try:
        parameters_of(lattice.workflow_function).check(args, kwargs)
    except CovalentError as exc:
        raise click.ClickException(f"lattice {name}: {one_line(exc)} (--args)") from exc
    with _users_code(path, f"lattice {name}"):
        lattice.build_graph(*args, **kwargs)


def one_line(exc: BaseException) -> str:
    """What an error says, without line breaks."""
    return " ".join(str(exc).split())


def _literal(text: str) -> Any:
    readers: tuple[Callable[[str], Any], ...] = (json.loads, ast.literal_eval)
    for read in readers:
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    raise click.ClickException(
        f"--args: {text} is neither JSON nor a Python literal; a string has quotes of its own: "
        f"""'"{text}"'"""
    )


def _run(path: Path) -> ModuleType:
    """Run a file as a module; modules beside it can be imported, as when it is run as a script."""
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except OSError as exc:
        raise click.ClickException(f"cannot read {path}: {exc.strerror}") from exc
    except (SyntaxError, ValueError) as exc:
        line = f", line {exc.lineno}" if isinstance(exc, SyntaxError) and exc.lineno else ""
        what = exc.msg if isinstance(exc, SyntaxError) else one_line(exc)
        raise click.ClickException(f"{path} is not Python: {what}{line}") from exc
    module = ModuleType(MODULE)
    module.__file__ = str(path)
    sys.modules[MODULE] = module  # dataclasses and pickling look there for what the file defines
    sys.path.insert(0, str(path.parent.absolute()))
    with _users_code(path, str(path)):
        exec(code, vars(module))  # noqa: S102  # the user asks for it
    return module


@contextmanager
def _users_code(path: Path, what: str) -> Iterator[None]:
    """Name the error and the line where the user's code raises; what it prints goes to stderr."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit) as exc:
        line = _line(path, exc)
        where = f" ({path}, line {line})" if line else ""
        raise click.ClickException(
            f"{what} raises {type(exc).__name__}: {one_line(exc)}{where}"
        ) from exc


def _line(path: Path, exc: BaseException) -> int | None:
    """The innermost line of the file that led to the error."""
    frames = traceback.extract_tb(exc.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return lines[-1] if lines else None
