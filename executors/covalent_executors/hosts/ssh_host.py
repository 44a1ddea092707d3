"""A host by ssh."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import asyncssh

from covalent_executors.hosts.connections import CALL_SECONDS, Line, connections
from covalent_executors.hosts.host import Done
from covalent_executors.hosts.login import Login

_SHELL = "exec /bin/sh -s"
"""The script comes by its input: so no login shell reads it, nor does it show in the list of processes."""
SLOWEST = 250_000
"""Bytes a second, below which sending files is given up."""
TRANSFER_SECONDS = 600.0
"""For fetching a file, whose size is not known before."""
_BEGIN = "--- covalent ---"
"""What stands before it was written by the start files of a login shell."""


@dataclass(frozen=True)
class SshHost:
    """A host by ssh."""

    login: Login

    def run(self, script: str) -> Done:
        """Run a script of /bin/sh. It may be run again if the connection is lost."""

        async def work(line: Line) -> Done:
            connection = await line.connection()
            found = await connection.run(
                _SHELL, input=f"echo '{_BEGIN}'\n{script}\n", encoding="utf-8", errors="replace"
            )
            if found.returncode is None:
                raise asyncssh.ConnectionLost("the session ended early")
            output = str(found.stdout).partition(f"{_BEGIN}\n")[2]
            return Done(found.returncode, output, str(found.stderr))

        return connections().use(self.login, work)

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files; they have their names only once they are whole."""

        async def work(line: Line) -> None:
            there = await line.files()
            writing = (_write(there, PurePosixPath(path), files[path]) for path in files)
            for failure in await asyncio.gather(*writing, return_exceptions=True):
                if failure is not None:
                    raise failure

        size = sum(map(len, files.values()))
        connections().use(self.login, work, CALL_SECONDS + size / SLOWEST)

    def get(self, path: str) -> bytes | None:
        """What a file holds; None if there is none."""

        async def work(line: Line) -> bytes | None:
            there = await line.files()
            try:
                async with there.open(path, "rb") as file:
                    found: bytes = await file.read()
                    return found
            except asyncssh.SFTPNoSuchFile:
                return None

        return connections().use(self.login, work, TRANSFER_SECONDS)


async def _write(there: asyncssh.SFTPClient, path: PurePosixPath, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    private = asyncssh.SFTPAttrs(permissions=0o600)
    async with there.open(partial, "wb", attrs=private) as file:
        await file.write(content)
    await there.posix_rename(partial, path)
