"""Objects to presigned addresses."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from covalent._dispatch.connection import Connection
from covalent._dispatch.parallel import in_parallel
from covalent_contracts.api import Put
from covalent_contracts.errors import Unavailable

SHOW_OVER = 32 * 1024 * 1024
"""Bytes from which a person waits long enough to want to see progress."""


class AddressExpired(Unavailable):
    """The object store no longer accepts a presigned address: ask for new ones."""


def upload(connection: Connection, puts: Sequence[Put], objects: Mapping[str, bytes]) -> None:
    """Put every object where it was asked for.

    Raises:
        AddressExpired: an address is no longer valid.
        Unavailable: the object store refused the bytes, or does not answer.

    """

    def send(put: Put) -> int:
        content = objects[put.digest]
        response = connection.put(put.url, content, put.headers)
        if response.status_code == 403:
            raise AddressExpired(f"the address for object {put.digest} is no longer valid")
        if not response.is_success:
            raise Unavailable(
                f"the object store did not take object {put.digest} ({len(content)} bytes): "
                f"{response.status_code} {response.text[:200]}"
            )
        return len(content)

    with _progress(sum(len(objects[put.digest]) for put in puts)) as advance:
        for _, size in in_parallel(send, puts):
            advance(size)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], object]]:
    """A bar on the terminal, if there is a terminal and something to wait for."""
    if total < SHOW_OVER or not sys.stdout.isatty():
        yield _ignore
        return
    from rich.progress import Progress  # noqa: PLC0415  # rarely needed

    with Progress(transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("Uploading", total=total)
        yield lambda size: progress.advance(task, size)


def _ignore(_: int) -> None:
    """Show no progress."""
