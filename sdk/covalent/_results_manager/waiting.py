"""Wait for a dispatch to end."""

import time
from collections.abc import Callable

from covalent._dispatch.client import Client
from covalent._dispatch.problems import Overloaded
from covalent_contracts.api import Summary
from covalent_contracts.errors import Unavailable

SHORTEST_PAUSE = 0.01
LONGEST_PAUSE = 2.0
SHARE = 0.1
"""Pause as a share of the time waited so far: an answer is at most a tenth late, and long runs cost few requests."""

PATIENCE = 60.0
"""Seconds that a server which has answered before may be away: a restart takes less."""


def wait_until_final(
    client: Client,
    dispatch_id: str,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Summary:
    """Ask for the dispatch until it has ended. There is no time limit; Ctrl-C leaves the dispatch running.

    Raises:
        NotFound: there is no such dispatch.
        Unavailable: the server was never there, or went away for longer than `PATIENCE`.

    """
    began = clock()
    last_answer: float | None = None
    while True:
        try:
            summary = client.summary(dispatch_id)
        except Overloaded:
            last_answer = clock()
        except Unavailable:
            if last_answer is None or clock() - last_answer > PATIENCE:
                raise
        else:
            if summary.status.is_final:
                return summary
            last_answer = clock()
        sleep(min(LONGEST_PAUSE, max(SHORTEST_PAUSE, SHARE * (clock() - began))))
