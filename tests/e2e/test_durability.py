"""What survives: an orderly stop, and kill -9 in the middle of a run."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.running import Server

import covalent as ct


@ct.electron
def quick(value: int) -> int:
    return value


@ct.electron
def held(value: int) -> int:
    import threading

    if value >= 0:
        threading.Event().wait()
    return value


@ct.lattice
def finished(value: int) -> Any:
    return quick(value)


@ct.lattice
def interrupted(n: int) -> Any:
    first = [quick(i) for i in range(n)]
    return [held(value) for value in first]


def test_kill_9_keeps_what_was_committed(own_server: Server) -> None:
    done = ct.dispatch(finished)(42)
    assert ct.get_result(done, wait=True).result == 42
    running = ct.dispatch(interrupted)(100)
    while not any(
        node["status"] == "COMPLETED" and node["node_name"] == "quick"
        for node in ct.get_result(running).get_all_node_results()
    ):
        pass  # each look is a request; there is nothing to sleep for
    own_server.kill()
    own_server.start()

    assert ct.get_result(done).result == 42
    lost = ct.get_result(running, wait=True)
    assert lost.status == "FAILED"
    assert lost.error
    assert "stopped while the dispatch was running" in lost.error
    committed = [
        node
        for node in lost.get_all_node_results()
        if node["node_name"] == "quick" and node["status"] == "COMPLETED"
    ]
    assert committed
    assert all(isinstance(node["output"].get_deserialized(), int) for node in committed)
    again = ct.dispatch(finished)(7)
    assert ct.get_result(again, wait=True).result == 7


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_who_waits_goes_on_waiting_over_a_restart(own_server: Server, end: str) -> None:
    """A restarted server has another token, as after `covalent restart`."""
    running = ct.dispatch(interrupted)(1)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(ct.get_result, running, wait=True)
        while ct.get_result(running).get_node_result(0)["status"] != "COMPLETED":
            pass  # as above
        getattr(own_server, end)()
        own_server.token = secrets.token_hex(16)
        own_server.start()
        lost = waiting.result(60)
    assert lost.status == "FAILED"
    assert "stopped while the dispatch was running" in str(lost.error)


def test_a_stop_keeps_results(own_server: Server) -> None:
    done = ct.dispatch(finished)(1)
    assert ct.get_result(done, wait=True).result == 1
    own_server.stop()
    own_server.start()
    assert ct.get_result(done).result == 1


def test_no_working_directory_stays_behind(own_server: Server) -> None:
    assert ct.get_result(ct.dispatch(finished)(1), wait=True).result == 1
    work = own_server.data_dir / "work"
    assert list(work.iterdir())
    own_server.stop()
    assert not work.exists()
