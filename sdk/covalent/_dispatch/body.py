"""The body of a large upload: sent in pieces, so that nothing is copied as a whole and progress is seen."""

from collections.abc import Callable, Iterator
from threading import Event

PIECE = 256 * 1024
"""Bytes that are handed to the socket at once. (httpx would copy the rest of one large piece again for each write.)"""


class Stopped(Exception):
    """The upload, or download, is no longer wanted."""


class Body:
    """Bytes in pieces; from the start again each time it is iterated, so that a try can be repeated.

    Args:
        data: The bytes.
        advance: Is told how many have been handed over; a negative number takes back those of a try that broke.
        stop: Once it is set, the next piece raises `Stopped`.

    """

    def __init__(self, data: bytes, advance: Callable[[int], object], stop: Event) -> None:
        self._data = data
        self._advance = advance
        self._stop = stop
        self._told = 0

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[bytes]:
        self._tell(-self._told)
        for start in range(0, len(self._data), PIECE):
            if self._stop.is_set():
                raise Stopped
            piece = self._data[start : start + PIECE]
            yield piece
            self._tell(len(piece))

    def _tell(self, sent: int) -> None:
        self._told += sent
        if sent:
            self._advance(sent)
