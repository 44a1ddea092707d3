"""How far uploads and downloads are, for a person who waits for them."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from threading import Lock

from covalent._shared_files.config import get_config

SHOW_OVER = 32 * 1024 * 1024
"""Bytes from which a person waits long enough to want to see progress."""

Advance = Callable[[int], object]
_one = Lock()


@contextmanager
def shown(total: int, what: str) -> Iterator[Advance]:
    """A bar on stderr while the block runs, if a person looks at it and there is something to wait for.

    One at a time: of two threads that upload or download, the second is silent.
    """
    if total < SHOW_OVER or is_quiet() or not _one.acquire(blocking=False):
        yield _ignore
        return
    try:
        with _bar(total, what) as advance:
            yield advance
    finally:
        _one.release()


def is_quiet() -> bool:
    """Whether the user wants to see none: `COVALENT_QUIET`, or `dispatcher.quiet` in the configuration."""
    try:
        configured = get_config("dispatcher.quiet")
    except KeyError:
        configured = False
    return any(
        str(each).lower() not in ("", "0", "false", "no", "off")
        for each in (os.environ.get("COVALENT_QUIET", ""), configured)
    )


@contextmanager
def _bar(total: int, what: str) -> Iterator[Advance]:
    from rich.console import Console  # noqa: PLC0415  # rarely needed
    from rich.progress import (  # noqa: PLC0415  # rarely needed
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    in_notebook = console.is_jupyter and find_spec("ipywidgets") is not None
    if not (console.is_interactive or in_notebook):
        yield _ignore
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as progress:
        task = progress.add_task(what, total=total)
        yield lambda sent: progress.advance(task, sent)


def _ignore(_: int) -> None:
    """Show no progress."""
