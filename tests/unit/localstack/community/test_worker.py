"""One process: answers, errors, its end, and what it prints."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from covalent_localstack.community.runtime_api import Answer, Request
from covalent_localstack.community.worker import Worker

Start = Callable[[str], Worker]
LONG = 30.0


def request(event: object = None, name: str = "r1") -> Request:
    return Request(
        name, "arn:aws:lambda:us-east-1:000000000000:function:f", json.dumps(event).encode()
    )


def read(answer: Answer) -> Any:
    return json.loads(answer.payload)


def test_the_process_stays_and_knows_its_deadline(start: Start) -> None:
    worker = start("app.count")
    began = time.time()
    first, second = (read(worker.run(request(name=name), LONG)) for name in ("r1", "r2"))
    assert (first["calls"], second["calls"]) == (1, 2)
    assert first["pid"] == second["pid"] != os.getpid()
    assert began + LONG <= int(first["deadline"]) / 1000 + 0.001 <= time.time() + LONG


def test_what_is_printed_goes_with_the_invocation(start: Start) -> None:
    worker = start("app.say")
    worker.run(request("one"), LONG)
    assert worker.output() == "one\naside\n"
    worker.run(request("two", "r2"), LONG)
    assert worker.output() == "two\naside\n"
    assert worker.output() == ""


def test_a_handler_that_prints_a_lot_is_not_held_up(start: Start) -> None:
    worker = start("app.talk")
    assert not worker.run(request(1_000_000), LONG).is_error
    assert len(worker.output()) == 1_000_001


def test_an_exception_leaves_the_process_alone(start: Start) -> None:
    worker = start("app.fail")
    answer = worker.run(request("boom"), LONG)
    assert answer.is_error
    assert read(answer) == {"errorType": "ValueError", "errorMessage": "boom"}
    assert worker.is_alive


def test_a_handler_that_cannot_be_imported(start: Start) -> None:
    worker = start("nowhere.handler")
    answer = worker.run(request(), LONG)
    assert answer.is_error
    assert read(answer)["errorType"] == "Runtime.ImportModuleError"
    assert not worker.is_alive


def test_a_process_that_ends_in_the_middle(start: Start) -> None:
    worker = start("app.leave")
    answer = worker.run(request(3), LONG)
    assert answer.is_error
    assert read(answer) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "Runtime exited with error: exit status 3",
    }
    assert read(worker.run(request(3, "r2"), LONG))["errorType"] == "Runtime.ExitError"


def test_a_process_that_takes_too_long_is_killed_with_its_children(
    start: Start, tmp_path: Path
) -> None:
    worker = start("app.hang")
    pid_file = tmp_path / "pid"
    answer = worker.run(request(str(pid_file)), 3.0)
    assert read(answer) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: r1 Error: Task timed out after 3.00 seconds",
    }
    assert not worker.is_alive
    assert not _runs(int(pid_file.read_text()))


def _runs(pid: int) -> bool:
    """Whether a process is there; it was killed, but may not have gone yet."""
    try:
        child = psutil.Process(pid)
        return child.status() != psutil.STATUS_ZOMBIE and bool(psutil.wait_procs([child], LONG)[1])
    except psutil.NoSuchProcess:
        return False


def test_the_environment_is_lambdas_and_not_ours(
    start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")
    seen = read(start("app.environment").run(request(), LONG))
    assert seen["COLOUR"] == "red"
    assert seen["LAMBDA_TASK_ROOT"] == str(folder)
    assert "SECRET_OF_THE_SERVER" not in seen
