"""What an electron does on every executor: it really runs, on the embedded AWS, and ends as it must.

    class TestBatch(BehaviourContract):
        def made(self, **settings):
            return AWSBatchExecutor(**settings)

Electrons run on this machine, wherever an executor believes it is: a test meets them in a folder.
"""

import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import cloudpickle
import pytest

import covalent as ct

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import the tests

TIMEOUT = 60.0
"""Seconds; only a failing run waits so long."""


def join_words(a: str, b: str, *, mark: str = "") -> str:
    return ", ".join([a, b]) + mark


def excite(phrase: str) -> str:
    return f"{phrase}!"


def talk(text: str) -> str:
    print(f"out: {text}")
    print(f"err: {text}", file=sys.stderr)
    return text


def fail(text: str) -> None:
    print("before the end")
    raise ValueError(f"no way: {text}")


def fail_twice(folder: str) -> int:
    """Count the tries in a file; only the third succeeds."""
    tries = Path(folder, "tries")
    with tries.open("a") as file:
        file.write("x")
    count = len(tries.read_text())
    if count < 3:
        raise RuntimeError(f"try {count} failed")
    return count


def sleep(folder: str) -> None:
    """Start children that sleep, one of them in a session of its own; tell who they are; and wait."""
    import subprocess

    child = subprocess.Popen(["sleep", "600"])
    apart = subprocess.Popen(["sleep", "600"], start_new_session=True)
    written = Path(folder, ".pids")
    written.write_text(f"{os.getpid()} {child.pid} {apart.pid}")
    written.rename(Path(folder, "pids"))
    child.wait()


def kill_oneself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave(code: int) -> None:
    os._exit(code)


def lock() -> Any:
    """A value that cannot be pickled."""
    import threading

    return threading.Lock()


def fill(size: int) -> bytes:
    return bytes(size)


def measure(*values: bytes) -> int:
    return sum(map(len, values))


def square(x: int) -> int:
    return x * x


class BehaviourContract:
    """Inherit, and say how an executor is made. What the place cannot do is said in the attributes."""

    killed: ClassVar[str] = "SIGKILL|[Kk]illed|137"
    """How the cause reads of an electron whose process was killed."""
    left: ClassVar[str] = "7"
    """How it reads of one whose process left with code 7."""
    at_once: ClassVar[int] = 6
    """How many electrons the test of parallel ones runs."""
    time_limit: ClassVar[int] = 2
    """Seconds; more where a place cannot measure so few."""

    pytestmark: ClassVar[Any] = [pytest.mark.usefixtures("server")]

    def made(self, **settings: Any) -> Any:
        """An executor with these settings beside those that the tests' surroundings need."""
        raise NotImplementedError(settings)

    def has_ended(self, pids: list[int]) -> bool:
        """Whether the processes have ended."""
        return all(map(_has_ended, pids))

    def electron(self, function: Callable[..., Any], **settings: Any) -> Any:
        """A function as an electron of the executor."""
        return ct.electron(executor=self.made(**settings))(function)

    def ran(self, function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
        """The result of a lattice of this one electron."""
        return ct.get_result(self.dispatched(function, *args, **settings), wait=True)

    def dispatched(self, function: Callable[..., Any], *args: Any, **settings: Any) -> str:
        """The id of a dispatch of this one electron."""
        run = self.electron(function, **settings)

        @ct.lattice
        def alone() -> Any:
            return run(*args)

        return ct.dispatch(alone)()

    def test_electrons_that_follow_each_other(self) -> None:
        join, shout = self.electron(join_words), self.electron(excite)

        @ct.lattice
        def simple_workflow(a: str, b: str) -> Any:
            return shout(join(a, b, mark="?"))

        result = ct.get_result(ct.dispatch(simple_workflow)("Hello", "World"), wait=True)
        assert (result.status, result.error) == ("COMPLETED", None)
        assert result.result == "Hello, World?!"
        assert all(each["start_time"] <= each["end_time"] for each in _electrons(result))

    def test_the_executor_of_a_lattice_is_its_electrons(self) -> None:
        plain = ct.electron(square)

        @ct.lattice(executor=self.made())
        def squares(n: int) -> Any:
            return [plain(x) for x in range(n)]

        result = ct.get_result(ct.dispatch(squares)(self.at_once), wait=True)
        assert result.result == [x * x for x in range(self.at_once)]
        names = {
            node["executor"]["short_name"] for node in _electrons(result) if "executor" in node
        }
        assert names <= {self.made().short_name()}

    def test_streams(self) -> None:
        result = self.ran(talk, "hello")
        (node,) = _electrons(result)
        assert (node["stdout"], node["stderr"]) == ("out: hello\n", "err: hello\n")

    def test_an_exception(self) -> None:
        result = self.ran(fail, "not here")
        (node,) = _electrons(result)
        assert (result.status, node["status"]) == ("FAILED", "FAILED")
        assert "ValueError: no way: not here" in node["error"]
        assert "raise ValueError" in node["error"], "the traceback"
        assert node["stdout"] == "before the end\n"

    def test_what_needs_a_failed_electron_does_not_run(self) -> None:
        failing, after = self.electron(fail), self.electron(excite)

        @ct.lattice
        def stopped() -> Any:
            return after(failing("upstream"))

        result = ct.get_result(ct.dispatch(stopped)(), wait=True)
        found = {node["node_name"]: str(node["status"]) for node in _electrons(result)}
        assert (str(result.status), found) == ("FAILED", {"fail": "FAILED", "excite": "NEW_OBJECT"})

    def test_a_failed_electron_is_tried_again(self, tmp_path: Path) -> None:
        result = self.ran(fail_twice, str(tmp_path), retries=2)
        assert (result.status, result.result) == ("COMPLETED", 3)

    def test_it_is_not_tried_more_often_than_told(self, tmp_path: Path) -> None:
        result = self.ran(fail_twice, str(tmp_path), retries=1)
        (node,) = _electrons(result)
        assert node["status"] == "FAILED"
        assert "try 2 failed" in node["error"]
        assert (tmp_path / "tries").read_text() == "xx"

    def test_the_time_limit_ends_it(self, tmp_path: Path) -> None:
        result = self.ran(sleep, str(tmp_path), time_limit=self.time_limit)
        (node,) = _electrons(result)
        assert (result.status, node["status"]) == ("FAILED", "FAILED")
        assert "time limit" in node["error"]
        assert self.has_ended(processes(tmp_path))

    def test_cancel_leaves_nothing_running(self, tmp_path: Path) -> None:
        dispatch_id = self.dispatched(sleep, str(tmp_path))
        pids = processes(tmp_path)
        assert ct.cancel(dispatch_id) == f"Dispatch {dispatch_id} cancelled."
        result = ct.get_result(dispatch_id, wait=True)
        (node,) = _electrons(result)
        assert (result.status, node["status"]) == ("CANCELLED", "CANCELLED")
        assert self.has_ended(pids)

    def test_a_task_that_is_cancelled(self, tmp_path: Path) -> None:
        dispatch_id = self.dispatched(sleep, str(tmp_path))
        pids = processes(tmp_path)
        assert ct.cancel(dispatch_id, task_ids=0).startswith("Cancelled tasks [0]")
        assert ct.get_result(dispatch_id, wait=True).status == "CANCELLED"
        assert self.has_ended(pids)

    def test_a_killed_process(self) -> None:
        result = self.ran(kill_oneself)
        (node,) = _electrons(result)
        assert (result.status, node["status"]) == ("FAILED", "FAILED")
        assert _matches(self.killed, node["error"])

    def test_a_process_that_leaves(self) -> None:
        result = self.ran(leave, 7)
        (node,) = _electrons(result)
        assert (result.status, node["status"]) == ("FAILED", "FAILED")
        assert _matches(self.left, node["error"])

    def test_a_result_that_cannot_be_pickled(self) -> None:
        result = self.ran(lock)
        (node,) = _electrons(result)
        assert (result.status, node["status"]) == ("FAILED", "FAILED")
        assert "pickle" in node["error"]

    def test_large_values(self) -> None:
        make, take = self.electron(fill), self.electron(measure)

        @ct.lattice
        def large(size: int) -> Any:
            return take(make(size), bytes(size))

        assert ct.get_result(ct.dispatch(large)(2**20), wait=True).result == 2 * 2**20


def processes(folder: Path) -> list[int]:
    """The processes of a sleeper, once they have started."""
    end = time.monotonic() + TIMEOUT
    while not (folder / "pids").exists():
        assert time.monotonic() < end, "the electron does not start"
        time.sleep(0.02)  # a file of another process: there is no event to wait for
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def _has_ended(pid: int) -> bool:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], TIMEOUT)[0])
    finally:
        os.close(process)


def _electrons(result: Any) -> list[Mapping[str, Any]]:
    found = result.get_all_node_results()
    return [node for node in found if not node["node_name"].startswith(":")]


def _matches(pattern: str, text: str | None) -> bool:

    return re.search(pattern, text or "") is not None
