"""Runs electrons in a process of their owner, with credentials for their dispatch.

A Lambda function has one role, and keeps a process for whoever comes next. So user code must have neither that
role nor that process. What Lambda calls is the guard. It keeps the function's role, which can read sheets and take the
role of user code (`electron_role`), and runs nothing that a user wrote. Its child, the *cell*, was started without
credentials and runs electrons. When an electron of another owner comes, the cell is removed with all that it has
started and written, and a new one made.

What the two say to each other is JSON: the guard believes the cell nothing but how its electron went, or which of
those that it was asked for have no result.
"""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import astuple
from functools import cache
from pathlib import Path
from time import time
from typing import Any, NoReturn

from covalent_contracts.envelope import Collect, Envelope, Run, Wait
from covalent_contracts.ids import sub_dispatch_id
from covalent_runner import confinement, electron_role, errors, frames
from covalent_runner.electron_role import Pass

RENEWED = 20 * 60
"""Seconds before their end in which credentials are not given to another electron: it may take 15 minutes."""
PASSES_HELD = 64

_SECRET = (
    electron_role.VARIABLE,
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_LAMBDA_RUNTIME_API",
)
"""What of its environment the guard keeps to itself."""
_UNCAUGHT = (signal.SIGKILL, signal.SIGSTOP)
_KNOWN = {each.__name__: each for each in (errors.ElectronFailed, errors.UpstreamFailed)}
_START = "import sys; sys.path[:] = sys.argv[2:]; from covalent_runner.cell import main; main(int(sys.argv[1]))"


class Cell:
    """The process of one owner, and its folder for temporary files."""

    def __init__(self) -> None:
        self.owner = ""
        self._holds: Pass | None = None
        self._asked = 0
        self._folder = _own_folder()
        ours, theirs = socket.socketpair()
        self._connection = ours
        command = [sys.executable, "-P", "-c", _START, str(theirs.fileno()), *sys.path]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and code
                command,
                env=_environment(self._folder),
                cwd="/",
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._ended = os.pidfd_open(self._process.pid) if hasattr(os, "pidfd_open") else None
        self._poll = select.poll()
        for each in (self._connection.fileno(), self._ended):
            if each is not None:
                self._poll.register(each, select.POLLIN)

    def run(self, event: Mapping[str, Any], given: Pass, seconds: float | None) -> Any:
        """Have it work off an event, and return what it says to have found.

        Raises:
            Exception: what the electron, or the runner, raised there; of a class of the same name.

        """
        self._asked += 1
        message: dict[str, Any] = {"id": self._asked, "event": event, "seconds": seconds}
        if given is not self._holds:
            message["credentials"] = astuple(given.credentials)
            self._holds = given
        try:
            frames.send(self._connection, message)
            answer = self._answer()
        except (EOFError, ConnectionError, ValueError):
            self._end_alike()
        _raise(answer.get("error"))
        return answer.get("found")

    def _answer(self) -> Mapping[str, Any]:
        """The answer to the last question. User code can write to the socket as well, and then it may be any."""
        while True:
            self._wait()
            answer = frames.receive(self._connection)
            if isinstance(answer, dict) and answer.get("id") == self._asked:
                return answer

    def _wait(self) -> None:
        """Wait until there is something to read, or the process has ended: its children may keep the socket open.

        Raises:
            EOFError: it has ended.

        """
        ready = {descriptor for descriptor, _ in self._poll.poll()}
        if self._connection.fileno() not in ready:
            raise EOFError("the cell has ended")

    def _end_alike(self) -> NoReturn:
        """End this process as the cell has ended: so Lambda tells why, and starts anew."""
        if self._process.poll() is None:
            self._process.kill()  # it has closed its socket, or sends what nobody can read
        code = self._process.wait()
        confinement.end_children()
        self._remove_files()
        if code >= 0:
            os._exit(code)
        if -code not in _UNCAUGHT:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        while True:
            signal.pause()

    def end(self) -> None:
        """Remove it, whatever it has started, and its files."""
        self._connection.close()
        if self._ended is not None:
            os.close(self._ended)
        self._process.kill()
        self._process.wait()
        confinement.end_children()
        self._remove_files()

    def _remove_files(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


class Guard:
    """Gives each dispatch its credentials, and each owner a cell. Works off one event at a time."""

    def __init__(self, role: str) -> None:
        """Take the ARN of the role of user code. The first cell is started at once, while Lambda still prepares us."""
        confinement.hide()
        confinement.adopt()
        self._role = role
        self._passes: OrderedDict[tuple[str, str], Pass] = OrderedDict()
        self._cell = Cell()

    def run(self, event: Mapping[str, Any], parsed: Envelope, seconds: float | None) -> Any:
        """Work off an event in the cell of its owner, and return what the cell says to have found.

        Raises:
            LookupError: there is no such dispatch.
            Exception: as `Cell.run`.

        """
        given = self._pass(parsed)
        if self._cell.owner not in ("", given.owner):
            self._cell.end()
            self._cell = Cell()
        self._cell.owner = given.owner
        return self._cell.run(event, given, seconds)

    def _pass(self, parsed: Envelope) -> Pass:
        key = parsed.dispatch_id, _sublattice(parsed)
        held = self._passes.get(key)
        if held is None or held.ends < time() + RENEWED:
            held = electron_role.issue(self._role, parsed.dispatch_id, _node_of(parsed), key[1])
            self._passes[key] = held
        self._passes.move_to_end(key)
        while len(self._passes) > PASSES_HELD:
            self._passes.popitem(last=False)
        return held


@cache
def guard() -> Guard:
    """The guard of this process."""
    return Guard(os.environ[electron_role.VARIABLE])


def _node_of(parsed: Envelope) -> int:
    return parsed.node if isinstance(parsed, Run | Wait | Collect) else parsed.nodes[0]


def _sublattice(parsed: Envelope) -> str:
    """The dispatch whose results may be read for an event: that of a sublattice, when its value is taken over."""
    if isinstance(parsed, Collect):
        return sub_dispatch_id(parsed.dispatch_id, parsed.node)
    return parsed.dispatch_id


def _environment(folder: Path | None) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if name not in _SECRET}
    own = {} if folder is None else dict.fromkeys(("HOME", "TMPDIR"), str(folder))
    return {**given, **own, "AWS_EC2_METADATA_DISABLED": "true"}


def _own_folder() -> Path | None:
    """A folder for what user code writes and what programs read for it (pip's configuration, packages, caches).

    The next owner's code must not meet what this one's has left there.
    Offline (COVALENT_WORK_DIR) the machine is its user's, and so are its temporary files.
    """
    if "COVALENT_WORK_DIR" in os.environ:
        return None
    return Path(tempfile.mkdtemp(prefix="covalent-cell-"))


def _raise(error: Any) -> None:
    """Raise what the cell reports: Step Functions goes by the name of the class."""
    if error is None:
        return
    name, message = (str(each) for each in error)
    if name not in _KNOWN and not name.isidentifier():
        raise ValueError("the cell names an error that cannot be one")
    raise _KNOWN.get(name, type(name, (RuntimeError,), {}))(message)
