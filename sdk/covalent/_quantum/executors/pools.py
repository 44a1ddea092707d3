"""Where circuits run side by side: threads, processes, an event loop.

A pool belongs to one executor and its copies. It begins with the first circuit, stays warm for the next, and ends with
the executor or with the interpreter. It travels with the executor as nothing: in another process, also in one that was
forked, it begins anew.
"""

import asyncio
import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

from covalent._quantum.calls import SETTLING, Call, begun, current
from covalent._quantum.executors.worker_process import Worker

_WAITING = 64
"""Threads in which coroutines wait for what cannot be awaited."""


class _Pool:
    """What is common: nothing is there until it is needed, and a process never uses what another one began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)  # settings alone tell executors apart

    __hash__ = object.__hash__

    def _began_here(self) -> bool:
        ours = self._pid == os.getpid()
        self._pid = os.getpid()
        return ours


class Threads(_Pool):
    """Threads of this process."""

    def __init__(self) -> None:
        super().__init__()
        self._threads: ThreadPoolExecutor | None = None
        self._size = 0

    def submit(self, size: int, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Call:
        """Run a function in one of `size` threads."""
        with self._lock:
            if not self._began_here() or self._threads is None or size != self._size:
                self._size = size
                self._threads = ThreadPoolExecutor(size, thread_name_prefix="qelectron")
            return begun(self._threads, function, *args, **kwargs)


class Processes(_Pool):
    """Processes that run what they are sent, each kept by a thread here while it does."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = Threads()
        self._idle = _Idle()

    def submit(self, size: int, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Call:
        """Run a function in one of `size` processes; it, its arguments and its result travel by cloudpickle.

        To cancel it while it runs ends its process.
        """
        with self._lock:
            if not self._began_here():
                self._idle = _Idle()
                weakref.finalize(self, self._idle.close)
            idle = self._idle
        return self._threads.submit(size, _run, idle, size, function, args, kwargs)


class Coroutines(_Pool):
    """An event loop in a thread."""

    def __init__(self) -> None:
        super().__init__()
        self._loop: asyncio.AbstractEventLoop | None = None

    def submit(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Run a coroutine."""
        with self._lock:
            if not self._began_here() or self._loop is None:
                self._loop = _loop_in_a_thread()
                end = weakref.finalize(self, self._loop.call_soon_threadsafe, self._loop.stop)
                end.atexit = False  # its thread ends with the interpreter
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def settle(self) -> None:
        """Wait until coroutines that were cancelled have ended, but not for long."""
        with self._lock:
            loop = self._loop if self._pid == os.getpid() else None
        if loop is not None:
            with contextlib.suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(_cancelled_ended(), loop).result(SETTLING)


async def _cancelled_ended() -> None:
    leaving = [each for each in asyncio.all_tasks() if each.cancelling()]
    if leaving:
        await asyncio.wait(leaving)


def _loop_in_a_thread() -> asyncio.AbstractEventLoop:
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    loop = runner.get_loop()
    loop.set_default_executor(ThreadPoolExecutor(_WAITING, thread_name_prefix="qelectron-wait"))
    threading.Thread(target=_run_loop, args=[runner], name="qelectron-loop", daemon=True).start()
    return loop


def _run_loop(runner: asyncio.Runner) -> None:
    with runner:
        runner.get_loop().run_forever()


class _Idle:
    """Processes that wait for something to run."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []
        self._lock = threading.Lock()
        self._closed = False

    def take(self, size: int) -> Worker:
        """One of them, or a new one."""
        with self._lock:
            while self._workers:
                worker = self._workers.pop()
                if worker.is_alive():
                    return worker
        return Worker(size)

    def give_back(self, worker: Worker) -> None:
        """It stays for the next, unless nobody can ask any more."""
        with self._lock:
            if not self._closed and worker.is_alive():
                self._workers.append(worker)
                return
        worker.close()

    def close(self) -> None:
        """End them all, those that still run something when they are given back."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, []
        for each in workers:
            each.close()


def _run(
    idle: _Idle,
    size: int,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    worker = idle.take(size)
    try:
        with current().reaching(worker.kill):
            return worker.call(function, args, kwargs)
    finally:
        idle.give_back(worker)
