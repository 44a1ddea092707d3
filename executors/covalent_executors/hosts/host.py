"""Commands and files of a host, whatever it is reached by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from covalent_executors.adapter import Refused
from covalent_executors.hosts.login import Login


@dataclass(frozen=True)
class Done:
    """How a script has ended, and what it has written."""

    status: int
    output: str
    errors: str = ""

    @property
    def told(self) -> str:
        """All of what it has written, in one line."""
        return "; ".join(line for line in f"{self.errors}\n{self.output}".splitlines() if line)


class Host(Protocol):
    """A host; every method may raise `Refused` or `Busy`."""

    def run(self, script: str) -> Done:
        """Run a script of /bin/sh."""

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files that only the user may read, by absolute path, each of them as a whole."""

    def get(self, path: str) -> bytes | None:
        """What a file holds; None if there is none."""


def reached(login: Login, executor: str) -> Host:
    """A host by ssh.

    Raises:
        Refused: asyncssh is not installed.

    """
    try:
        from covalent_executors.hosts.ssh_host import SshHost  # noqa: PLC0415  # asyncssh is an extra
    except ModuleNotFoundError as exc:
        if exc.name != "asyncssh":
            raise
        raise Refused(
            f"executor {executor!r} needs asyncssh: where the bridge runs, pip install 'covalent-serverless[ssh]'"
        ) from exc
    return SshHost(login)
