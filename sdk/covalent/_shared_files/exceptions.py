"""The errors that only the SDK raises; the rest of the tree is in `covalent_contracts.errors`."""

from covalent_contracts.errors import (
    CovalentError,
    InvalidWorkflow,
    NotFound,
    TaskCancelledError,
    TaskRuntimeError,
)

__all__ = [
    "InvalidArguments",
    "InvalidConfig",
    "InvalidTransfer",
    "MissingExtra",
    "MissingLatticeRecordError",
    "TaskCancelledError",
    "TaskRuntimeError",
]


class MissingLatticeRecordError(NotFound):
    """No dispatch has this id, or it belongs to somebody else."""


class InvalidArguments(InvalidWorkflow, ValueError, TypeError):
    """An electron was called with arguments that its function does not take.

    It is a TypeError, as the same call outside a lattice would raise, and a ValueError, as Covalent raises.
    """


class InvalidTransfer(InvalidWorkflow, ValueError):
    """A file transfer that cannot be made as it is written."""


class InvalidConfig(CovalentError):
    """The configuration file cannot be read."""


class MissingExtra(CovalentError):
    """Something needs a package that is not installed; the message says how to install it."""
