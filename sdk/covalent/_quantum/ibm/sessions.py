"""Runtime sessions, kept from one call to the next: the loop of an optimisation waits once in the queue.

A session that ended meanwhile (idle for too long, or its time is over) is replaced. Accounts that may not have
sessions (the Open Plan) get a batch, which has the same form. All are closed when the process ends, so that their
idle time is not billed.
"""

import atexit
import contextlib
import threading
from dataclasses import dataclass
from typing import Any

from qiskit_ibm_runtime import Batch, Session
from qiskit_ibm_runtime.api.exceptions import RequestsApiError

from covalent._quantum.ibm import retired
from covalent._quantum.ibm.account import Account

_NOT_FOR_THE_PLAN = "1352"


@dataclass(frozen=True)
class _Key:
    account: Account
    backend: str
    max_time: int | None


_open: dict[_Key, Any] = {}
_lock = threading.Lock()


def session(account: Account, backend: Any, max_time: int | None) -> Any:
    """A session (or batch) of the back end that takes jobs.

    Args:
        account: whose session.
        backend: of the service.
        max_time: seconds until the service closes the session.

    """
    key = _Key(account, backend.name, max_time)
    with _lock:
        known = _open.get(key)
        if known is None or not _takes_jobs(account, known):
            known = _open[key] = _new(account, backend, max_time)
        return known


def _takes_jobs(account: Account, known: Any) -> bool:
    with account.errors("look at the session"):
        details = known.details()
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
    """Close every session, so that none is billed for being idle."""
    with _lock:
        known = list(_open.values())
        _open.clear()
    for each in known:
        with contextlib.suppress(Exception):  # the service closes it by itself, after a while
            each.close()


atexit.register(close_all)
