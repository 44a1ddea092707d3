"""What keeps one process of a user from another of the same user: Linux, and no privilege, is all it takes.

Elsewhere than on Linux none of it exists, and nothing is confined.
"""

import ctypes
import os
import signal
import sys
from contextlib import suppress

from covalent_runner import processes

IS_LINUX = sys.platform == "linux"
# https://man7.org/linux/man-pages/man2/prctl.2.html
_PDEATHSIG, _DUMPABLE, _CHILD_SUBREAPER = 1, 4, 36


def hide() -> None:
    """Let no other process of this user look into our memory or environment, or trace us."""
    _prctl(_DUMPABLE, 0)


def adopt() -> None:
    """Become the parent of whatever our descendants leave behind, so that `end_children` finds it."""
    _prctl(_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Be killed when the parent ends, however it ends."""
    _prctl(_PDEATHSIG, signal.SIGKILL)


def end_children() -> None:
    """Kill all descendants. What loses its parent by that becomes our child, and is killed in the next round."""
    while found := _children(os.getpid()):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in found:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _prctl(option: int, value: int) -> None:
    if not IS_LINUX:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")


def _children(parent: int) -> list[int]:
    """Processes whose parent this is."""
    return [pid for pid, found in processes.parents_of_all().items() if found == parent]
