"""What a Dask worker does with an electron. It gets this file as text: Covalent need not be installed there.

Needs the standard library, cloudpickle and distributed, on any Python that these run on: whether the electron can be
unpickled is looked at before it is. What comes back is a dictionary with `kind`:

value    the electron has returned; `data` is its value, pickled
error    it has raised; `data` is the exception, pickled, `trace` where it was raised (`tblib`)
text     it has raised, or returned, what cannot be pickled; `text` says what
stopped  it was interrupted
python   this worker has another Python (`text`) than the electron needs
"""

import contextlib
import ctypes
import io
import os
import pickle
import platform
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import cloudpickle
import psutil
from distributed import get_worker
from tblib import Traceback  # type: ignore[import-untyped]  # it has no types

_ATTRIBUTE = "covalent_running"


class _Running(NamedTuple):
    """An electron: the thread that runs it, and the child processes that there were before."""

    thread: int
    others: frozenset[int]


_Table = tuple[dict[str, _Running], threading.Lock]


def electron(payload: bytes, python: str, key: str, dispatch_id: str, node: int) -> dict[str, Any]:
    """Run an electron in this thread.

    Args:
        payload: function, arguments and keyword arguments, pickled.
        python: the version that pickled them.
        key: by which Dask knows the task.
        dispatch_id: of the dispatch.
        node: of the electron.

    """
    here = platform.python_version()
    where = f"{socket.gethostname()}, process {os.getpid()}"
    if here.split(".")[:2] != python.split(".")[:2]:
        return {"kind": "python", "text": here, "where": where}
    with _captured() as streams:
        found = _outcome(payload, key, dispatch_id, node)
    out, err = (stream.getvalue() for stream in streams)
    return {**found, "where": where, "stdout": out, "stderr": err}


def interrupt(key: str, dask_worker: Any) -> bool:
    """Raise KeyboardInterrupt in the thread that runs an electron, which notices when it is next in Python code.

    Returns:
        Whether it runs here.

    """
    running, lock = _table(dask_worker)
    with lock:
        known = running.get(key)
        if known is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(known.thread), ctypes.py_object(KeyboardInterrupt)
            )
    return known is not None


def end_children(key: str, dask_worker: Any) -> None:
    """End the processes that an electron has started, if it is the only one here."""
    running, lock = _table(dask_worker)
    with lock:
        known = running.get(key)
        if known is None or len(running) > 1 or dask_worker.state.executing_count > 1:
            return
    for child in psutil.Process().children():
        if child.pid not in known.others:
            with contextlib.suppress(psutil.Error):  # it has ended
                for each in (*child.children(recursive=True), child):
                    each.kill()


def looks(key: str, dask_worker: Any) -> tuple[bool, bool]:
    """Whether an electron runs here, and whether nobody would miss anything if this process ended."""
    running, lock = _table(dask_worker)
    with lock:
        runs, others = key in running, len(running) - 1
    busy = dask_worker.state.executing_count > 1 or len(dask_worker.data) > 0
    return runs, others < 1 and not busy


def _table(worker: Any) -> "_Table":
    """The electrons of this worker."""
    table = vars(worker).get(_ATTRIBUTE)
    if table is None:
        table = vars(worker).setdefault(_ATTRIBUTE, ({}, threading.Lock()))
    found: _Table = table
    return found


@contextlib.contextmanager
def _interruptible(key: str) -> Iterator[None]:
    """Have `interrupt` find this thread, and leave it alone afterwards."""
    running, lock = _table(get_worker())
    children = psutil.Process().children()
    known = _Running(threading.get_ident(), frozenset(each.pid for each in children))
    with lock:
        running[key] = known
    try:
        yield
    finally:
        while key in running:
            with contextlib.suppress(KeyboardInterrupt), lock:  # one that comes late
                running.pop(key, None)


def _outcome(payload: bytes, key: str, dispatch_id: str, node: int) -> dict[str, Any]:
    try:
        with _interruptible(key), _context(dispatch_id, node):
            function, args, kwargs = pickle.loads(payload)  # noqa: S301  # a user's code, on a cluster of his own
            value = function(*args, **kwargs)
    except KeyboardInterrupt:
        return {"kind": "stopped"}
    except BaseException as exc:  # noqa: BLE001  # also SystemExit
        return _failure(exc)
    try:
        return {"kind": "value", "data": cloudpickle.dumps(value)}
    except Exception as exc:  # noqa: BLE001  # whatever pickling raises
        kind = type(value).__qualname__
        text = f"it returned a {kind} that cannot be pickled: {type(exc).__name__}: {exc}"
        return {"kind": "text", "text": text}


def _failure(exc: BaseException) -> dict[str, Any]:
    trace = exc.__traceback__
    while trace is not None and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    frames = None if trace is None else Traceback(trace).to_dict()
    try:
        data = cloudpickle.dumps(exc)
        pickle.loads(data)  # noqa: S301  # our own bytes
    except Exception:  # noqa: BLE001  # whatever pickling raises
        text = f"it raised {type(exc).__qualname__}, which cannot be pickled: {exc!r}"
        return {"kind": "text", "text": text}
    return {"kind": "error", "data": data, "trace": frames}


@contextlib.contextmanager
def _context(dispatch_id: str, node: int) -> Iterator[None]:
    """Let `covalent.get_context()` tell which electron runs, where Covalent is installed."""
    try:
        from covalent_contracts import context  # noqa: PLC0415  # if it is there
    except ImportError:
        yield
        return
    with context.entered(context.Context(dispatch_id, node)):
        yield


class _PerThread(io.TextIOBase):
    """Stands in for `sys.stdout` or `sys.stderr`: what a thread with a target of its own writes goes there."""

    def __init__(self, original: Any) -> None:
        self.original = original
        self.covalent_targets: dict[int, io.StringIO] = {}

    def _target(self) -> Any:
        return self.covalent_targets.get(threading.get_ident(), self.original)

    def write(self, text: str) -> int:
        return int(self._target().write(text))

    def flush(self) -> None:
        self._target().flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


@contextlib.contextmanager
def _captured() -> Iterator[list[io.StringIO]]:
    """What this thread prints in the block; other threads of the worker are not disturbed."""
    me = threading.get_ident()
    held = []
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        if not hasattr(stream, "covalent_targets"):
            stream = _PerThread(stream)
            setattr(sys, name, stream)
        stream.covalent_targets[me] = io.StringIO()
        held.append(stream)
    try:
        yield [stream.covalent_targets[me] for stream in held]
    finally:
        for stream in held:
            stream.covalent_targets.pop(me, None)
