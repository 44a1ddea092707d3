"""The states of a dispatch and of a node, and the moves between them."""

from enum import StrEnum

_RANK = {
    "NEW_OBJECT": 0,
    "PENDING_REUSE": 1,
    "PENDING_REPLACEMENT": 1,
    "STARTING": 2,
    "RUNNING": 3,
    "DISPATCHING": 4,
    "PENDING_POSTPROCESSING": 5,
    "POSTPROCESSING": 6,
    "POSTPROCESSING_FAILED": 7,
    "COMPLETED": 8,
    "FAILED": 8,
    "CANCELLED": 8,
}


class Status(StrEnum):
    """Where a dispatch or a node stands. Equal to its name as a string; NEW_OBJECT is falsy."""

    NEW_OBJECT = "NEW_OBJECT"
    PENDING_REUSE = "PENDING_REUSE"
    PENDING_REPLACEMENT = "PENDING_REPLACEMENT"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    DISPATCHING = "DISPATCHING"
    PENDING_POSTPROCESSING = "PENDING_POSTPROCESSING"
    POSTPROCESSING = "POSTPROCESSING"
    POSTPROCESSING_FAILED = "POSTPROCESSING_FAILED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    def __bool__(self) -> bool:
        return self is not Status.NEW_OBJECT

    @property
    def is_final(self) -> bool:
        """Whether nothing may change any more."""
        return _RANK[self.value] == _RANK["COMPLETED"]

    def may_become(self, later: "Status") -> bool:
        """Whether the move from this state to `later` is legal: forward only, and never again once final."""
        return _RANK[later.value] > _RANK[self.value]

    @property
    def earlier(self) -> tuple["Status", ...]:
        """The states that may become this one: what a conditional write checks for."""
        return tuple(status for status in Status if status.may_become(self))
