"""More electrons than AWS Batch takes in a second: the true number, as the jobs of one array."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from tests.e2e.executors.contract import BehaviourContract, processes, sleep
from tests.running import Server

import covalent as ct
from covalent.executor import AWSBatchExecutor
from covalent_executors.awsbatch.template import ARRAY

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import the tests

COUNT = ARRAY.least
FAILS, FAILS_ONCE, KILLED, KILLED_ONCE, FAILS_AND_IS_KILLED = range(5)
TROUBLED = 10
"""Below this number are the electrons that do not just return."""

pytestmark = pytest.mark.usefixtures("server")


def behave(x: int, folder: str) -> int:
    """Return the square, if not told otherwise, and count the tries in a file."""
    import os
    import signal

    tries = Path(folder, str(x))
    with tries.open("a") as file:
        file.write("x")
    is_first = tries.read_text() == "x"
    if x == FAILS or (x in (FAILS_ONCE, FAILS_AND_IS_KILLED) and is_first):
        raise ValueError(f"no {x}")
    if x in (KILLED, FAILS_AND_IS_KILLED) or (x == KILLED_ONCE and is_first):
        os.kill(os.getpid(), signal.SIGKILL)
    return x * x


def linger(x: int, folder: str) -> None:
    own = Path(folder, str(x))
    own.mkdir()
    sleep(str(own))


def add(values: list[int]) -> int:
    return sum(values)


def ran(folder: Path, start: int, **settings: Any) -> Any:
    """The result of two sums over an array: of what lies above the troubled electrons, and of all of them."""
    run = ct.electron(executor=AWSBatchExecutor(**settings))(behave)
    total = ct.electron(add)

    @ct.lattice
    def wide(folder: str) -> Any:
        found = [run(x, folder) for x in range(start, start + COUNT)]
        return total(found[TROUBLED:]), total(found)

    return ct.get_result(ct.dispatch(wide)(str(folder)), wait=True)


def electrons(result: Any) -> list[Mapping[str, Any]]:
    """Those of the array, in order, and then the sums."""
    found = [each for each in result.get_all_node_results() if each["node_name"][0] != ":"]
    return sorted(found, key=lambda each: (each["node_name"] != "behave", each["node_id"]))


def submitted(server: Server, result: Any) -> list[str]:
    """The names of the jobs of a dispatch, arrays as one."""
    jobs = server.client("batch").list_jobs(jobQueue="covalent-electrons")["jobSummaryList"]
    names = (job["jobName"] for job in jobs)
    return sorted(name for name in names if name.startswith(result.dispatch_id))


def tries(folder: Path) -> list[int]:
    return [len((folder / str(x)).read_text()) for x in range(TROUBLED)]


def test_one_submission_runs_all_of_them(server: Server, tmp_path: Path) -> None:
    start = TROUBLED
    result = ran(tmp_path, start)
    squares = [x * x for x in range(start, start + COUNT)]
    assert result.result == (sum(squares[TROUBLED:]), sum(squares)), result.error
    first = electrons(result)[0]["node_id"]
    assert submitted(server, result) == [f"{result.dispatch_id}-{first}-0"]
    entered = [
        event["stateEnteredEventDetails"]["name"].partition(" (")[0]
        for event in server.history(result.dispatch_id)
        if "stateEnteredEventDetails" in event
    ]
    assert sorted(entered)[:2] == ["add", "add"]
    assert f"array: {COUNT} x behave" in entered
    assert not {"left", "lost"} & set(entered)


def test_each_has_its_own_fate(server: Server, tmp_path: Path) -> None:
    """Without retries none runs twice, and each that failed says why, though the array tells no more than that."""
    result = ran(tmp_path, 0)
    found = electrons(result)
    assert result.status == "FAILED"
    statuses = ["FAILED"] * 5 + ["COMPLETED"] * (COUNT - 5)
    assert [each["status"] for each in found[:COUNT]] == statuses
    assert "ValueError: no 0" in found[FAILS]["error"]
    for killed in (found[KILLED], found[KILLED_ONCE]):
        assert "exit code 137, it was killed" in killed["error"]
        assert f":{found.index(killed)} failed" in killed["error"], "the job of its own"
    above, everything = found[COUNT:]
    assert (above["status"], everything["status"]) == ("COMPLETED", "NEW_OBJECT")
    assert tries(tmp_path) == [1] * TROUBLED
    assert len(submitted(server, result)) == 1


def test_what_is_tried_again(server: Server, tmp_path: Path) -> None:
    """What failed, by its array; what was killed, as a job of its own, unless it has failed before."""
    result = ran(tmp_path, 0, retries=1)
    found = electrons(result)
    completed = [x for x in range(COUNT) if found[x]["status"] == "COMPLETED"]
    assert completed == [x for x in range(COUNT) if x not in (FAILS, KILLED, FAILS_AND_IS_KILLED)]
    assert "ValueError: no 0" in found[FAILS]["error"]
    assert "exit code 137, it was killed" in found[KILLED]["error"]
    assert "in the last try that it had" in found[FAILS_AND_IS_KILLED]["error"]
    assert [each["status"] for each in found[COUNT:]] == ["COMPLETED", "NEW_OBJECT"]
    assert tries(tmp_path) == [2] * 5 + [1] * (TROUBLED - 5)
    again = [f"{result.dispatch_id}-{found[x]['node_id']}-1" for x in (KILLED, KILLED_ONCE)]
    array = f"{result.dispatch_id}-{found[0]['node_id']}-0"
    assert submitted(server, result) == sorted([array, *again])


def test_cancel_leaves_nothing_running(server: Server, tmp_path: Path) -> None:
    run = ct.electron(executor=AWSBatchExecutor())(linger)

    @ct.lattice
    def wide(folder: str) -> Any:
        return [run(x, folder) for x in range(COUNT)]

    dispatch_id = ct.dispatch(wide)(str(tmp_path))
    pids = processes(tmp_path / "0")
    assert ct.cancel(dispatch_id) == f"Dispatch {dispatch_id} cancelled."
    assert ct.get_result(dispatch_id, wait=True).status == "CANCELLED"
    batch = server.client("batch")
    (listed,) = [
        job
        for job in batch.list_jobs(jobQueue="covalent-electrons")["jobSummaryList"]
        if job["jobName"].startswith(dispatch_id)
    ]
    begun = [processes(each) for each in tmp_path.iterdir() if (each / "pids").exists()]
    assert BehaviourContract().has_ended([*pids, *(pid for each in begun for pid in each)])
    (array,) = batch.describe_jobs(jobs=[listed["jobId"]])["jobs"]
    assert array["arrayProperties"]["statusSummary"]["RUNNING"] == 0
    assert len(json.dumps(array)) < 32 * 1024, "no more than the cause of a state may be"
