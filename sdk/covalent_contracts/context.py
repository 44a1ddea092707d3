"""Which electron is running: set by the runner, read by `ct.get_context()`."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Context:
    """The electron that the calling code runs in."""

    dispatch_id: str
    node_id: int

    @property
    def task_id(self) -> int:
        """The node id, under the name that users know."""
        return self.node_id


_current: ContextVar[Context | None] = ContextVar("covalent_context", default=None)


def current() -> Context | None:
    """The running electron, or None outside of one."""
    return _current.get()


@contextmanager
def entered(context: Context) -> Iterator[Context]:
    """Make `context` the current one inside the block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
