"""Runtime sessions, kept from one call to the next: the loop of an optimisation waits once in the queue.

A session that ended meanwhile (idle for too long, or its time is over) is replaced. Accounts that may not have
sessions (the Open Plan) get a batch, which has the same form. One is closed when the electron that opened it ends, or
else when the process does, so that its idle time is not billed.
"""

import atexit
import contextlib
import os
import threading
from dataclasses import dataclass
from typing import Any

from qiskit_ibm_runtime import Batch, Session
from qiskit_ibm_runtime.api.exceptions import RequestsApiError

from covalent._quantum.ibm import retired
from covalent._quantum.ibm.account import Account
from covalent_contracts import attachments

_NOT_FOR_THE_PLAN = "1352"


@dataclass(frozen=True)
class _Key:
    account: Account
    backend: str
    max_time: int | None
    process: int
    """A process that was forked off must not close what its parent uses."""


_open: dict[_Key, Any] = {}
_lock = threading.Lock()


def session(account: Account, backend: Any, max_time: int | None) -> Any:
    """A session (or batch) of the back end that takes jobs.

    Args:
        account: whose session.
        backend: of the service.
        max_time: seconds until the service closes the session.

    """
    key = _Key(account, backend.name, max_time, os.getpid())
    with _lock:
        known = _open.get(key)
        if known is None or not _takes_jobs(known):
            known = _open[key] = _new(account, backend, max_time)
            electron = attachments.collector()
            if electron is not None:
                electron.at_end(lambda: _close(key))
        return known


def _takes_jobs(known: Any) -> bool:
    try:
        details = known.details()
    except RequestsApiError:  # forgotten there; if the service is away, opening another says so
        return False
    return details is None or bool(details["accepting_jobs"])


def _new(account: Account, backend: Any, max_time: int | None) -> Any:

    with account.errors("open a session"):
        try:
            return Session(backend=backend, max_time=max_time)
        except RequestsApiError as exc:
            if _NOT_FOR_THE_PLAN not in str(exc):
                raise
        retired.tell_once(
            "session",
            "The Open Plan of IBM Quantum has no sessions any more: a batch is used instead.",
        )
        return Batch(backend=backend, max_time=max_time)


def close_all() -> None:
    """Close every session."""
    for key in list(_open):
        _close(key)


def _close(key: _Key) -> None:
    with _lock:
        known = _open.pop(key, None)
    if known is not None and key.process == os.getpid():
        with contextlib.suppress(Exception):  # the service closes it by itself, after a while
            known.close()


atexit.register(close_all)
