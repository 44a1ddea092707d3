"""Pools: they begin when needed, stay warm, take what notebooks define, end with the executor and with the parent."""

import asyncio
import gc
import importlib
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from covalent._quantum.executors.pools import Coroutines, Processes, Threads

WAIT = 60


def _threads_of() -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


def _refuse() -> None:
    raise ZeroDivisionError("no circuit")


class Unreadable(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__("it cannot be read back")


def _refuse_unreadably() -> None:
    raise Unreadable(1, 2)


def _print() -> str:
    print("told by the circuit")
    os.write(1, b"and below Python")
    return "result"


def test_a_process_stays_for_the_next() -> None:
    pool = Processes()
    ids = {pool.submit(1, os.getpid).result(WAIT) for _ in range(3)}
    assert len(ids) == 1
    assert os.getpid() not in ids


def test_functions_of_a_notebook_travel() -> None:
    here = 3
    assert Processes().submit(1, lambda x: x + here, 4).result(WAIT) == 7


def test_processes_run_side_by_side(tmp_path: Path) -> None:
    pool = Processes()  # each waits for the file of the other
    both = [pool.submit(2, _meet, str(tmp_path), mine) for mine in (0, 1)]
    assert [each.result(WAIT) for each in both] == [0, 1]


def _meet(folder: str, mine: int) -> int:
    place = Path(folder)
    (place / str(mine)).touch()
    deadline = time.monotonic() + 30
    while not (place / str(1 - mine)).exists():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
    return mine


def test_each_process_has_its_share_of_the_cores() -> None:
    cores = os.cpu_count() or 1
    assert Processes().submit(cores, _threads_of).result(WAIT) == "1"
    assert Processes().submit(1, _threads_of).result(WAIT) == str(cores)


def test_an_error_comes_back_with_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError, match="no circuit") as found:
        Processes().submit(1, _refuse).result(WAIT)
    assert "_refuse" in str(found.value.__cause__)


def test_an_error_that_cannot_travel_is_told_in_words() -> None:
    with pytest.raises(RuntimeError, match="Unreadable: it cannot be read back"):
        Processes().submit(1, _refuse_unreadably).result(WAIT)


def _read_input() -> tuple[str, bytes]:
    child = subprocess.run(["/bin/cat"], stdout=subprocess.PIPE, check=True)
    return sys.stdin.read(), child.stdout


def test_what_a_circuit_reads_are_not_our_frames() -> None:
    pool = Processes()
    assert pool.submit(1, _read_input).result(WAIT) == ("", b"")
    assert pool.submit(1, os.getpid).result(WAIT) != os.getpid()


def test_what_a_circuit_prints_does_not_disturb() -> None:
    assert Processes().submit(1, _print).result(WAIT) == "result"


def test_a_killed_process_is_told_and_replaced() -> None:
    pool = Processes()
    first = pool.submit(1, os.getpid).result(WAIT)
    with pytest.raises(RuntimeError, match=r"killed by signal 9.*out of memory"):
        pool.submit(1, _kill_self).result(WAIT)
    assert pool.submit(1, os.getpid).result(WAIT) != first


def _kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_processes_end_with_the_pool() -> None:
    pool = Processes()
    worker = psutil.Process(pool.submit(1, os.getpid).result(WAIT))
    del pool
    gc.collect()
    worker.wait(WAIT)


_PARENT = """
import os, sys, time
from covalent._quantum.executors.pools import Processes
pool = Processes()
print(pool.submit(1, os.getpid).result(), flush=True)
pool.submit(1, time.sleep, 600)
sys.stdin.read()
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_outlives_a_killed_parent(end: int) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdin=pipe, stdout=pipe) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(end)
        worker.wait(WAIT)


def test_a_script_ends_by_itself() -> None:
    script = (
        "import os; from covalent._quantum.executors.pools import Processes; pool = Processes();"
        "print(pool.submit(1, os.getpid).result())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=WAIT
    )
    assert not psutil.pid_exists(int(done.stdout))


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_daemon_processes_may_use_it(way: Any) -> None:
    context = multiprocessing.get_context(way)
    ours, theirs = context.Pipe()
    process = context.Process(target=_as_daemon, args=(theirs,), daemon=True)
    process.start()
    assert ours.poll(WAIT)
    assert ours.recv() == 5
    process.join(WAIT)


def _as_daemon(answer: Any) -> None:
    answer.send(Processes().submit(1, len, "seven"[:5]).result(WAIT))


def test_a_forked_process_begins_its_own() -> None:
    pool = Processes()
    before = pool.submit(1, os.getpid).result(WAIT)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=lambda: theirs.send(pool.submit(1, os.getpid).result(WAIT)), daemon=True
    )
    process.start()
    assert ours.poll(WAIT)
    assert ours.recv() != before
    process.join(WAIT)
    assert pool.submit(1, os.getpid).result(WAIT) == before, "ours was left alone"


@pytest.mark.parametrize("kind", [Threads, Processes, Coroutines])
def test_a_pool_travels_as_nothing(kind: type) -> None:
    pool = kind()
    assert pickle.loads(pickle.dumps(pool)) == pool


def test_threads_are_as_many_as_asked() -> None:
    pool, gate, names = Threads(), threading.Barrier(3), set()

    def meet() -> None:
        gate.wait(WAIT)
        names.add(threading.current_thread().name)

    for each in [pool.submit(3, meet) for _ in range(3)]:
        each.result(WAIT)
    assert len(names) == 3


def test_threads_are_as_many_as_asked_the_next_time() -> None:
    pool = Threads()
    assert pool.submit(1, len, "one").result(WAIT) == 3
    gate = threading.Barrier(2)
    both = [pool.submit(2, gate.wait, WAIT) for _ in range(2)]
    assert sorted(each.result(WAIT) for each in both) == [0, 1]


def test_the_loop_ends_with_the_pool() -> None:
    pool = Coroutines()

    async def thread() -> threading.Thread:
        return threading.current_thread()

    found = pool.submit(thread()).result(WAIT)
    del pool
    gc.collect()
    found.join(WAIT)
    assert not found.is_alive()


def test_ctrl_c_is_the_parents() -> None:
    pool = Processes()
    worker = pool.submit(1, os.getpid).result(WAIT)
    os.kill(worker, signal.SIGINT)
    assert pool.submit(1, os.getpid).result(WAIT) == worker


def test_a_process_does_not_find_modules_beside_its_program() -> None:
    with pytest.raises(ModuleNotFoundError):
        Processes().submit(1, importlib.import_module, "worker_process").result(WAIT)


def test_a_process_that_ended_meanwhile_is_replaced() -> None:
    pool = Processes()
    worker = psutil.Process(pool.submit(1, os.getpid).result(WAIT))
    worker.kill()
    while worker.status() != psutil.STATUS_ZOMBIE:  # nobody tells
        time.sleep(0.01)
    assert pool.submit(1, os.getpid).result(WAIT) != worker.pid


def test_a_process_that_still_runs_ends_with_the_pool(tmp_path: Path) -> None:
    pool = Processes()
    future = pool.submit(1, _meet_and_tell, str(tmp_path))
    while not (tmp_path / "0").exists():  # another process tells
        time.sleep(0.01)
    del pool
    gc.collect()
    (tmp_path / "1").touch()
    assert not psutil.pid_exists(future.result(WAIT))


def _meet_and_tell(folder: str) -> int:
    _meet(folder, 0)
    return os.getpid()


def test_coroutines_run_side_by_side_on_one_loop() -> None:
    pool = Coroutines()

    async def both() -> tuple[int, str]:
        await asyncio.sleep(0)
        return id(asyncio.get_running_loop()), threading.current_thread().name

    found = {pool.submit(both()).result(WAIT) for _ in range(3)}
    assert len(found) == 1


def _wait_in(folder: str) -> None:
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)


def test_to_cancel_what_runs_ends_its_process_and_no_other(tmp_path: Path) -> None:
    pool = Processes()
    runs, waits = [pool.submit(1, _wait_in, str(tmp_path)) for _ in range(2)]
    deadline = time.monotonic() + WAIT
    while not list(tmp_path.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.01)  # nothing tells what another process does
    (found,) = tmp_path.iterdir()
    worker = psutil.Process(int(found.name))
    assert waits.cancel()
    assert runs.cancel()
    worker.wait(WAIT)
    assert pool.submit(1, os.getpid).result(WAIT) != worker.pid
    assert len(list(tmp_path.iterdir())) == 1, "the one that waited did not begin"


def test_coroutines_that_were_cancelled_can_take_back_what_they_did() -> None:
    pool, begun, took_back = Coroutines(), threading.Event(), []

    async def work() -> None:
        try:
            begun.set()
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            await asyncio.to_thread(time.sleep, 0.1)
            took_back.append("the job")
            raise

    future = pool.submit(work())
    assert begun.wait(WAIT)
    future.cancel()
    pool.settle()
    assert took_back == ["the job"]
    Coroutines().settle()


def test_the_event_loop_is_closed_with_its_pool() -> None:
    pool = Coroutines()

    async def loop_and_thread() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
        await asyncio.to_thread(int)
        return asyncio.get_running_loop(), threading.current_thread()

    loop, thread = pool.submit(loop_and_thread()).result(WAIT)
    del pool
    gc.collect()
    thread.join(WAIT)
    assert loop.is_closed()


_FORKING = """
import os, sys, time
from covalent._quantum.executors.pools import Processes
pool = Processes()
print(pool.submit(1, os.getpid).result(), flush=True)
if os.fork() == 0:
    time.sleep(600)
sys.stdin.read()
"""


def test_a_forked_process_holds_no_end_of_the_pipes() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", _FORKING], stdin=pipe, stdout=pipe) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        deadline = time.monotonic() + WAIT
        while not (others := set(psutil.Process(parent.pid).children()) - {worker}):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        parent.kill()
        try:
            worker.wait(WAIT)
        finally:
            for each in others:
                each.kill()
