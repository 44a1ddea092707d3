"""Which keys of hosts are trusted: those of the known hosts, and with ssh's own file those of new hosts.

That is what ssh calls StrictHostKeyChecking=accept-new. A key that has changed is never trusted.
"""

import os

import asyncssh

from covalent_executors.adapter import Refused
from covalent_executors.hosts.login import Login


class Verifier(asyncssh.SSHClient):
    """Is asked about a key that the known hosts do not vouch for."""

    def __init__(self, login: Login, known: asyncssh.SSHKnownHosts) -> None:
        self._login = login
        self._known = known

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Trust a new host, if the login says so, and remember it."""
        known = self._known.match(host, addr, None if port == 22 else port)
        if not self._login.takes_new_hosts or any(known):
            return False
        _remember(self._login, key)
        return True


def known_hosts(login: Login) -> asyncssh.SSHKnownHosts:
    """The known hosts of a login.

    Raises:
        Refused: they cannot be read.

    """
    try:
        return asyncssh.import_known_hosts(login.trusted())
    except ValueError as exc:
        raise Refused(f"known_hosts: {exc}") from exc


def is_known(login: Login) -> bool:
    """Whether there is any key of that host among the known hosts."""
    port = None if login.port == 22 else login.port
    return any(known_hosts(login).match(login.host, "", port))


def _remember(login: Login, key: asyncssh.SSHKey) -> None:
    path = login.known_hosts_file
    if path is None:
        return
    place = login.host if login.port == 22 else f"[{login.host}]:{login.port}"
    line = f"{place} {key.export_public_key().decode().strip()}\n"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(number, "w") as file:
        file.write(line)
