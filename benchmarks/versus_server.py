"""A server under comparison: started and stopped with its own command, watched from outside, never beyond loopback."""

import http.client
import json
import os
import secrets
import select
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.versus_install import Environment

HERE = Path(__file__).parent
LOOPBACK = HERE / "loopback"
CLIENT = HERE / "versus_client.py"
MARK = "COVALENT_BENCHMARK"
START_SECONDS = 120.0
STOP_SECONDS = 60.0
END_SECONDS = 5.0
ERROR_LENGTH = 300
POLL_SECONDS = 0.01


class Unfinished(Exception):
    """A client did not answer in time."""


class Failed(Exception):
    """A server or a client did not do what it had to; the message is one line."""


class Client:
    """A process that runs `benchmarks/versus_client.py`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def ask(self, seconds: float, **request: Any) -> dict[str, float]:
        """Send a request and wait for its answer.

        Raises:
            Unfinished: it took longer than `seconds`.
            Failed: the client could not do it, or ended.

        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], max(0.0, seconds))[0]:
            raise Unfinished(f"no answer in {seconds:g} s")
        line = self._process.stdout.readline()
        if not line:
            raise Failed(f"the client ended at {request}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(" ".join(answer["error"].split())[:ERROR_LENGTH])
        return answer


class Server:
    """One of the two; all its files are below `home`."""

    def __init__(self, environment: Environment, home: Path) -> None:
        home.mkdir(parents=True)
        self._environment = environment
        self._home = home
        self._mark = secrets.token_hex(16)

    def start(self) -> float:
        """Start it and return the seconds until it answered a request.

        Raises:
            Failed: it did not come up, or listens where others can reach it.

        """
        port = _free_port()
        began = time.perf_counter()
        with self._covalent("start", "--port", str(port)) as command:
            try:
                self._await_answer(port, began + START_SECONDS)
                seconds = time.perf_counter() - began
                command.wait(START_SECONDS)
            except subprocess.TimeoutExpired as exc:
                raise Failed("`covalent start` does not come back") from exc
            finally:
                command.kill()
        self._check_exposure()
        return seconds

    def end(self) -> None:
        """Stop it if that goes, and leave no process of it behind in any case."""
        try:
            if self.processes():
                self._stop()
        finally:
            while left := self.processes():  # some may have started while the others ended
                end_all(left)

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A fresh client of it."""
        with self._spawn("python", "-P", str(CLIENT)) as process:
            try:
                yield Client(process)
            finally:
                process.kill()

    def cpu(self) -> float:
        """Seconds of CPU that its processes have used, those that have ended included."""
        total = 0.0
        for process in self.processes():
            with _gone():
                total += sum(process.cpu_times()[:4])  # user, system, and of children that ended
        return total

    def memory(self) -> int:
        """Resident bytes of its processes; pages that several share count once, where the system tells that (PSS)."""
        total = 0
        for process in self.processes():
            with _gone():
                info = process.memory_full_info()
                total += getattr(info, "pss", info.rss)
        return total

    def processes(self) -> list[psutil.Process]:
        """Its processes, by the mark in their environment, and their children."""
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            with _gone():
                if process.environ().get(MARK) == self._mark:
                    family = (process, *process.children(recursive=True))
                    found.update((each.pid, each) for each in family)
        return list(found.values())

    def _stop(self) -> None:
        with self._covalent("stop") as command:
            try:
                command.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                command.kill()

    def _covalent(self, *words: str) -> subprocess.Popen[bytes]:
        """Its own command; what that starts bears the mark."""
        return self._spawn("covalent", *words, environment={MARK: self._mark})

    def _spawn(
        self, program: str, *words: str, environment: Mapping[str, str] = {}
    ) -> subprocess.Popen[bytes]:
        with Path(self._home, "benchmark.log").open("ab") as log:
            return subprocess.Popen(
                [self._environment.programs / program, *words],
                env={**self._variables(), **environment},
                cwd=self._home,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if program == "python" else log,
                stderr=log,
            )

    def _variables(self) -> dict[str, str]:
        """Nothing of the caller's but the search path: no accounts, no settings of Covalent."""
        return {
            "PATH": f"{self._environment.programs}{os.pathsep}{os.environ['PATH']}",
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "HOME": str(self._home),
            "COVALENT_CONFIG_DIR": str(self._home / "config"),
            "XDG_CONFIG_HOME": str(self._home / "config"),
            "XDG_CACHE_HOME": str(self._home / "cache"),
            "XDG_DATA_HOME": str(self._home / "data"),
            "PYTHONPATH": str(LOOPBACK),
            "PYTHONNOUSERSITE": "1",
        }

    def _await_answer(self, port: int, deadline: float) -> None:
        while not answers(port):
            if time.perf_counter() > deadline:
                raise Failed(f"no answer {START_SECONDS:g} s after `covalent start`")
            time.sleep(POLL_SECONDS)

    def _check_exposure(self) -> None:
        for process in self.processes():
            with _gone():
                for each in process.net_connections("inet"):
                    if each.status == psutil.CONN_LISTEN and each.laddr.ip not in (
                        "127.0.0.1",
                        "::1",
                    ):
                        raise Failed(f"a server listens on {each.laddr.ip}:{each.laddr.port}")


def answers(port: int) -> bool:
    """Whether an HTTP request to this port of the machine gets an answer, whatever it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def end_all(processes: list[psutil.Process]) -> None:
    """Terminate these processes, then kill what is left."""
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            with _gone():
                end(process)
        processes = psutil.wait_procs(processes, timeout=END_SECONDS)[1]


@contextmanager
def _gone() -> Iterator[None]:
    """A process may end, or belong to somebody else."""
    try:
        yield
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
