"""Which electron is running: set by whoever runs it, read by `covalent.get_context()`.

It lives here so that the runner needs no more than the contracts.
"""

from contextvars import ContextVar, Token
from dataclasses import dataclass


@dataclass(frozen=True)
class Context:
    """The electron that is running, or `None`s outside one."""

    dispatch_id: str | None = None
    node_id: int | None = None

    @property
    def task_id(self) -> int | None:
        """Another name of `node_id`."""
        return self.node_id


_current: ContextVar[Context] = ContextVar("covalent_context", default=Context())  # noqa: B039  # frozen


def get() -> Context:
    """The electron that this code is part of."""
    return _current.get()


def set(context: Context) -> Token[Context]:  # noqa: A001  # read as `context.set(...)`
    """Say which electron runs from here on; give the token to `reset` when it has ended."""
    return _current.set(context)


def reset(token: Token[Context]) -> None:
    """Go back to what was before `set`."""
    _current.reset(token)
