"""Processes that others have started, to be ended with them. Linux tells which; elsewhere none are found.

Whoever starts a process may let go of it (a session of its own, a parent that ends at once). So besides descendants
those are found that carry a mark in the environment they were started with.
"""

import os
import signal
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

MARK = "COVALENT_WORKER"
"""The variable with the mark of a worker process, which everything inherits that runs in it."""
SUPERVISED = "COVALENT_SUPERVISED"
"""The same of a process that is supervised in a job; whoever has started the job may look for MARK."""
FOLDER = "COVALENT_WORK_DIR"
"""The variable with the folder where a worker process leaves a file while it must not just be killed."""
_HELD = "held-"
_holders: set[int] = set()
_ROUNDS = 10


def end(roots: Collection[int], marks: Iterable[str] = (), variable: str = MARK) -> None:
    """Kill all that processes have started, but not them. Stopped first, so that none starts another one meanwhile.

    Args:
        roots: their ids.
        marks: what their descendants carry in a variable.
        variable: its name.

    """
    wanted = frozenset(f"{variable}={mark}".encode() for mark in marks)
    spared = {*roots, os.getpid()}
    found: set[int] = set()
    for _ in range(_ROUNDS):
        fresh = _started_by({*roots, *found}, wanted) - found - spared
        if not fresh:
            break
        _signal(fresh, signal.SIGSTOP)
        found |= fresh
    _signal(found, signal.SIGKILL)


def hold(holder: object) -> None:
    """Have whoever wants to kill this worker wait a moment: it has a job to cancel first, and then ends by itself."""
    file = _held()
    if file is not None:
        _holders.add(id(holder))
        file.touch()


def let_go(holder: object) -> None:
    """Take `hold` back."""
    if id(holder) in _holders:
        _holders.discard(id(holder))
        file = _held()
        if file is not None and not _holders:
            file.unlink(missing_ok=True)


def is_held(folder: str, mark: str) -> bool:
    """Whether a worker has something to cancel."""
    return bool(folder) and Path(folder, _HELD + mark).exists()


def _held() -> Path | None:
    folder, mark = os.environ.get(FOLDER), os.environ.get(MARK)
    return Path(folder, _HELD + mark) if folder and mark else None


def _started_by(roots: Collection[int], marks: frozenset[bytes]) -> set[int]:
    parents = parents_of_all()
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    rest = list(roots)
    while rest:
        for child in children.get(rest.pop(), ()):
            if child not in found:
                found.add(child)
                rest.append(child)
    return found | {pid for pid in parents if marks and _is_marked(pid, marks)}


def parents_of_all() -> Mapping[int, int]:
    """Every process there is, with its parent."""
    found: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            # The name of the program stands in brackets and may hold any character; the parent is the second after it.
            fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            found[int(folder.name)] = int(fields[1])
    return found


def _is_marked(pid: int, marks: frozenset[bytes]) -> bool:
    try:
        return not marks.isdisjoint(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
    except OSError:  # it has ended, or is someone else's
        return False


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
