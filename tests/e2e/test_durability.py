"""What survives: an orderly stop, and kill -9 in the middle of a run."""

from typing import Any

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
