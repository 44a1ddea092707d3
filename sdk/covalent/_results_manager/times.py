"""Times as Covalent shows them."""

from datetime import UTC, datetime


def time_of(microseconds: int | None) -> datetime | None:
    """Microseconds since the epoch as UTC without a zone."""
    if microseconds is None:
        return None
    return datetime.fromtimestamp(microseconds / 1e6, UTC).replace(tzinfo=None)
