"""Start a job that outlives the connection, look at it, end it: `python keeper.py start|look|cancel FOLDER`.

This file is copied to the host and runs there alone. In the job's folder it keeps

pid   who looks after the job, in whose session it runs: process, its start, the boot of the host. Of several starters
      the one whose file is there first starts the job, the others start nothing. Cancelling puts an empty one there.
exit  how the job ended.
log   what it has written.

The first two appear as a whole. The answer is a line of JSON.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARK = "COVALENT_JOB"
"""In the environment of all that the job starts, so that it is found even in a session of its own."""
GRACE = 5.0
"""Seconds between TERM and KILL."""
_PAUSE = 0.02
_LEAST_FIELDS = 20
"""In /proc/PID/stat after the name of the program, so that the start is among them."""

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Process:
    """One that runs on this host. Where there is no /proc, `session` is its process group."""

    session: int
    state: str
    start: str


def start(folder: Path, name: str, seconds: str, *command: str) -> Answer:
    """Start a job, unless one was started in this folder.

    Args:
        folder: the job's, absolute.
        name: the job's.
        seconds: how long it may run; "0" for as long as it likes.
        command: what it is.

    Returns:
        {}, in either case.

    Raises:
        OSError: it cannot be started; the message tells why.

    """
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        _detach(folder)
        with suppress(OSError), os.fdopen(writer, "wb") as told:
            _keep(folder, name, float(seconds), command, told.close)
        os._exit(0)
    os.close(writer)
    os.read(reader, 1)  # until the other process has let go
    if _read(folder / "pid") is None:
        raise OSError(f"{folder} cannot be written")
    return {}


def _detach(folder: Path) -> None:
    """Leave the connection's session; what is written from here on goes to the log."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # no handler survives exec: the job has the default
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)


def _keep(
    folder: Path, name: str, seconds: float, command: tuple[str, ...], begun: Callable[[], None]
) -> None:
    if not _put(folder / "pid", _identity()):
        return
    killed = _oom_kills()
    environment = {"COVALENT_WORK_DIR": str(folder), **os.environ, MARK: name}
    try:
        job = subprocess.Popen(command, cwd=folder, env=environment)  # noqa: S603  # what this is for
    except OSError as exc:
        _put(folder / "exit", {"error": str(exc)})
        return
    begun()
    overdue = False
    try:
        status = job.wait(seconds or None)
    except subprocess.TimeoutExpired:
        overdue = True
        _end(os.getpid(), name)
        status = job.wait()
    _put(
        folder / "exit",
        {"status": status, "overdue": overdue, "oom": status < 0 and _oom_kills() > killed},
    )
    _end(os.getpid(), name)  # what it left behind


def look(folder: Path) -> Answer:
    """How the job stands.

    Returns:
        {"exit": ...} if it has told; {"gone": what} if it never will; {"running": True}; {} if it was not started.

    """
    if not folder.is_dir():
        return {"gone": "folder"}
    keeper = _read(folder / "pid")
    if not keeper:
        return {} if keeper is None else {"gone": "cancelled"}
    if keeper["boot"] != _boot():
        told = _read(folder / "exit")
        return {"gone": "boot"} if told is None else {"exit": told}
    alive = _is_alive(keeper) or bool(_left(None, folder.name))
    told = _read(folder / "exit")  # after that: whoever has ended meanwhile has told
    if told is not None:
        return {"exit": told}
    return {"running": True} if alive else {"gone": "killed"}


def cancel(folder: Path) -> Answer:
    """End the job and what it has started; one that was not started never will be.

    Returns:
        {"left": the processes that did not end}.

    """
    if not folder.is_dir() or _put(folder / "pid", {}):
        return {"left": []}
    keeper = _read(folder / "pid")
    if not keeper or keeper["boot"] != _boot():
        return {"left": []}
    leader = keeper["pid"] if _is_alive(keeper) else None
    left = _end(leader, folder.name)
    if leader is not None:
        left |= _end_keeper(keeper)
    return {"left": sorted(left)}


def _end(leader: int | None, name: str) -> set[int]:
    """TERM, a while, KILL to all but this process and the keeper.

    Returns:
        Those that are left.

    """
    left = _left(leader, name)
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + GRACE
        _signal(left, number)
        while left and time.monotonic() < deadline:
            time.sleep(_PAUSE)
            left = _left(leader, name)
            if number == signal.SIGKILL:
                _signal(left, number)  # those that were started meanwhile
    return left


def _end_keeper(keeper: Mapping[str, Any]) -> set[int]:
    """Wait until the keeper has told how the job ended."""
    for _ in range(round(GRACE / _PAUSE)):
        if not _is_alive(keeper):
            return set()
        time.sleep(_PAUSE)
    _signal([keeper["pid"]], signal.SIGKILL)
    return set()


def _signal(processes: Collection[int], number: int) -> None:
    for pid in processes:
        with suppress(OSError):  # it has ended
            os.kill(pid, number)


def _left(leader: int | None, name: str) -> set[int]:
    """The job's processes: of the keeper's session, or with the mark."""
    mark = f"{MARK}={name}".encode()
    spared = {os.getpid(), leader}
    return {
        pid
        for pid, process in _processes().items()
        if process.state[0] not in "ZX"
        and pid not in spared
        and (process.session == leader or mark in _environment(pid))
    }


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # another user's, or it has ended, or there is no /proc
        return []


def _processes() -> Mapping[int, Process]:
    """All that run on this host."""
    if not Path("/proc/self/stat").exists():
        return _listed()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            # The program's name stands in brackets and may hold any character.
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if len(fields) >= _LEAST_FIELDS:
                found[int(folder.name)] = Process(int(fields[3]), fields[0], fields[19])
    return found


def _listed() -> Mapping[int, Process]:
    command = ["ps", "-axo", "pid=,pgid=,state=,lstart="]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  # fixed
    rows = [line.split(None, 3) for line in lines.splitlines()]
    return {int(pid): Process(int(group), state, begun) for pid, group, state, begun in rows}


def _identity() -> Mapping[str, Any]:
    pid = os.getpid()
    return {"pid": pid, "start": _processes()[pid].start, "boot": _boot()}


def _is_alive(keeper: Mapping[str, Any]) -> bool:
    """Whether it runs; another process may have its number by now."""
    process = _processes().get(keeper["pid"])
    return process is not None and process.state[0] not in "ZX" and process.start == keeper["start"]


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _oom_kills() -> int:
    """How many processes the kernel has ended so far because memory ran out."""
    try:
        counters = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    except OSError:
        return 0
    return int(counters.get("oom_kill", 0))


def _put(path: Path, value: Mapping[str, Any]) -> bool:
    """Whether the file is ours: it was not there."""
    mine = path.with_name(f"{path.name}.{os.getpid()}")
    mine.write_text(json.dumps(value))
    try:
        os.link(mine, path)
    except FileExistsError:
        return False
    finally:
        mine.unlink()
    return True


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return found


if __name__ == "__main__":
    _verb, _folder, *_more = sys.argv[1:]
    _does: Mapping[str, Callable[..., Answer]] = {"start": start, "look": look, "cancel": cancel}
    print(json.dumps(_does[_verb](Path(_folder), *_more)))  # noqa: T201  # this is a program
