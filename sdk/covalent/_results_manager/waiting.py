"""Wait for a dispatch to end."""

import math
import time
from collections.abc import Callable

from covalent._dispatch.client import Client
from covalent._dispatch.problems import Overloaded
from covalent_contracts.api import Summary
from covalent_contracts.errors import Refused, Unavailable

SHORTEST_PAUSE = 0.01
LONGEST_PAUSE = 2.0
SHARE = 0.1
"""Least pause as a share of the time waited so far: long runs cost few requests, and nobody minds a tenth."""
COST = 0.005
"""Seconds that a request takes from a server on this machine, which then does nothing else."""

SETTLING = 10.0
"""Seconds in which events of AWS arrive."""

PATIENCE = 60.0
"""Seconds that a server which has answered before may be away: a restart takes less."""


def wait_until_final(
    client: Client,
    dispatch_id: str,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    started: float | None = None,
    again: Callable[[], Client] | None = None,
) -> Summary:
    """Ask for the dispatch until it has ended. There is no time limit; Ctrl-C leaves the dispatch running.

    Args:
        client: Whom to ask.
        dispatch_id: Of the dispatch.
        sleep: Pauses.
        clock: Tells the time.
        started: When this process started the dispatch, by that clock, if it did: no answer is worth a request
            in the first moment after that.
        again: Finds the server once more after it was away: it may be back with another token, on another port.

    Raises:
        NotFound: there is no such dispatch.
        Unavailable: the server was never there, or went away for longer than `PATIENCE`.
        Refused: the token is wrong, and stayed so for as long.

    """
    began = clock() if started is None else started
    too_early = SHORTEST_PAUSE - (clock() - began)
    if started is not None and too_early > 0:
        sleep(too_early)
    last_answer = started
    while True:
        try:
            summary = client.summary(dispatch_id)
        except Overloaded:
            last_answer = clock()
        except (Unavailable, Refused):
            if last_answer is None or clock() - last_answer > PATIENCE:
                raise
            client = again() if again else client
        else:
            if summary.status.is_final:
                return summary
            last_answer = clock()
        sleep(_pause(clock() - began))


def settled(
    client: Client,
    dispatch_id: str,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Summary:
    """A dispatch whose work is done and that will be told so any moment; as it is then, if it is not told in time."""
    began = clock()
    while True:
        summary = client.summary(dispatch_id)
        waited = clock() - began
        if summary.status.is_final or waited > SETTLING:
            return summary
        sleep(_pause(waited))


def _pause(waited: float) -> float:
    """How long to wait before the next request.

    Of all intervals, those of `2 * sqrt(COST * waited)` make the sum of what the requests take and of how late the
    last one comes the least. From two seconds on that would be more often than `SHARE` wants; at first, when a
    single electron may end any moment, they would be longer than the wait before.
    """
    cheapest = min(waited / 2, 2 * math.sqrt(COST * waited))
    return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, SHARE * waited, cheapest))
