"""What must hold for a dispatch to get through, looked at one by one: `covalent doctor`.

finding   what one look gave
way       the configuration file, the address, TLS              (nothing is asked of the control plane)
service   health, clock, credentials, permission, runner, store
machine   the server of this machine: its workers, its disk

Each look assumes that those before it went well; after the first that did not, those that need it are left out.
"""

from collections.abc import Iterator

from covalent._dispatch.checkup.finding import Finding, State
from covalent._dispatch.checkup.machine import machine
from covalent._dispatch.checkup.service import Service
from covalent._dispatch.checkup.way import configuration, resolved, secure, target
from covalent._dispatch.connection import Connection

__all__ = ["Finding", "State", "examine"]

ATTEMPTS = 2
"""Tries of each request: a person waits for the answer."""


def examine(profile: str | None = None, connection: Connection | None = None) -> Iterator[Finding]:
    """Look at everything between this machine and the results of a dispatch.

    Args:
        profile: Which deployment; None means the one that a dispatch would go to.
        connection: To it, if there is one already.

    Yields:
        What was found, as it is found.

    """
    found = configuration()
    yield found
    if found.state is State.FAILED and found.fatal:
        return
    endpoint, found = target(profile)
    yield found
    if endpoint is None:
        return
    for look in (resolved, secure):
        found = look(endpoint)
        yield found
        if found.state is State.FAILED:
            return
    own = connection or Connection(endpoint, attempts=ATTEMPTS)
    try:
        yield from Service(own).looks()
        if endpoint.is_loopback and not endpoint.is_deployed:
            yield from machine(endpoint)
    finally:
        if connection is None:
            own.close()
