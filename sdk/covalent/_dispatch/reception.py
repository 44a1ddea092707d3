"""The body of an answer as it comes, so that progress is seen and Ctrl-C need not wait for the end of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

import httpx

from covalent._dispatch.body import Stopped

_OF_THE_WAY = frozenset({"content-encoding", "transfer-encoding"})
"""Headers that no longer hold once the body is there."""


@dataclass(frozen=True)
class Watch:
    """Who wants to know of downloads.

    Args:
        advance: is told how many bytes have come; a negative number takes back those of a try that broke.
        stop: once it is set, the next bytes raise `Stopped`.

    """

    advance: Callable[[int], object]
    stop: Event = field(default_factory=Event)


def received(response: httpx.Response, watch: Watch) -> httpx.Response:
    """The answer with all of its body; that of an error is not counted.

    Raises:
        Stopped: nobody wants it any more.
        httpx.TransportError: the connection broke.

    """
    if not response.is_success:
        response.read()
        return response
    pieces: list[bytes] = []
    try:
        for piece in response.iter_bytes():
            if watch.stop.is_set():
                raise Stopped
            pieces.append(piece)
            watch.advance(len(piece))
    except httpx.TransportError:
        watch.advance(-sum(map(len, pieces)))
        raise
    kept = [pair for pair in response.headers.multi_items() if pair[0] not in _OF_THE_WAY]
    return httpx.Response(
        response.status_code, headers=kept, content=b"".join(pieces), request=response.request
    )
