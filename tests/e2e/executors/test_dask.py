"""Electrons on a real Dask cluster: two workers with nannies, in processes of their own."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from tests.e2e.executors.contract import BehaviourContract, kill_oneself

import covalent as ct

distributed = pytest.importorskip("distributed")
cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import the tests

pytestmark = pytest.mark.usefixtures("server")
TIMEOUT = 60.0
"""Seconds; only a failing run waits so long."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, protocol="tcp"
    ) as made:
        yield made


@pytest.fixture
def dask(cluster: Any) -> Any:
    return ct.executor.DaskExecutor(cluster.scheduler_address)


def run(electron: Any, *args: Any) -> Any:
    @ct.lattice
    def single(*values: Any) -> Any:
        return electron(*values)

    return ct.get_result(ct.dispatch(single)(*args), wait=True)


def appears(file: Path) -> str:
    end = time.monotonic() + TIMEOUT
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < end, f"{file} does not appear"
        time.sleep(0.02)  # a file of another process: there is no event to wait for
    return file.read_text()


def test_a_result_and_what_was_printed(dask: Any) -> None:
    @ct.electron(executor=dask, call_before=ct.DepsCall(lambda: 30, retval_keyword="b"))
    def add(a: int, b: int) -> Any:
        import os
        import sys

        print("adding", a, b)
        print("to stderr", file=sys.stderr)
        return a + b, distributed.get_worker().address, os.getpid(), ct.get_context().task_id

    result = run(add, 12)
    assert result.status == "COMPLETED", result.error
    assert result.result[0] == 42
    assert result.result[1].startswith("tcp://")
    assert result.result[3] == 0
    node = result.get_node_result(0)
    assert (node["stdout"], node["stderr"]) == ("adding 12 30\n", "to stderr\n")
    logged = Path(ct.get_config("sdk.results_dir"), result.dispatch_id, "stdout.log")
    assert logged.read_text() == "adding 12 30\n"
    metadata = result.lattice.transport_graph.get_node_value(0, "metadata")
    assert metadata["executor"] == "dask"


def test_what_the_electron_raises(dask: Any) -> None:
    class Own(Exception):
        pass

    @ct.electron(executor=dask)
    def broken() -> None:
        print("before")
        raise Own("of the electron")

    result = run(broken)
    assert result.status == "FAILED"
    error = result.get_node_result(0)["error"]
    assert error.splitlines()[-1].endswith("Own: of the electron")
    assert "in broken" in error
    assert result.get_node_result(0)["stdout"] == "before\n"


def test_fifty_electrons(dask: Any) -> None:
    @ct.electron(executor=dask)
    def square(x: int) -> int:
        return x * x

    @ct.lattice
    def many(n: int) -> Any:
        return [square(x) for x in range(n)]

    begun = time.monotonic()
    result = ct.get_result(ct.dispatch(many)(50), wait=True)
    assert result.result == [x * x for x in range(50)], result.error
    print(f"50 electrons on Dask took {time.monotonic() - begun:.1f} s")


class TestDask(BehaviourContract):
    killed = "the Dask worker .* ended while it ran the electron"
    left = "the Dask worker .* ended while it ran the electron"

    @pytest.fixture(autouse=True)
    def _on_the_cluster(self, cluster: Any) -> None:
        self.address = cluster.scheduler_address

    def made(self, **settings: Any) -> Any:
        return ct.executor.DaskExecutor(self.address, **settings)

    def has_ended(self, pids: list[int]) -> bool:
        """The worker stays; what the electron has started there does not."""
        _worker, *started = pids
        return super().has_ended(started)

    def test_no_other_worker_tries_what_has_killed_one(self, tmp_path: Path) -> None:
        def fatal(log: str) -> None:
            with Path(log).open("a") as file:
                file.write("x")
            kill_oneself()

        assert self.ran(fatal, str(tmp_path / "log")).status == "FAILED"
        assert (tmp_path / "log").read_text() == "x"


@ct.electron
def held(folder: str, in_c: bool) -> None:
    import os
    import time

    Path(folder, "pid").write_text(str(os.getpid()))
    try:
        end = time.monotonic() + 600
        while time.monotonic() < end:
            time.sleep(600 if in_c else 0.01)
    finally:
        Path(folder, "ended").write_text("in order")


def held_by(dask: Any, folder: Path, *, in_c: bool) -> Any:
    @ct.lattice(executor=dask)
    def single(folder: str) -> Any:
        return held(folder, in_c)

    dispatch_id = ct.dispatch(single)(str(folder))
    return dispatch_id, int(appears(folder / "pid"))


@pytest.mark.parametrize("whole", [True, False])
def test_cancel_interrupts_the_function(dask: Any, tmp_path: Path, whole: bool) -> None:
    dispatch_id, pid = held_by(dask, tmp_path, in_c=False)
    ct.cancel(dispatch_id) if whole else ct.cancel(dispatch_id, [0])
    assert ct.get_result(dispatch_id, wait=True).status == "CANCELLED"
    assert appears(tmp_path / "ended") == "in order"
    os.kill(pid, 0)  # the worker is still there


def test_cancel_ends_the_worker_of_what_does_not_notice(dask: Any, tmp_path: Path) -> None:
    dispatch_id, pid = held_by(dask, tmp_path, in_c=True)
    ct.cancel(dispatch_id)
    assert ct.get_result(dispatch_id, wait=True).status == "CANCELLED"
    end = time.monotonic() + TIMEOUT
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert not (tmp_path / "ended").exists()


def test_the_time_limit(cluster: Any, tmp_path: Path) -> None:
    dask = ct.executor.DaskExecutor(cluster.scheduler_address, time_limit=2)
    dispatch_id, _ = held_by(dask, tmp_path, in_c=False)
    result = ct.get_result(dispatch_id, wait=True)
    assert result.status == "FAILED"
    assert "States.Timeout: electron 0 did not end within its time limit of 2 s" in str(
        result.error
    )
    assert appears(tmp_path / "ended") == "in order"


def test_no_scheduler() -> None:
    @ct.electron(executor=ct.executor.DaskExecutor("tcp://127.0.0.1:1"))
    def one() -> int:
        return 1

    result = run(one)
    assert result.status == "FAILED"
    assert "no Dask scheduler answers at 'tcp://127.0.0.1:1'" in str(result.error)


def test_the_cluster_of_the_configuration(cluster: Any) -> None:
    @ct.electron(executor="dask")
    def where() -> Any:
        try:
            return distributed.get_worker().address
        except ValueError:
            return "local"

    assert run(where).result == "local"
    ct.set_config("dask.scheduler_address", cluster.scheduler_address)
    try:
        result = run(where)
        assert str(result.result).startswith("tcp://"), result.error
    finally:
        ct.set_config("dask.scheduler_address", "")
    again = ct.get_result(ct.redispatch(result.dispatch_id)(), wait=True)
    assert again.result == "local", again.error
