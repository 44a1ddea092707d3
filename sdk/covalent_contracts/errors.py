"""The errors of the product, drawn by what the caller should do.

CovalentError
├── InvalidWorkflow          fix the code, then dispatch again
│   ├── UnpicklableValue     an argument or return value cannot travel
│   ├── UnknownExecutor      no executor of that name
│   ├── UnsupportedPython    no runner for this Python version
│   └── LimitExceeded        over a limit of AWS or ours (.limit, .number)
├── NotFound                 the id is wrong or expired
├── Conflict                 it moved on: read it again
├── Refused                  the credentials or the token are wrong
├── NewerWire                the other side is newer: upgrade this one
├── Unavailable              retry later, or start the server
├── TaskCancelledError       raised by an executor: the electron was cancelled
├── TaskRuntimeError         raised by an executor: the electron's own code failed
└── CorruptedObject          stored bytes do not match their recorded digest
"""

from functools import partial
from typing import Any


class CovalentError(Exception):
    """The root of every error that Covalent raises on purpose."""


class InvalidWorkflow(CovalentError):
    """The workflow cannot run as written."""


class UnpicklableValue(InvalidWorkflow, TypeError):
    """A value cannot be pickled. The message names the electron and the parameter."""


class UnknownExecutor(InvalidWorkflow):
    """No executor is registered under the name."""


class UnsupportedPython(InvalidWorkflow):
    """The deployment has no runner for the Python version of the dispatch."""


class LimitExceeded(InvalidWorkflow):
    """A limit of AWS, or one of ours, would be exceeded."""

    def __init__(self, message: str, *, limit: str, number: int) -> None:
        super().__init__(message)
        self.limit = limit
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(LimitExceeded, limit=self.limit, number=self.number), self.args


class NotFound(CovalentError):
    """Nothing is stored under the id."""


class Conflict(CovalentError):
    """The stored state does not allow the request."""


class Refused(CovalentError):
    """The caller is not who it must be."""


class NewerWire(CovalentError):
    """A document was written by a newer version of Covalent than this one."""


class Unavailable(CovalentError):
    """The service did not answer; trying later may help."""


class CorruptedObject(CovalentError):
    """Stored bytes do not match the digest that was recorded for them."""


class TaskRuntimeError(CovalentError):
    """What an executor raises when the electron's own code failed."""


class TaskCancelledError(CovalentError):
    """What an executor raises when the electron was cancelled."""
