"""Electrons in a place that Step Functions cannot call, on the embedded AWS: jobs are real processes of their own."""

import os
import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from tests.running import Server

import covalent as ct

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no job can import the tests

PLACES = Path(__file__).parents[1] / "places"
TIMEOUT = 60.0
"""Seconds; only a failing run waits so long."""


@pytest.fixture(scope="module")
def places(config_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that knows the executor `shell`, as an installed package adds it."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", os.pathsep.join([str(PLACES), os.environ.get("PYTHONPATH", "")]))
    server = Server(tmp_path_factory.mktemp("covalent"), "bridge-token")
    server.start()
    yield server
    server.stop()
    patch.undo()


@pytest.fixture
def shell(places: Server, tmp_path: Path) -> Iterator[Path]:
    """The folder of the executor's jobs."""
    ct.set_config({"dispatcher.port": places.port, "dispatcher.token": places.token})
    ct.set_config({"executors.shell": {"root": str(tmp_path / "jobs")}})
    yield tmp_path / "jobs"
    for name in ("retries", "busy"):
        ct.set_config({f"executors.shell.{name}": 0})
    ct.set_config({"executors.shell.time_limit": -1, "executors.shell.refuse": ""})


@ct.electron(executor="shell")
def where(value: Any) -> tuple[int, Any]:
    print("in the shell")
    return os.getpid(), value


@ct.electron(executor="shell")
def large(size: int) -> bytes:
    return b"x" * size


@ct.electron(executor="shell")
def fails(text: str) -> None:
    print("before", file=sys.stderr)
    raise ValueError(text)


@ct.electron(executor="shell")
def third_time(folder: str) -> int:
    tries = len([each for each in Path(folder).iterdir() if each.is_dir()])
    if tries < 3:
        raise ValueError(f"try {tries}")
    return tries


@ct.electron(executor="shell")
def killed() -> None:
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


@ct.electron(executor="shell")
def sleeps(folder: str) -> None:
    import subprocess

    Path(folder, "sleeping").write_text(str(os.getpid()))
    subprocess.run(["sleep", "600"], check=True)


@ct.electron
def plain(*values: Any) -> Any:
    return values


def test_it_runs_elsewhere_with_values_from_here_and_back(shell: Path) -> None:
    @ct.lattice
    def workflow(n: int) -> Any:
        data = large(n)
        pid, value = where({"data": data, "first": data[0]})
        return plain(value["data"], pid, where(pid))

    dispatch_id = ct.dispatch(workflow)(10_000)
    result = ct.get_result(dispatch_id, wait=True)
    assert result.status == "COMPLETED", result.error
    data, pid, (other, same) = result.result
    assert data == b"x" * 10_000
    assert pid == same != other
    assert "in the shell\n" in [result.get_node_result(i)["stdout"] for i in range(8)]
    assert [each for each in shell.rglob("*") if each.name in ("runner.pyz", "ticket.json")] == []


def test_an_exception_is_that_of_the_electron(shell: Path) -> None:
    @ct.lattice
    def workflow() -> Any:
        return plain(fails("no luck"))

    result = ct.get_result(ct.dispatch(workflow)(), wait=True)
    assert result.status == "FAILED"
    node = result.get_node_result(0)
    assert "ValueError: no luck" in node["error"]
    assert "before\n" in node["stderr"]
    assert [str(result.get_node_result(i)["status"]) for i in (0, 2)] == ["FAILED", "NEW_OBJECT"]


def test_a_failed_try_is_repeated(shell: Path) -> None:
    ct.set_config({"executors.shell.retries": 2})

    @ct.lattice
    def workflow(folder: str) -> Any:
        return third_time(folder)

    result = ct.get_result(ct.dispatch(workflow)(str(shell)), wait=True)
    assert (str(result.status), result.result) == ("COMPLETED", 3), result.error
    assert len([each for each in shell.iterdir() if each.is_dir()]) == 3


def test_a_place_that_is_full_is_asked_again(shell: Path) -> None:
    ct.set_config({"executors.shell.busy": 2})
    result = ct.get_result(ct.dispatch(ct.lattice(lambda: where(1)))(), wait=True)
    assert str(result.status) == "COMPLETED", result.error
    assert len(list(shell.glob("busy-*"))) == 2


def test_a_place_that_refuses_tells_why_and_is_not_asked_again(shell: Path) -> None:
    ct.set_config({"executors.shell.refuse": "no shell: ask the porter"})
    ct.set_config({"executors.shell.retries": 5})

    @ct.lattice
    def workflow() -> Any:
        return plain(where(1))

    result = ct.get_result(ct.dispatch(workflow)(), wait=True)
    assert str(result.status) == "FAILED"
    assert "no shell: ask the porter" in result.get_node_result(0)["error"]


@pytest.mark.parametrize("retries", [0, 1])
def test_a_killed_job_is_lost_with_its_cause(shell: Path, retries: int) -> None:
    ct.set_config({"executors.shell.retries": retries})

    @ct.lattice
    def workflow() -> Any:
        return killed()

    result = ct.get_result(ct.dispatch(workflow)(), wait=True)
    assert str(result.status) == "FAILED"
    assert (
        "JobLost: the job of electron 0: it exited with 137" in result.get_node_result(0)["error"]
    )
    assert len([each for each in shell.iterdir() if each.is_dir()]) == retries + 1


def test_the_time_limit_ends_the_job(shell: Path, tmp_path: Path) -> None:
    ct.set_config({"executors.shell.time_limit": 1})

    @ct.lattice
    def workflow(folder: str) -> Any:
        return sleeps(folder)

    result = ct.get_result(ct.dispatch(workflow)(str(tmp_path)), wait=True)
    assert str(result.status) == "FAILED"
    assert "within its time limit of 1 s" in result.get_node_result(0)["error"]
    ended(int((tmp_path / "sleeping").read_text()))


@pytest.mark.parametrize("only_tasks", [False, True])
def test_cancelling_ends_the_job(shell: Path, tmp_path: Path, only_tasks: bool) -> None:
    @ct.lattice
    def workflow(folder: str) -> Any:
        return plain(sleeps(folder))

    dispatch_id = ct.dispatch(workflow)(str(tmp_path))
    pid = int(appeared(tmp_path / "sleeping"))
    ct.cancel(dispatch_id, task_ids=[0] if only_tasks else None)
    result = ct.get_result(dispatch_id, wait=True)
    assert str(result.status) == "CANCELLED"
    assert str(result.get_node_result(0)["status"]) == "CANCELLED"
    ended(pid)


def test_a_server_that_stops_ends_its_jobs(shell: Path, tmp_path: Path, places: Server) -> None:
    @ct.lattice
    def workflow(folder: str) -> Any:
        return sleeps(folder)

    dispatch_id = ct.dispatch(workflow)(str(tmp_path))
    pid = int(appeared(tmp_path / "sleeping"))
    places.stop()
    ended(pid)
    places.start()
    assert str(ct.get_result(dispatch_id).status) == "FAILED"


def test_a_server_that_was_killed_ends_its_jobs_when_it_is_back(
    shell: Path, tmp_path: Path, places: Server
) -> None:
    @ct.lattice
    def workflow(folder: str) -> Any:
        return sleeps(folder)

    dispatch_id = ct.dispatch(workflow)(str(tmp_path))
    pid = int(appeared(tmp_path / "sleeping"))
    places.kill()
    places.start()
    ended(pid)
    assert str(ct.get_result(dispatch_id).status) == "FAILED"


def test_equal_electrons_of_one_map_are_jobs_each(shell: Path) -> None:
    @ct.lattice
    def workflow(n: int) -> Any:
        return plain(*[where(i) for i in range(n)])

    result = ct.get_result(ct.dispatch(workflow)(30), wait=True)
    assert str(result.status) == "COMPLETED", result.error
    assert [value for _, value in result.result] == list(range(30))
    assert len({pid for pid, _ in result.result}) == 30


def test_a_sublattice_is_built_here_and_its_electrons_run_there(shell: Path) -> None:
    @ct.electron(executor="shell")
    @ct.lattice
    def inner(value: int) -> Any:
        return where(value)

    @ct.lattice
    def outer() -> Any:
        return plain(inner(5))

    result = ct.get_result(ct.dispatch(outer)(), wait=True)
    assert str(result.status) == "COMPLETED", result.error
    assert result.result[0][1] == 5
    assert len([each for each in shell.iterdir() if each.is_dir()]) == 1


def appeared(path: Path) -> str:
    """What is in a file, once it is there."""
    end = time.monotonic() + TIMEOUT
    while not path.exists() or not path.read_text():
        assert time.monotonic() < end, f"{path} does not appear"
        time.sleep(0.02)  # a file of another process: there is no event to wait for
    return path.read_text()


def ended(pid: int) -> None:
    """Wait until a process has ended."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([process], [], [], TIMEOUT)[0], f"{pid} still runs"
    finally:
        os.close(process)
