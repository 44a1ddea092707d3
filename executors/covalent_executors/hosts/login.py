"""Who logs in where, and with what."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from covalent_executors.adapter import Refused

_KEY = re.compile(r"\s(ssh-|ecdsa-|sk-)")
"""What tells lines of known hosts from the path of a file of them."""


@dataclass(frozen=True)
class Login:
    """A user of a host.

    key: the text of a private key. certificate: that of one that an authority has signed for it, or "".
    known_hosts: the lines of such a file, or the path of one on this machine; "" for ssh's own, to which new hosts
    are added.
    """

    host: str
    user: str
    key: str = field(repr=False)
    certificate: str = field(default="", repr=False)
    port: int = 22
    known_hosts: str = ""

    def __str__(self) -> str:
        return f"{self.user}@{self.host}" + ("" if self.port == 22 else f":{self.port}")

    @property
    def takes_new_hosts(self) -> bool:
        """Whether a host that is not known yet is trusted the first time."""
        return not self.known_hosts

    @property
    def known_hosts_file(self) -> Path | None:
        """Where known hosts are, unless they are given as lines."""
        if not self.known_hosts:
            return Path("~/.ssh/known_hosts").expanduser()
        return None if is_lines(self.known_hosts) else Path(self.known_hosts).expanduser()

    def trusted(self) -> str:
        """The lines of known hosts.

        Raises:
            Refused: they cannot be read.

        """
        path = self.known_hosts_file
        if path is None:
            return self.known_hosts
        try:
            return path.read_text()
        except FileNotFoundError:
            if self.takes_new_hosts:
                return ""
            raise Refused(f"known_hosts: there is no file {path}") from None
        except OSError as exc:
            raise Refused(f"known_hosts: {path} cannot be read: {exc.strerror}") from exc


def is_lines(known_hosts: str) -> bool:
    """Whether these are lines of a file of known hosts, and not the path of one."""
    return bool(_KEY.search(known_hosts))
