"""Worker processes that run Lambda handlers: warm, bounded, killable.

There is one pool for all functions. Who finds every worker busy waits; the clock of a time limit starts when a
worker is obtained.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from covalent_localstack import worker
from covalent_runner import processes

START_SECONDS = 60
HOLD_SECONDS = 10
"""What a worker gets to cancel a job that it has started elsewhere, before it is killed."""


class TimedOut(Exception):
    """The time limit passed; the worker was killed."""


class Cancelled(Exception):
    """The owner of the call was cancelled."""


class WorkerExited(Exception):
    """The process ended before it answered. `why` is worded as AWS words it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _Worker:
    def __init__(self, environment: Mapping[str, str], log: IO[bytes], preload: str) -> None:
        ours, theirs = socket.socketpair()
        self._connection = ours
        # -P keeps this package's folder, which holds the script, off the module path of the user's code.
        self._mark = uuid.uuid4().hex
        command = [sys.executable, "-P", worker.__file__, str(theirs.fileno()), preload]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and script
                command,
                env={**environment, processes.MARK: self._mark},
                cwd="/",
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._folder = environment.get(processes.FOLDER, "")
        self.owner = ""
        self.cancelled = False
        try:
            self.call(None, START_SECONDS)
        except BaseException:
            self.kill()
            raise

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def is_held(self) -> bool:
        """Whether it has a job to cancel elsewhere, and ends by itself when it is told that it was cancelled."""
        return processes.is_held(self._folder, self._mark)

    def await_end(self) -> None:
        """Let it end by itself, but not for long."""
        try:
            self._process.wait(HOLD_SECONDS)
        except subprocess.TimeoutExpired:
            end([self])

    def call(self, message: Mapping[str, Any] | None, limit: float) -> dict[str, Any]:
        self._connection.settimeout(limit)
        if message is not None:
            worker.send(self._connection, message)
        return worker.receive(self._connection)

    def kill(self) -> int:
        end([self])
        return self.reap()

    def reap(self) -> int:
        """Its exit status, once it has been killed."""
        code = self._process.wait()
        self._connection.close()
        return code

    def exit_reason(self) -> str:
        """Why it ended. Its children, if any, are ended with it."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        code = self.kill()
        if code < 0:
            return f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"
        return f"exit status {code}"


def end(workers: Collection[_Worker]) -> None:
    """Kill workers with all that they have started, wherever it is by now."""
    if not workers:
        return
    pids = [each._process.pid for each in workers]
    _signal(pids, signal.SIGSTOP)  # or an electron would see its child end, and end by itself
    processes.end(pids, [each._mark for each in workers])
    _signal(pids, signal.SIGKILL)


def _signal(groups: Collection[int], number: signal.Signals) -> None:
    for each in groups:
        with suppress(ProcessLookupError):
            os.killpg(each, number)


class WorkerPool:
    """At most `size` worker processes, started ahead and replaced when they die."""

    def __init__(
        self, size: int, environment: Mapping[str, str], log: Path, preload: str = ""
    ) -> None:
        self._size = size
        self._environment = environment
        self._preload = preload
        self._log = log.open("ab")
        self._changed = threading.Condition()
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._count = 0
        self._cancelled: set[str] = set()
        self._closed = False

    def warm(self) -> None:
        """Start missing workers in the background."""
        threading.Thread(target=self._fill, daemon=True, name="workers").start()

    def run(self, message: Mapping[str, Any], limit: float, owner: str = "") -> dict[str, Any]:
        """Have a worker answer a message.

        Raises:
            TimedOut: no answer within `limit` seconds from the moment a worker took it.
            Cancelled: `cancel(owner)` was called before or meanwhile.
            WorkerExited: the process ended.

        """
        mine = self._obtain(owner)
        try:
            answer = mine.call(message, limit)
        except TimeoutError:
            self._discard(mine)
            raise TimedOut from None
        except (EOFError, ConnectionError):
            why = mine.exit_reason()
            self._discard(mine)
            if mine.cancelled:
                raise Cancelled from None
            raise WorkerExited(why) from None
        except BaseException:
            self._discard(mine)
            raise
        self._give_back(mine)
        return answer

    def cancel(self, owner: str) -> None:
        """Kill what runs for `owner`, and run nothing more for it."""
        with self._changed:
            self._cancelled.add(owner)
            ended = [each for each in self._busy if each.owner == owner]
            for each in ended:
                each.cancelled = True
            held = [each for each in ended if each.is_held]
            end([each for each in ended if each not in held])
            self._changed.notify_all()
        for each in held:
            threading.Thread(target=each.await_end, daemon=True, name="held worker").start()

    def close(self) -> None:
        """Kill every worker."""
        with self._changed:
            self._closed = True
            workers = [*self._idle, *self._busy]
            end(workers)
            for each in workers:
                each.cancelled = True
                each.reap()
            self._idle.clear()
            self._changed.notify_all()
        self._log.close()

    def _spawn(self) -> _Worker:
        try:
            return _Worker(self._environment, self._log, self._preload)
        except (EOFError, ConnectionError, TimeoutError) as exc:
            raise WorkerExited("exit status 1") from exc

    def _obtain(self, owner: str) -> _Worker:
        mine = self._wait(owner)
        if mine is None:
            try:
                mine = self._spawn()
            except BaseException:
                self._forget()
                raise
        with self._changed:
            mine.owner = owner
            self._busy.add(mine)
            too_late = self._closed or (owner and owner in self._cancelled)
        if too_late:
            self._give_back(mine)
            raise Cancelled
        return mine

    def _wait(self, owner: str) -> _Worker | None:
        """An idle worker, or None with the right to start one."""
        with self._changed:
            while True:
                if self._closed or (owner and owner in self._cancelled):
                    raise Cancelled
                while self._idle:
                    mine = self._idle.pop()
                    if mine.is_alive:
                        return mine
                    mine.kill()
                    self._count -= 1
                if self._count < self._size:
                    self._count += 1
                    return None
                self._changed.wait()

    def _give_back(self, mine: _Worker) -> None:
        with self._changed:
            self._busy.discard(mine)
            mine.owner = ""
            if self._closed or mine.cancelled:
                mine.kill()
                self._count -= 1
                self._changed.notify()
                return
            self._idle.append(mine)
            self._changed.notify()

    def _discard(self, mine: _Worker) -> None:
        with self._changed:
            self._busy.discard(mine)
        mine.kill()
        self._forget()
        self.warm()

    def _forget(self) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify()

    def _fill(self) -> None:
        while True:
            with self._changed:
                if self._closed or self._count >= self._size:
                    return
                self._count += 1
            try:
                mine = self._spawn()
            except (OSError, WorkerExited, ValueError):
                self._forget()
                return
            self._give_back(mine)
