"""One process that runs a function's handler through awslambdaric, and what it prints."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import IO

from covalent_localstack.community.runtime_api import (
    Answer,
    InitFailed,
    Request,
    RuntimeApi,
    deadline_in,
    error,
)

INIT_SECONDS = 60.0
"""To load the handler. AWS gives 10 s, on a machine that nothing else shares."""


@dataclass(frozen=True)
class Code:
    """What a process needs to run a function."""

    interpreter: Path
    folder: Path
    environment: Mapping[str, str]


class Worker:
    """A running interpreter; it serves one invocation at a time, as an environment of AWS does."""

    def __init__(self, code: Code) -> None:
        self._api = RuntimeApi()
        # Not a pipe: one that nobody reads would stop the handler.
        self._printed = TemporaryFile("a+b", buffering=0)  # noqa: SIM115  # closed by `close`
        self._shown = 0
        self._process = _spawn(code, self._api.address, self._printed)
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """Whether it can take another invocation."""
        return self._process.poll() is None

    def run(self, request: Request, seconds: float) -> Answer:
        """Wait for the answer to an invocation, or kill the process when its time is up."""
        try:
            self._api.ready.result(INIT_SECONDS)
        except InitFailed as exc:
            self.kill()
            return exc.answer
        except TimeoutError:
            return self._timed_out(request, INIT_SECONDS)
        answer = self._api.submit(request, deadline_in(seconds))
        try:
            return answer.result(seconds)
        except TimeoutError:
            return self._timed_out(request, seconds)

    def _timed_out(self, request: Request, seconds: float) -> Answer:
        self.kill()
        message = f"RequestId: {request.id} Error: Task timed out after {seconds:.2f} seconds"
        return error("Sandbox.Timedout", message)

    def output(self) -> str:
        """What was printed since the last call. Python's output is unbuffered, so it is there before the answer is."""
        self._printed.seek(self._shown)
        data: bytes = self._printed.read()
        self._shown += len(data)
        return data.decode(errors="replace")

    def kill(self) -> None:
        """End the process and whatever it started."""
        with suppress(ProcessLookupError, PermissionError):  # it has ended by itself
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End the process and forget what it printed."""
        self.kill()
        self._printed.close()

    def _watch(self) -> None:
        status = self._process.wait()
        reason = f"signal: {-status}" if status < 0 else f"exit status {status}"
        self._api.end(error("Runtime.ExitError", f"Runtime exited with error: {reason}"))


def _spawn(code: Code, address: str, output: IO[bytes]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603  # the interpreter that the installation made
        [str(code.interpreter), "-m", "awslambdaric", code.environment.get("_HANDLER", "")],
        cwd=code.folder,
        env=environment(code, address),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def environment(code: Code, address: str) -> dict[str, str]:
    """The environment of the process: what Lambda sets, beside what all processes have."""
    return {
        **of_processes(),
        **code.environment,
        "TZ": "UTC",
        "LAMBDA_TASK_ROOT": str(code.folder),
        "PYTHONPATH": str(code.folder),
        "PYTHONUNBUFFERED": "1",
        "AWS_LAMBDA_RUNTIME_API": address,
    }


def of_processes() -> dict[str, str]:
    """What every process here finds in its environment: of ours, what pip needs to reach its index from here."""
    temporary = gettempdir()
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": temporary,
        "TMPDIR": temporary,
        # One machine of one user: what one environment has installed need not be installed by the next.
        "COVALENT_PACKAGES_DIR": str(Path(temporary, f"covalent-packages-{os.getuid()}")),
        **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
    }
