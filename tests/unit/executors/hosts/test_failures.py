"""What goes wrong on the way to a host, and whether it is worth another try."""

import socket

import asyncssh
import pytest

from covalent_executors.adapter import Busy, Refused
from covalent_executors.hosts import failures
from covalent_executors.hosts.login import Login

LOGIN = Login("host.example.org", "user", "d0n0ttell", port=2222, known_hosts="x ssh-ed25519 AAAA")


@pytest.mark.parametrize(
    ("exc", "told"),
    [
        (asyncssh.PermissionDenied("no more methods"), "does not let 'user' in .*authorized_keys"),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "no host 'host.example.org'",
        ),
        (asyncssh.KeyExchangeFailed("no matching algorithm"), "is no ssh server that can be"),
        (asyncssh.SFTPFailure("No space left on device"), "cannot be written .*No space left"),
        (asyncssh.HostKeyNotVerifiable("not trusted"), "ssh-keyscan -p 2222 host.example.org"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_must_be_changed(exc: Exception, told: str) -> None:
    with pytest.raises(Refused, match=told) as refusal, failures.translated(LOGIN):
        raise exc
    assert "d0n0ttell" not in str(refusal.value)


@pytest.mark.parametrize(
    "exc",
    [
        TimeoutError(),
        ConnectionRefusedError(111, "Connection refused"),
        OSError(113, "No route to host"),
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        asyncssh.ConnectionLost("gone"),
        asyncssh.SFTPConnectionLost("gone"),
        asyncssh.ChannelOpenError(1, "too many sessions"),
        asyncssh.DisconnectError(2, "too many connections"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_may_pass(exc: Exception) -> None:
    with pytest.raises(Busy, match=r"user@host\.example\.org:2222"), failures.translated(LOGIN):
        raise exc


def test_our_own_errors_stay() -> None:
    with pytest.raises(KeyError), failures.translated(LOGIN):
        raise KeyError("a mistake of ours")


def test_a_login_does_not_show_its_key() -> None:
    assert "d0n0ttell" not in repr(LOGIN)
    assert str(LOGIN) == "user@host.example.org:2222"
