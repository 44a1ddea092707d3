"""The words that transfers use."""

from enum import StrEnum


class Order(StrEnum):
    """When a transfer is made: before the electron, or after it."""

    BEFORE = "before"
    AFTER = "after"
