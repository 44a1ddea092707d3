"""One connection for each login, kept as long as it is used.

asyncssh runs in a thread with a loop of its own, so that all else may be plain calls. A connection that nobody has
used for a while is closed, as are all of them when the process ends.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import asyncssh

from covalent_executors.adapter import Refused
from covalent_executors.hosts import failures, host_keys
from covalent_executors.hosts.login import Login

T = TypeVar("T")

CONNECT_SECONDS = 15.0
CALL_SECONDS = 60.0
"""For one command."""
IDLE_SECONDS = 60.0
_SESSIONS = 8
"""At once on a connection: sshd allows ten unless it is told otherwise (MaxSessions)."""
_PAUSES = (0.1, 0.3, 1.0, 3.0)
"""Seconds, when it allows no more."""
_KEEPALIVE_SECONDS = 15
_CLOSE_SECONDS = 2.0
_LOST = (
    asyncssh.ConnectionLost,
    asyncssh.ChannelOpenError,
    asyncssh.SFTPConnectionLost,
    asyncssh.SFTPNoConnection,
)


class Line:
    """The connection of one login, made when it is needed, and again when it was lost."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._opening = asyncio.Lock()
        self._sessions = asyncio.Semaphore(_SESSIONS)
        self._connection: asyncssh.SSHClientConnection | None = None
        self._files: asyncssh.SFTPClient | None = None
        self._users = 0
        self._closing: asyncio.TimerHandle | None = None

    async def use(self, work: "Work[T]", seconds: float) -> T:
        """Do something with the connection. If one that was there before turns out to be lost, do it again."""
        self._users += 1
        try:
            async with self._sessions:
                for pause in _PAUSES:
                    used = self._connection if self.is_open else None
                    try:
                        return await self._within(work, seconds)
                    except _LOST as exc:
                        if not await self._recovered(exc, used, pause):
                            raise
                return await self._within(work, seconds)
        finally:
            self._users -= 1
            self._close_later()

    async def _within(self, work: "Work[T]", seconds: float) -> T:
        try:
            return await asyncio.wait_for(work(self), seconds)
        except TimeoutError:
            self.close()  # the other end may have gone without a word
            raise

    async def _recovered(
        self, exc: Exception, used: asyncssh.SSHClientConnection | None, pause: float
    ) -> bool:
        """Whether another try makes sense, after something went wrong on this connection."""
        if isinstance(exc, asyncssh.ChannelOpenError) and self.is_open:
            await asyncio.sleep(pause)  # sshd counts sessions a moment longer than we do
            return True
        if self._connection is used:  # nobody has opened another one yet
            self.close()
        return used is not None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None and not self._connection.is_closed()

    async def connection(self) -> asyncssh.SSHClientConnection:
        """An open connection."""
        async with self._opening:
            if self._connection is None or self._connection.is_closed():
                self.close()
                self._connection = await _connect(self._login)
            return self._connection

    async def files(self) -> asyncssh.SFTPClient:
        """The host's files."""
        connection = await self.connection()
        async with self._opening:
            if self._files is None:
                try:
                    self._files = await connection.start_sftp_client()
                except asyncssh.ChannelOpenError as exc:
                    if exc.code != asyncssh.OPEN_REQUEST_SESSION_FAILED:
                        raise
                    raise Refused(
                        f"{self._login} takes no files: its sshd_config needs a line `Subsystem sftp internal-sftp`"
                    ) from exc
            return self._files

    def close(self) -> None:
        """Close the connection; the next use opens another one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._files = None

    async def end(self) -> None:
        """Close the connection, and wait until it is."""
        connection = self._connection
        self.close()
        if connection is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(connection.wait_closed(), _CLOSE_SECONDS)

    def _close_later(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
        self._closing = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._close_unused)

    def _close_unused(self) -> None:
        if self._users == 0:
            self.close()


Work = Callable[[Line], Awaitable[T]]


async def _connect(login: Login) -> asyncssh.SSHClientConnection:
    known = host_keys.known_hosts(login)
    connecting = asyncssh.connect(
        login.host,
        login.port,
        username=login.user,
        client_keys=[_key(login)],
        known_hosts=known,
        client_factory=lambda: host_keys.Verifier(login, known),
        agent_path=None,
        password=None,
        gss_auth=False,
        gss_kex=False,
        keepalive_interval=_KEEPALIVE_SECONDS,
        connect_timeout=CONNECT_SECONDS,
        login_timeout=CONNECT_SECONDS,
    )
    return await asyncio.wait_for(connecting, 2 * CONNECT_SECONDS)


def _key(login: Login) -> Any:
    try:
        key = asyncssh.import_private_key(login.key)
        if not login.certificate:
            return key
        return key, asyncssh.import_certificate(login.certificate)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as exc:
        if "passphrase" in str(exc).lower():
            raise Refused(_LOCKED) from exc
        raise Refused(f"what ssh_key_file or cert_file names is no key of ssh: {exc}") from exc


_LOCKED = (
    "the key in ssh_key_file is protected by a passphrase, and nobody is there to type it: make a key without one for"
    " this (`ssh-keygen -t ed25519 -N ''`), and let the host know it"
)


class Connections:
    """Those of this process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="covalent-ssh", daemon=True
        )
        self._lines: dict[Login, Line] = {}
        self._thread.start()

    def use(self, login: Login, work: Work[T], seconds: float = CALL_SECONDS) -> T:
        """Do something with the connection of a login, within so many seconds.

        Raises:
            Refused: it will not work, now or later.
            Busy: the host does not answer.

        """
        with failures.translated(login):
            return self._call(self._use(login, work, seconds))

    async def _use(self, login: Login, work: Work[T], seconds: float) -> T:
        line = self._lines.get(login)
        if line is None:
            line = self._lines[login] = Line(login)
        return await line.use(work, seconds)

    def open(self) -> list[Login]:
        """The logins that have an open connection."""
        return [login for login, line in list(self._lines.items()) if line.is_open]

    def forget(self) -> None:
        """Close all connections; those that are needed are opened again."""
        self._call(self._close())

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """Close all connections, and wait until they are."""
        if self._thread.is_alive():
            self._call(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _close(self) -> None:
        for line in self._lines.values():
            await line.end()


def connections() -> Connections:
    """Those of this process; a child of it has its own."""
    return _of(os.getpid())


@cache
def _of(pid: int) -> Connections:
    found = Connections()
    atexit.register(lambda: found.close() if os.getpid() == pid else None)
    return found
