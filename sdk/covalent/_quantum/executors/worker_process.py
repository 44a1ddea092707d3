"""A process that runs what it is sent, and the side that sends.

It is a fresh interpreter at the end of two pipes, not one of `multiprocessing`: so it runs nothing of the user's main
module a second time, works where there are no semaphores (AWS Lambda) and under processes that may not have children of
that kind (daemons), and takes functions and classes of notebooks, by cloudpickle. It ends when its input ends, also in
the middle of a circuit: a killed parent leaves none behind.
"""

import contextlib
import os
import pickle
import struct
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import cloudpickle

_PROGRAM = Path(__file__).with_name("worker_main.py")
_HEAD = struct.Struct("!Q")
_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)


_workers: "weakref.WeakSet[Worker]" = weakref.WeakSet()


def _leave_to_the_parent() -> None:
    """In a process that was forked off: hold no end of the parent's pipes open, and have nothing to write into them."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for each in list(_workers):
        each.let_go(nowhere)
    os.close(nowhere)


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_leave_to_the_parent)


class Worker:
    """One such process.

    Args:
        share: among how many such processes the machine's cores are divided: so many threads has its linear algebra.

    """

    def __init__(self, share: int) -> None:
        threads = max(1, (os.cpu_count() or 1) // share)
        self._process = subprocess.Popen(  # noqa: S603  # this interpreter, our own program
            [sys.executable, "-P", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **{name: str(threads) for name in _THREADS}},
        )
        _workers.add(self)
        self._send(pickle.dumps(sys.path))

    def is_alive(self) -> bool:
        """Whether it can be sent something."""
        return self._process.poll() is None

    def call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a function there.

        Returns:
            What it returns.

        Raises:
            Exception: what it raises, with the text of its traceback as the cause.
            RuntimeError: the process ended before the function did.

        """
        self._send(cloudpickle.dumps((function, args, kwargs)))
        outcome, text = self._receive()
        if text is None:
            return outcome
        raise outcome from RuntimeError(f"in a process of the quantum executor:\n{text}")

    def kill(self) -> None:
        """End the process in the middle of what it runs."""
        self._process.kill()
        self._process.wait()

    def let_go(self, nowhere: int) -> None:
        """Put another file in the place of the pipes."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None and not stream.closed:
                os.dup2(nowhere, stream.fileno(), inheritable=False)

    def close(self) -> None:
        """End the process and wait for its end."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):  # it was killed before it had read all
                    stream.close()
        self._process.wait()

    def _send(self, frame: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101  # a pipe
        try:
            stdin.write(_HEAD.pack(len(frame)) + frame)
            stdin.flush()
        except OSError as exc:
            raise self._ended() from exc

    def _receive(self) -> Any:
        stdout: IO[bytes] | None = self._process.stdout
        assert stdout is not None  # noqa: S101  # a pipe
        head = stdout.read(_HEAD.size)
        frame = stdout.read(*_HEAD.unpack(head)) if len(head) == _HEAD.size else b""
        if not frame:
            raise self._ended()
        return pickle.loads(frame)  # noqa: S301  # our own process

    def _ended(self) -> RuntimeError:
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        hint = " (out of memory?)" if code == -9 else ""
        return RuntimeError(f"a process of the quantum executor {how} during a circuit{hint}")
