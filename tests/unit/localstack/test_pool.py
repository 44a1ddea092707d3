"""Real worker processes: what happens to those that hang, die or lose their parent."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from covalent_localstack import pool, worker

HANDLERS = """
import os, time
from pathlib import Path

def echo(event, context):
    return {"pid": os.getpid(), "x": os.environ.get("X"), "event": event}

def hang(event, context):
    Path(event).write_text(str(os.getpid()))
    time.sleep(600)

def leave(event, context):
    os._exit(event)

def killed(event, context):
    os.kill(os.getpid(), 9)

def large(event, context):
    return len(bytearray(event))

def held(event, context):
    from covalent_runner import processes
    processes.hold(context)
    Path(event).write_text(str(os.getpid()))
    while not Path(event + ".told").exists():
        time.sleep(0.01)
    Path(event + ".done").touch()
    if event.endswith("leaves"):
        os._exit(0)

def unspeakable(event, context):
    return object()
"""
LONG = 60.0
Call = Callable[..., dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pool_handlers.py").write_text(HANDLERS)
    return tmp_path


@pytest.fixture
def workers(folder: Path) -> Iterator[pool.WorkerPool]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    made = pool.WorkerPool(1, environment, folder / "workers.log")
    yield made
    made.close()


@pytest.fixture
def call(workers: pool.WorkerPool) -> Call:
    def run(name: str, event: Any = None, limit: float = LONG, owner: str = "", **x: str) -> Any:
        return workers.run(message(name, event, limit, **x), limit, owner)

    return run


def message(name: str, event: Any = None, limit: float = LONG, **x: str) -> dict[str, Any]:
    context = worker.Context("id", name, "arn", 128, time.time() + limit)
    return {
        "handler": f"pool_handlers.{name}",
        "event": event,
        "context": asdict(context),
        "environment": x,
    }


def pid_of(answer: dict[str, Any]) -> int:
    return int(json.loads(answer["result"])["pid"])


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_stays_warm_and_takes_the_functions_variables(call: Call) -> None:
    first, second = call("echo", {"a": 1}, X="set"), call("echo")
    assert pid_of(first) == pid_of(second)
    assert json.loads(first["result"])["x"] == "set"
    assert json.loads(first["result"])["event"] == {"a": 1}


def test_a_time_limit_kills_the_worker_and_the_next_one_serves(call: Call, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    before = pid_of(call("echo"))
    with pytest.raises(pool.TimedOut):
        call("hang", str(mark), limit=1)
    assert int(mark.read_text()) == before
    assert not is_alive(before)
    assert pid_of(call("echo")) != before


@pytest.mark.parametrize(
    ("name", "event", "why"), [("leave", 3, "exit status 3"), ("killed", None, "signal: killed")]
)
def test_a_dead_worker_is_named_and_replaced(call: Call, name: str, event: Any, why: str) -> None:
    with pytest.raises(pool.WorkerExited) as caught:
        call(name, event)
    assert caught.value.why == why
    assert pid_of(call("echo"))


def test_an_idle_worker_that_died_is_not_used(call: Call) -> None:
    before = pid_of(call("echo"))
    os.kill(before, signal.SIGKILL)
    os.waitid(os.P_PID, before, os.WEXITED | os.WNOWAIT)
    assert pid_of(call("echo")) != before


def test_who_finds_every_worker_busy_waits_without_losing_time(call: Call, tmp_path: Path) -> None:
    """The clock of a time limit starts when a worker is obtained."""
    mark = tmp_path / "pid"
    ended: list[type[BaseException]] = []

    def hang() -> None:
        with pytest.raises(pool.TimedOut) as caught:
            call("hang", str(mark), limit=2)
        ended.append(caught.type)

    hanging = threading.Thread(target=hang)
    hanging.start()
    until(lambda: mark.exists() and mark.read_text())
    assert pid_of(call("echo", limit=1)) != int(mark.read_text())
    hanging.join()
    assert ended


def test_cancelling_kills_what_runs_and_refuses_what_comes(
    call: Call, workers: pool.WorkerPool, tmp_path: Path
) -> None:
    mark = tmp_path / "pid"
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call("hang", str(mark), owner="mine")
        except BaseException as exc:  # noqa: BLE001  # looked at below
            raised.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: mark.exists() and mark.read_text())
    workers.cancel("mine")
    thread.join()
    assert isinstance(raised[0], pool.Cancelled)
    assert not is_alive(int(mark.read_text()))
    with pytest.raises(pool.Cancelled):
        call("echo", owner="mine")
    assert pid_of(call("echo", owner="another"))


@pytest.mark.parametrize("way", ["leaves", "returns", "hangs"])
def test_a_worker_with_a_job_elsewhere_gets_time_to_cancel_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(pool, "HOLD_SECONDS", 0.2 if way == "hangs" else LONG)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), *sys.path]),
        "COVALENT_WORK_DIR": str(folder),
    }
    workers = pool.WorkerPool(1, environment, folder / "workers.log")
    mark, ended = folder / way, threading.Event()

    def run() -> None:
        with suppress(pool.Cancelled):
            workers.run(message("held", str(mark)), LONG, "mine")
        ended.set()

    threading.Thread(target=run).start()
    until(lambda: mark.exists() and mark.read_text())
    workers.cancel("mine")
    if way != "hangs":
        assert is_alive(int(mark.read_text()))
        Path(f"{mark}.told").touch()
    assert ended.wait(LONG)
    assert Path(f"{mark}.done").exists() == (way != "hangs")
    until(lambda: not is_alive(int(mark.read_text())))
    assert "result" in workers.run(message("echo", 1), LONG, "another")
    workers.close()


def test_a_closed_pool_runs_nothing(call: Call, workers: pool.WorkerPool) -> None:
    pid = pid_of(call("echo"))
    workers.close()
    assert not is_alive(pid)
    with pytest.raises(pool.Cancelled):
        call("echo")


def test_workers_are_started_ahead(workers: pool.WorkerPool, call: Call) -> None:
    workers.warm()
    until(lambda: workers._idle)
    assert pid_of(call("echo")) > 0
    assert workers._count == 1


def test_a_worker_that_cannot_start_is_told(folder: Path) -> None:
    broken = pool.WorkerPool(1, {"PYTHONHOME": "/nowhere"}, folder / "broken.log")
    for _ in range(2):  # the failed start gives its place back
        with pytest.raises(pool.WorkerExited):
            broken.run({}, LONG)
    broken.close()
    assert (folder / "broken.log").read_text()


def test_an_answer_that_is_no_json_is_an_error_of_the_handler(call: Call) -> None:
    assert call("unspeakable")["error"]["errorType"] == "Runtime.MarshalError"


def test_a_worker_dies_with_its_parent_even_in_the_middle_of_a_handler(folder: Path) -> None:
    mark = folder / "pid"
    script = f"""
import os, threading, time
from pathlib import Path
from covalent_localstack import pool
workers = pool.WorkerPool(1, dict(os.environ), Path({str(folder / "orphan.log")!r}))
context = dict(aws_request_id="i", function_name="f", invoked_function_arn="a", memory_limit_in_mb=1,
               deadline=time.time() + 600)
message = dict(handler="pool_handlers.hang", event={str(mark)!r}, context=context, environment={{}})
threading.Thread(target=workers.run, args=(message, 600.0), daemon=True).start()
time.sleep(600)
"""
    paths = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    parent = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": paths}
    )
    until(lambda: mark.exists() and mark.read_text())
    parent.kill()  # it gets no chance to tell anybody
    parent.wait()
    until(lambda: not is_alive(int(mark.read_text())))


def test_a_worker_may_take_so_much_memory_and_no_more(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(folder), worker.MEMORY: str(300 * 2**20)}
    made = pool.WorkerPool(1, environment, folder / "workers.log")
    try:
        answers = []
        for size in (1000 * 2**20, 2**20):
            context = asdict(worker.Context("id", "large", "arn", 128, time.time() + LONG))
            message = {"handler": "pool_handlers.large", "event": size, "environment": {}}
            answers.append(made.run({**message, "context": context}, LONG))
    finally:
        made.close()
    assert answers[0]["error"]["errorType"] == "MemoryError"
    assert answers[1] == {"result": str(2**20)}
