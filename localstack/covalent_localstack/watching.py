"""The process that watches for triggers on this machine, as a child of the embedded AWS.

It is started when there is something to watch for. It is told by a line on its standard input to look at the triggers
again, and ends when that is closed: however the server ends, it does too.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

MODULE = "covalent._triggers"
ADDRESS, TOKEN = "COVALENT_WATCH_ADDRESS", "COVALENT_WATCH_TOKEN"  # names of variables
PATH = "/api/v1/triggers"
_CHANGES = frozenset({"POST", "DELETE"})
STOP_SECONDS = 10


class Watching:
    """The child, once there is one.

    Args:
        address: of the server.
        token: what the server wants to see.
        log_file: where the child writes.

    """

    def __init__(self, address: str, token: str, log_file: Path) -> None:
        self._variables = {ADDRESS: address, TOKEN: token}
        self._log_file = log_file
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._is_over = False

    def saw(self, method: str, path: str, status: int) -> None:
        """The API has answered a request: if that has changed the triggers, look at them."""
        if (
            method in _CHANGES
            and status < 300
            and path.startswith(PATH)
            and not path.endswith("/fire")
        ):
            self.look()

    def look(self) -> None:
        """Have the child look at the triggers, starting it if need be."""
        with self._lock:
            if self._is_over:
                return
            if self._child is None or self._child.poll() is not None:
                self._child = self._start()  # it looks when it starts
            elif self._child.stdin is not None:
                self._child.stdin.write(b"look\n")
                self._child.stdin.flush()

    def stop(self) -> None:
        """End the child."""
        with self._lock:
            self._is_over = True
            child, self._child = self._child, None
        if child is None or child.stdin is None:
            return
        child.stdin.close()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._log_file.open("ab") as log:
            return subprocess.Popen(  # noqa: S603  # our own module, no shell
                [sys.executable, "-P", "-m", MODULE, "--told"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=_of_user(self._variables),
            )


def _of_user(variables: Mapping[str, str]) -> dict[str, str]:
    """The user's environment: without the credentials that the server gives its own processes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, **variables}
