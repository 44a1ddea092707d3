"""Which electron is running: set by the runner, read by `covalent.get_context()`.

It lives here so that the runner needs no more than the contracts.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol


class Control(Protocol):
    """What an executor may ask of the runner while it runs an electron."""

    def is_cancelled(self) -> bool:
        """Whether the electron was cancelled."""

    def set_job_handle(self, handle: str, cancel: Callable[[], object]) -> None:
        """Record the name (JSON) of the job that the electron has become, and how to cancel it."""

    def cancel_with(self, cancel: Callable[[], object]) -> None:
        """Say how to cancel what runs the electron, as long as no job handle is recorded."""

    def cancel_jobs(self) -> None:
        """Cancel what runs the electron, in the way that was told last; what goes wrong is printed."""


@dataclass(frozen=True)
class Context:
    """The electron that the calling code runs in, or `None`s outside one."""

    dispatch_id: str | None = None
    node_id: int | None = None
    control: Control | None = field(default=None, repr=False, compare=False)

    @property
    def task_id(self) -> int | None:
        """The node id, under the name that users know."""
        return self.node_id

    @property
    def event(self) -> Any:
        """The event that a trigger has started this dispatch for; None if no trigger has."""
        if self.dispatch_id is None or _reads_event is None:
            return None
        stored = _reads_event(self.dispatch_id)
        return None if stored is None else json.loads(stored)


_reads_event: Callable[[str], bytes | None] | None = None


def read_events_with(read: Callable[[str], bytes | None]) -> None:
    """Tell how the stored event of a dispatch is read; it is read only when somebody asks for it."""
    global _reads_event  # noqa: PLW0603  # one runner per process, set once
    _reads_event = read


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
