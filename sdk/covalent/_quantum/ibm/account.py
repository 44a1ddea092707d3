"""Who asks IBM Quantum, and what it may use there. Connecting costs several requests: each account connects once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.accounts.exceptions import AccountsError
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import IBMInputValueError, IBMNotAuthorizedError

from covalent._quantum.ibm import retired
from covalent._quantum.ibm.errors import (
    BackendUnavailable,
    TokenMissing,
    TokenRefused,
    UnknownBackend,
)
from covalent._quantum.ibm.secret import Token, behind, without

_REFUSED = frozenset({400, 401, 403})
_CALIBRATED = (
    3600  # seconds for which a back end's description holds: devices are calibrated every few hours
)
_CURE = (
    "give ibmqx_token, or set qelectron.{executor}.ibmqx_token in Covalent's configuration, here or where the "
    "executor is made, to an API key of "
    "IBM Cloud (https://quantum.cloud.ibm.com)"
)


@dataclass(frozen=True)
class Account:
    """What it takes to connect.

    Args:
        executor: the name of the executor that asks, for messages.
        token: an API key of IBM Cloud.
        channel: one that is in service.
        instance: a CRN or the name of a service; None takes those of the account.
        url: the address of the Runtime API, or the cloud's; None for IBM's.

    """

    executor: str
    token: Token = field(repr=False)
    channel: str
    instance: str | None = None
    url: str | None = None

    def service(self) -> Any:
        """The service of Qiskit Runtime, connected.

        Raises:
            TokenMissing: there is no token.
            TokenRefused: the token is not known, or the instance is not for it.
            BackendUnavailable: the service cannot be reached.

        """
        if not self.token:
            raise TokenMissing(f"{self.executor}: no token; {_CURE.format(executor=self.executor)}")
        with _connecting:
            return _connected(self)

    def backend(self, name: str) -> Any:
        """The back end of that name.

        Raises:
            UnknownBackend: the account has no such back end; the message names those that it has.

        """
        self.service()
        with _connecting:
            return _found(self, name, int(time.monotonic() // _CALIBRATED))

    def look_for(self, name: str) -> Any:
        """Ask the service for a back end, as `backend` does, whether it is known or not."""
        service = self.service()
        with self.errors(f"look for the back end {name!r}"):
            found = service.backends(name)
            if found:
                return found[0]
            there = sorted(each.name for each in service.backends())
        fate = " was retired;" if name.startswith("ibmq_") else " is not there:"
        raise UnknownBackend(
            f"{self.executor}: the back end {name!r}{fate} this account has {', '.join(there) or 'none'}"
        )

    def ready(self, backend: Any, max_pending_jobs: int | None) -> None:
        """Refuse a back end that is offline, or that has too long a queue.

        Raises:
            BackendUnavailable: with those that could take its place.

        """
        with self.errors(f"ask for the state of {backend.name}"):
            status = backend.status()
        if not status.operational:
            raise BackendUnavailable(
                f"{self.executor}: the back end {backend.name} is offline ({status.status_msg or 'no reason given'})"
                f"{self._others(backend.name)}"
            )
        if max_pending_jobs is not None and status.pending_jobs > max_pending_jobs:
            raise BackendUnavailable(
                f"{self.executor}: {status.pending_jobs} jobs wait for {backend.name}, more than "
                f"max_pending_jobs={max_pending_jobs}{self._others(backend.name)}"
            )

    def _others(self, name: str) -> str:
        service = self.service()
        with self.errors("look for back ends"):
            states = {b.name: b.status() for b in service.backends() if b.name != name}
        waiting = sorted((s.pending_jobs, n) for n, s in states.items() if s.operational)
        told = ", ".join(f"{n} ({jobs} jobs wait)" for jobs, n in waiting)
        return f"; others: {told}" if told else "; no other is operational"

    @contextmanager
    def errors(self, doing: str) -> Iterator[None]:
        """Translate what the service's client raises; the token is struck out of every text, or the text left out."""
        try:
            yield
        except (IBMNotAuthorizedError, AccountsError, IBMInputValueError, RequestsApiError) as exc:
            raise self._ours(exc, doing) from behind(exc, self.token)

    def _ours(self, exc: Exception, doing: str) -> Exception:
        match exc:
            case IBMNotAuthorizedError():
                return TokenRefused(self._text(f"IBM Quantum refused the token; {_CURE}", exc))
            case AccountsError():
                return self._of_account(exc)
            case IBMInputValueError():
                return TokenRefused(self._text("the instance is not for this token", exc))
            case _:
                return BackendUnavailable(self._text(f"could not {doing}", exc))

    def _of_account(self, exc: Exception) -> Exception:
        """Tell a refused token from a service that was not reached: the client says the same of both."""
        behind = exc.__context__
        code = getattr(behind, "status_code", None) or getattr(behind, "code", None)
        if behind is None or code in _REFUSED:
            return TokenRefused(
                self._text(f"IBM Quantum refused the token; {_CURE}", behind or exc)
            )
        return BackendUnavailable(self._text("IBM Quantum cannot be reached", behind))

    def _text(self, what: str, exc: BaseException) -> str:
        told = what.format(executor=self.executor)
        return without(f"{self.executor}: {told}: {exc}", self.token)


_connecting = threading.RLock()
"""The client of Qiskit Runtime has one instance at a time, and changes it while it looks for back ends."""


@lru_cache
def _found(account: Account, name: str, hour: int) -> Any:  # noqa: ARG001  # it ends what is remembered
    return account.look_for(name)


@cache
def _connected(account: Account) -> Any:

    base, resolver = _addresses(account.url)
    with account.errors("connect"):
        return QiskitRuntimeService(
            channel=account.channel,
            token=str(account.token),
            url=base,
            instance=account.instance,
            url_resolver=resolver,
        )


def forget() -> None:
    """Connect anew."""
    _connected.cache_clear()
    _found.cache_clear()


def _addresses(url: str | None) -> tuple[str | None, Callable[..., str] | None]:
    """The cloud's address, and what resolves it to that of the Runtime API.

    An address with a path is the Runtime API itself. One without is a cloud, of whose host the client makes the
    names of all services.
    """
    if url is None:
        return None, None
    if urlsplit(url).path.strip("/"):
        address = url.rstrip("/")
        return None, lambda *_: address
    return url, None


def account_of(fields: Any) -> Account:
    """The account that an executor's fields describe, with successors for what is out of service."""
    return Account(
        executor=type(fields).__name__,
        token=fields.token_here(),
        channel=retired.channel(getattr(fields, "channel", "ibm_quantum")),
        instance=retired.instance(
            getattr(fields, "instance", ""),
            getattr(fields, "cloud_instance", ""),
            (fields.hub, fields.group, fields.project),
        ),
        url=retired.url(getattr(fields, "ibmqx_url", None)),
    )
