"""What goes wrong between here and a host, as `Refused` or `Busy`."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh

from covalent_executors.adapter import Busy, Refused
from covalent_executors.hosts import host_keys
from covalent_executors.hosts.login import Login

_UNSUITABLE = (asyncssh.KeyExchangeFailed, asyncssh.ProtocolNotSupported, asyncssh.ProtocolError)
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


@contextmanager
def translated(login: Login) -> Iterator[None]:
    """Turn what asyncssh raises in a block into `Refused` or `Busy`, with the cure."""
    try:
        yield
    except asyncssh.PermissionDenied as exc:
        raise Refused(
            f"{login.host} does not let {login.user!r} in with this key ({exc.reason}): check username and"
            " ssh_key_file; its public half must be in ~/.ssh/authorized_keys of that user there"
        ) from exc
    except asyncssh.HostKeyNotVerifiable as exc:
        raise Refused(_untrusted(login)) from exc
    except _UNSUITABLE as exc:
        raise Refused(
            f"{login.host}, port {login.port}, is no ssh server that can be talked to: {exc.reason}"
        ) from exc
    except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection) as exc:
        raise Busy(f"the connection to {login} was lost: {exc.reason}") from exc
    except asyncssh.SFTPError as exc:
        raise Refused(f"files cannot be written at {login}: {exc.reason}") from exc
    except (asyncssh.Error, OSError) as exc:
        raise _unreachable(login, exc) from exc


def _unreachable(login: Login, exc: Exception) -> Refused | Busy:
    if isinstance(exc, socket.gaierror) and exc.errno in _NO_SUCH_NAME:
        return Refused(f"there is no host {login.host!r}: check its name")
    told = str(exc) or "it took too long"
    return Busy(f"{login} does not answer: {told}")


def _untrusted(login: Login) -> str:
    scan = f"`ssh-keyscan -p {login.port} {login.host}`"
    where = login.known_hosts_file or "the lines given as known_hosts"
    if host_keys.is_known(login):
        return (
            f"the key of {login.host} is not the one in {where}: somebody may stand in between, or the host was set up"
            f" anew. Ask those who run it; if so, put what {scan} prints in place of its old lines"
        )
    return (
        f"the key of {login.host} is not among {where}: compare what {scan} prints with the host's own fingerprint,"
        " then add it there, or pass it as known_hosts=..."
    )
