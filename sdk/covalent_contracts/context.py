"""Which electron is running: set by the runner, read by `covalent.get_context()`.

It lives here so that the runner needs no more than the contracts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Context:
    """The electron that the calling code runs in, or `None`s outside one."""

    dispatch_id: str | None = None
    node_id: int | None = None

    @property
    def task_id(self) -> int | None:
        """The node id, under the name that users know."""
        return self.node_id


_OUTSIDE = Context()
_current: ContextVar[Context] = ContextVar("covalent_context", default=_OUTSIDE)


def current() -> Context:
    """The electron that this code is part of."""
    return _current.get()


@contextmanager
def entered(context: Context) -> Iterator[Context]:
    """Make `context` the current one inside the block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
