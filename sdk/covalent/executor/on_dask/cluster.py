"""A Dask cluster as one electron needs it: submit, wait, cancel. One client per scheduler and process."""

from __future__ import annotations

import asyncio
import builtins
import importlib
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from covalent._programmatic.dask_cluster import security_of
from covalent._shared_files.exceptions import MissingExtra, TaskCancelledError, TaskRuntimeError

CONNECT_SECONDS = 10
GRACE = 2.0
"""Seconds that an interrupted function gets to notice it before its worker is started anew."""
_POLL = 0.1
_CALL = "(lambda names: (exec(source, names), names['electron'](*given, **named))[1])({'__name__': 'covalent_on_dask'})"
"""What a worker evaluates: our program, then a function of it. It is text, so any version of Python can read it."""

_clients: dict[str, Any] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Task:
    """One electron that was submitted."""

    future: Any
    client: Any

    @property
    def key(self) -> str:
        """By which Dask knows it."""
        return str(self.future.key)

    async def outcome(self) -> dict[str, Any]:
        """What `remote.electron` returns.

        Raises:
            TaskRuntimeError: its worker, or the scheduler, was lost.
            TaskCancelledError: somebody has cancelled it.

        """
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def tell(_: Any) -> None:
            with suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(ended.set)

        self.future.add_done_callback(tell)
        await ended.wait()
        found: dict[str, Any] = await asyncio.to_thread(self._result)
        return found

    def _result(self) -> Any:
        from distributed import KilledWorker  # noqa: PLC0415  # an extra

        try:
            return self.future.result()
        except KilledWorker as exc:
            raise TaskRuntimeError(
                f"the Dask worker {_address_of(exc)} ended while it ran the electron: it was killed, or had too "
                "little memory; its own log tells"
            ) from exc
        except asyncio.CancelledError as exc:
            if self.client.status != "running":
                raise TaskRuntimeError(
                    f"the Dask scheduler at {self.client.scheduler.address} was lost while the electron ran"
                ) from exc
            raise TaskCancelledError("the task was cancelled on the Dask cluster") from exc


def client_of(address: str) -> Any:
    """The client of a scheduler.

    Raises:
        TaskRuntimeError: nobody answers there.
        MissingExtra: distributed is not installed.

    """
    with _lock:
        known = _clients.get(address)
        if known is None or known.status != "running":
            known = _clients[address] = _connected(address)
        return known


def submit(address: str, payload: bytes, named: dict[str, Any], name: str) -> Task:
    """Have a worker run an electron, once: if the worker dies, no other one tries.

    Args:
        address: of the scheduler.
        payload: function and arguments.
        named: the other parameters of `remote.electron`.
        name: of the function, for Dask's dashboard.

    """
    client = client_of(address)
    key = f"{name}-{uuid4().hex}"
    names = {"source": _source(), "given": (payload,), "named": {**named, "key": key}}
    task = Task(client.submit(builtins.eval, _CALL, names, key=key, pure=False, retries=0), client)
    _only_once(client, key)
    return task


def cancel(address: str, key: str) -> None:
    """Take a task back, and end the function if it runs already, as far as Dask allows.

    It is interrupted in Python code, and the processes are ended that it has started. One that does not notice, in a
    call of C, is ended with the process of its worker, if a nanny starts that anew and it holds and runs nothing else;
    otherwise it goes on to its end.
    """
    from distributed import Future  # noqa: PLC0415  # an extra

    client = client_of(address)
    worker = next((each for each, keys in client.processing().items() if key in keys), None)
    client.cancel([Future(key, client)], force=True)
    if worker is None or not _asked(client, worker, "interrupt", key):
        return
    _asked(client, worker, "end_children", key)
    end = time.monotonic() + GRACE
    while time.monotonic() < end:
        runs, is_alone = _asked(client, worker, "looks", key) or (False, False)
        if not runs:
            return
        time.sleep(_POLL)
    if is_alone and client.scheduler_info(n_workers=-1)["workers"][worker].get("nanny"):
        client.restart_workers([worker], timeout=CONNECT_SECONDS, raise_for_error=False)


def _asked(client: Any, worker: str, name: str, key: str) -> Any:
    """What a function of `remote` says of a task; None if the worker does not answer."""
    source = _source()

    def ask(dask_worker: Any) -> Any:
        names: dict[str, Any] = {"__name__": "covalent_on_dask"}
        exec(source, names)  # noqa: S102  # our own text
        return names[name](key, dask_worker)

    with suppress(Exception):  # it has ended
        return client.run(ask, workers=[worker], on_error="return").get(worker)
    return None


def _only_once(client: Any, key: str) -> None:
    """Have the scheduler give a task up when its worker dies, where it would try three more."""

    async def once(dask_scheduler: Any) -> None:
        import asyncio  # noqa: PLC0415  # it runs elsewhere

        for _ in range(200):  # the task comes by another way
            task = dask_scheduler.tasks.get(key)
            if task is not None:
                task.suspicious = int(dask_scheduler.allowed_failures)
                return
            await asyncio.sleep(0.01)

    with suppress(Exception):  # a scheduler that runs nothing for others: then it is as Dask has it
        client.run_on_scheduler(once)


@cache
def _source() -> str:
    return Path(__file__).with_name("remote.py").read_text()


def _connected(address: str) -> Any:
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as exc:
        raise MissingExtra(
            "Dask executors need distributed, which is not installed where electrons run: "
            "pip install 'covalent-serverless[dask]'"
        ) from exc
    try:
        keys = security_of(address)
        security = None if keys is None else distributed.Security(require_encryption=True, **keys)
        return distributed.Client(
            address, timeout=CONNECT_SECONDS, security=security, set_as_default=False
        )
    except (OSError, TimeoutError, ValueError) as exc:
        raise TaskRuntimeError(
            f"no Dask scheduler answers at {address!r}: start it, or correct scheduler_address ({exc})"
        ) from exc


def _address_of(exc: Any) -> str:
    return str(getattr(getattr(exc, "last_worker", None), "address", ""))
