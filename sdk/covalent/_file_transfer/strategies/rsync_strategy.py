"""Files by rsync."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covalent._file_transfer.strategies.way_strategy import WayStrategy, place_of
from covalent._shared_files.exceptions import InvalidTransfer
from covalent_runner.transfers.credentials import Secret
from covalent_runner.transfers.rsync import SSH_PORT
from covalent_runner.transfers.rsync import Rsync as RsyncWay

if TYPE_CHECKING:
    from collections.abc import Callable

    from covalent._file_transfer.file import File
    from covalent_runner.transfers.places import Place


class Rsync(WayStrategy):
    """Transfers by rsync, over ssh if one of the files is remote. The keys of hosts are checked.

    Args:
        user: who to be on the other host.
        host: the other host.
        private_key_path: private key for ssh, a path on the machine that the electron runs on, or the ARN of a secret
            that holds one. Without it ssh takes its own.
        port: where the other host listens.
        known_hosts: a file of known hosts on the machine that the electron runs on, or the lines of one. Without it
            ssh takes its own.

    Raises:
        InvalidTransfer: that is no host or user, or a key is given, not where it is.

    """

    schemes = ("file",)
    is_local = True

    def __init__(
        self,
        user: str = "",
        host: str = "",
        private_key_path: str | None = None,
        *,
        port: int = SSH_PORT,
        known_hosts: str = "",
    ) -> None:
        for name, value in (("user", user), ("host", host)):
            if value.startswith("-") or any(each in value for each in " /:@\n"):
                raise InvalidTransfer(f"Rsync({name}={value!r}) is no {name} that ssh could take")
        if private_key_path is not None and "\n" in str(private_key_path):
            raise InvalidTransfer(
                "Rsync(private_key_path=...) takes the path of a key, or the ARN of a secret, not a key"
            )
        self.user = user
        self.host = host
        self.private_key_path = private_key_path
        self.port = port
        self.known_hosts = known_hosts

    def way(self) -> RsyncWay:
        """The way that the runner goes."""
        key = None if self.private_key_path is None else Secret(str(self.private_key_path))
        return RsyncWay(self.host, self.user, self.port, key, self.known_hosts)

    def get_rsync_cmd(
        self,
        from_file: File,
        to_file: File,
        transfer_from_remote: bool = False,  # noqa: ARG002  # promised; both files are here
    ) -> str:
        """The command for two files of one machine."""
        return self._command(place_of(from_file), place_of(to_file))

    def get_rsync_ssh_cmd(
        self, local_file: File, remote_file: File, transfer_from_remote: bool = False
    ) -> str:
        """The command for a file here and one on the other host."""
        here, there = place_of(local_file), replace(place_of(remote_file), remote=True)
        return self._command(*((there, here) if transfer_from_remote else (here, there)))

    def return_subprocess_callable(self, cmd: str) -> Callable[[], Any]:
        """What runs a command when it is called."""
        return partial(subprocess.run, shlex.split(cmd), check=True)

    def _check(self, source: File, target: File) -> None:
        super()._check(source, target)
        if (source.is_remote or target.is_remote) and not self.host:
            raise InvalidTransfer("which host is the remote file on? Pass Rsync(host=...)")

    def _command(self, source: Place, target: Place) -> str:
        key = None if self.private_key_path is None else Path(self.private_key_path)
        hosts = Path(self.known_hosts) if self.known_hosts else None
        return shlex.join(self.way().command(source, target, key, hosts))
