"""Cancelling on the embedded AWS: nothing of it runs any more, and nothing of it starts."""

import os
import select
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from tests.running import Server

import covalent as ct
from covalent._shared_files.exceptions import InvalidArguments, MissingLatticeRecordError
from covalent_contracts.errors import Conflict, InvalidWorkflow

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import the tests

pytestmark = pytest.mark.usefixtures("server")
TIMEOUT = 30.0
"""Seconds; only a failing run waits so long."""


@ct.electron
def sleeper(number: int, folder: str) -> int:
    """Start children that sleep, one of them in a session of its own, another without a parent; and wait."""
    import subprocess

    child = subprocess.Popen(["sleep", "600"])
    apart = subprocess.Popen(["sleep", "600"], start_new_session=True)
    orphan = subprocess.run(
        ["sh", "-c", "sleep 600 > /dev/null 2>&1 & echo $!"],
        capture_output=True,
        text=True,
        start_new_session=True,
        check=True,
    )
    written = Path(folder, f".{number}")
    written.write_text(f"{os.getpid()} {child.pid} {apart.pid} {orphan.stdout}")
    written.rename(Path(folder, str(number)))
    child.wait()
    return number


@ct.electron
def plain(*values: Any) -> Any:
    return values


@ct.lattice
def many(n: int, folder: str) -> Any:
    return plain([sleeper(number, folder) for number in range(n)])


@ct.lattice
def beside(folder: str) -> Any:
    held = sleeper(0, folder)
    quick = plain(1)
    return plain(held), plain(quick), plain(quick, held)


def processes(folder: Path, count: int) -> list[int]:
    """The processes of `count` sleepers, once so many have started."""
    end = time.monotonic() + TIMEOUT
    while len(found := [each for each in folder.glob("*") if each.name.isdigit()]) < count:
        assert time.monotonic() < end, "the electrons do not start"
        time.sleep(0.02)  # files of other processes: there is no event to wait for
    return [int(pid) for each in found for pid in each.read_text().split()]


def has_ended(pid: int) -> bool:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], TIMEOUT)[0])
    finally:
        os.close(process)


def nodes(dispatch_id: str) -> Counter[tuple[str, str]]:
    found = ct.get_result(dispatch_id).get_all_node_results()
    return Counter(
        (each["node_name"], str(each["status"])) for each in found if each["node_name"][0] != ":"
    )


def test_cancel_of_20_electrons_leaves_no_process_behind(tmp_path: Path) -> None:
    dispatch_id = ct.dispatch(many)(20, str(tmp_path))
    pids = processes(tmp_path, 4)  # the server runs four at a time
    asked = datetime.now(UTC).replace(tzinfo=None)
    assert ct.cancel(dispatch_id) == f"Dispatch {dispatch_id} cancelled."
    result = ct.get_result(dispatch_id)
    assert result.end_time is not None
    assert result.end_time - asked < timedelta(seconds=1)
    assert result.status == "CANCELLED"
    assert (result.error, result.result) == (None, None)
    assert all(map(has_ended, pids))
    assert nodes(dispatch_id) == {
        ("sleeper", "CANCELLED"): 4,
        ("sleeper", "NEW_OBJECT"): 16,
        ("plain", "NEW_OBJECT"): 1,
    }
    assert len(processes(tmp_path, 4)) == len(pids), "no other one has started"
    assert ct.cancel(dispatch_id) == f"Dispatch {dispatch_id} cancelled."


def test_a_cancelled_task_is_stopped_and_the_others_go_on(tmp_path: Path) -> None:
    dispatch_id = ct.dispatch(beside)(str(tmp_path))
    pids = processes(tmp_path, 1)
    told = ct.cancel(dispatch_id, task_ids=0)
    assert told == f"Cancelled tasks [0] in dispatch {dispatch_id}."
    result = ct.get_result(dispatch_id, wait=True)
    assert (result.status, result.error) == ("CANCELLED", None)
    assert all(map(has_ended, pids))
    assert nodes(dispatch_id) == {
        ("sleeper", "CANCELLED"): 1,
        ("plain", "COMPLETED"): 2,
        ("plain", "NEW_OBJECT"): 2,
    }
    assert "is CANCELLED already" in ct.cancel(dispatch_id, [0])


def test_reuse_after_a_cancel(tmp_path: Path) -> None:
    dispatch_id = ct.dispatch(beside)(str(tmp_path))
    processes(tmp_path, 1)
    while nodes(dispatch_id)["plain", "COMPLETED"] < 2:
        pass  # each look is a request; there is nothing to sleep for
    ct.cancel(dispatch_id)
    again = ct.redispatch(dispatch_id, None, {"sleeper": lambda *_: 0}, True)()
    result = ct.get_result(again, wait=True)
    assert result.result == ((0,), ((1,),), ((1,), 0))
    reused = [n for n in result.get_all_node_results() if n["start_time"] == n["end_time"]]
    assert len([node for node in reused if node["node_name"] == "plain"]) == 2


def test_nested_executions_end(server: Server, tmp_path: Path) -> None:
    """More than one machine could hold, held by one sleeper."""

    @ct.lattice
    def divided(n: int, folder: str) -> Any:
        value = sleeper(0, folder)
        for index in range(n):
            value = plain(index, value)
        return value

    dispatch_id = ct.dispatch(divided)(1800, str(tmp_path))
    pids = processes(tmp_path, 1)
    assert any(name != dispatch_id for name in executions(server, dispatch_id, "RUNNING"))
    ct.cancel(dispatch_id)
    assert all(map(has_ended, pids))
    assert executions(server, dispatch_id, "RUNNING") == []
    assert len(executions(server, dispatch_id, "ABORTED")) > 1
    assert nodes(dispatch_id) == {("sleeper", "CANCELLED"): 1, ("plain", "NEW_OBJECT"): 1800}


def test_what_waits_at_a_gate_ends(server: Server, tmp_path: Path) -> None:
    @ct.lattice
    def crossed(folder: str) -> Any:
        held, one, two = sleeper(0, folder), plain(1), plain(2)
        return plain(held, one), plain(one, two), plain(two, held)

    dispatch_id = ct.dispatch(crossed)(str(tmp_path))
    pids = processes(tmp_path, 1)
    ct.cancel(dispatch_id)
    assert all(map(has_ended, pids))
    assert executions(server, dispatch_id, "ABORTED") == [dispatch_id]


def test_a_distributed_map_ends(tmp_path: Path) -> None:
    dispatch_id = ct.dispatch(many)(1200, str(tmp_path))
    pids = processes(tmp_path, 4)
    ct.cancel(dispatch_id)
    assert all(map(has_ended, pids))
    assert nodes(dispatch_id)["sleeper", "CANCELLED"] == 4
    assert len(processes(tmp_path, 4)) == len(pids), "no other one has started"


def executions(server: Server, dispatch_id: str, status: Any) -> list[str]:
    """The names of a dispatch's executions in a state, those of its parts included."""
    states = server.client("stepfunctions")
    pages = states.get_paginator("list_state_machines").paginate()
    arns = [machine["stateMachineArn"] for page in pages for machine in page["stateMachines"]]
    found = (states.list_executions(stateMachineArn=arn, statusFilter=status) for arn in arns)
    names = [execution["name"] for each in found for execution in each["executions"]]
    return [name for name in names if name.startswith(dispatch_id)]


def test_cancel_against_everything_else(tmp_path: Path) -> None:
    """Cancels at any moment, several at once: each dispatch ends, and none differently from what was told."""

    @ct.lattice
    def chain() -> Any:
        value = plain(0)
        for _ in range(5):
            value = plain(value)
        return value

    def race(number: int) -> None:
        dispatch_id = ct.dispatch(chain)()
        time.sleep(number * 0.004)
        with ThreadPoolExecutor(2) as threads:
            told = set(threads.map(lambda _: ct.cancel(dispatch_id), range(2)))
        result = ct.get_result(dispatch_id, wait=True)
        assert result.status in ("CANCELLED", "COMPLETED")
        expected = "cancelled." if result.status == "CANCELLED" else "is COMPLETED already"
        assert all(expected in each for each in told)
        statuses = {status for _, status in nodes(dispatch_id)}
        assert not statuses & {"RUNNING", "FAILED"}

    for number in range(12):
        race(number)


def test_bad_input(tmp_path: Path) -> None:
    @ct.lattice
    def single() -> Any:
        return plain(1)

    done = ct.dispatch(single)()
    ct.get_result(done, wait=True)
    assert ct.cancel(done) == f"Dispatch {done} is COMPLETED already: nothing was cancelled."
    assert ct.get_result(done).result == (1,)
    with pytest.raises(InvalidWorkflow, match="no task 99"):
        ct.cancel(done, [99])
    with pytest.raises(InvalidWorkflow, match=r"1 \(:parameter:1\) is no task"):
        ct.cancel(done, [1])
    with pytest.raises(InvalidArguments, match="task_ids is empty"):
        ct.cancel(done, [])
    with pytest.raises(MissingLatticeRecordError, match="there is no dispatch"):
        ct.cancel("00000000-0000-0000-0000-000000000000")
    with pytest.raises(MissingLatticeRecordError, match="not a dispatch id"):
        ct.cancel("nonsense")
    pending = ct.dispatch(single, disable_run=True)()
    assert ct.cancel(pending) == f"Dispatch {pending} cancelled."
    with pytest.raises(Conflict, match="CANCELLED, not pending"):
        ct.redispatch(pending, is_pending=True)()
