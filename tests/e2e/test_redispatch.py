"""Redispatching on the embedded AWS: what runs again, in states and in time."""

import re
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from tests.running import Server

import covalent as ct
from covalent._dispatch.client import connect
from covalent._shared_files.exceptions import MissingLatticeRecordError
from covalent_contracts.errors import Conflict, InvalidWorkflow

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no worker can import the tests

SECONDS = 2.0
"""How long the part takes that is not to run again."""


@ct.electron
def prepare(name: str, folder: str, seconds: float = 0.0) -> dict[str, Any]:
    import time
    import uuid

    time.sleep(seconds)
    Path(folder, f"prepare {name} {uuid.uuid4()}").touch()
    return {"name": name, "data": bytes(10_000)}


@ct.electron
def combine(names: list[str], factor: int, folder: str) -> str:
    import uuid

    Path(folder, f"combine {uuid.uuid4()}").touch()
    if not Path(folder, "mended").exists():
        raise RuntimeError("not mended yet")
    return " ".join(names) * factor


@ct.lattice
def workflow(names: list[str], folder: str, *, factor: int = 1, seconds: float = 0.0) -> Any:
    parts = [prepare(name, folder, seconds)["name"] for name in names]
    return combine(parts, factor, folder)


def ran(folder: Path) -> list[str]:
    """What has run, and forget it."""
    found = sorted(each.name.rpartition(" ")[0] for each in folder.glob("* *"))
    for each in folder.glob("* *"):
        each.unlink()
    return found


def tasks(server: Server, dispatch_id: str) -> list[str]:
    return [
        event["stateEnteredEventDetails"]["name"]
        for event in server.history(dispatch_id)
        if event["type"] == "TaskStateEntered"
    ]


def waited(dispatch_id: str) -> Any:
    return ct.get_result(dispatch_id, wait=True)


@pytest.fixture
def failed(server: Server, tmp_path: Path) -> str:
    """A dispatch of which only the last electron failed."""
    return fail(tmp_path)


def fail(tmp_path: Path, seconds: float = 0.0) -> str:
    dispatch_id = ct.dispatch(workflow)(["a", "b"], str(tmp_path), factor=2, seconds=seconds)
    result = waited(dispatch_id)
    assert (result.status, "not mended yet" in str(result.error)) == ("FAILED", True)
    assert ran(tmp_path) == ["combine", "prepare a", "prepare b"]
    (tmp_path / "mended").touch()
    return str(dispatch_id)


def test_reuse_after_a_failure_runs_only_the_failed_part(server: Server, tmp_path: Path) -> None:
    failed = fail(tmp_path, SECONDS)
    again = ct.redispatch(failed, reuse_previous_results=True)()
    result = waited(again)
    assert (result.status, result.result) == ("COMPLETED", "a ba b")
    assert result.inputs["kwargs"] == {"factor": 2, "seconds": SECONDS}
    assert ran(tmp_path) == ["combine"]
    assert [name.partition(" ")[0] for name in tasks(server, again)] == ["combine"]
    assert (result.end_time - result.start_time).total_seconds() < SECONDS
    for node in result.get_all_node_results():
        assert (node["start_time"] == node["end_time"]) == (node["node_name"] != "combine")
        assert node["status"] == "COMPLETED"

    whole = ct.redispatch(again, reuse_previous_results=True)()
    assert waited(whole).result == "a ba b"
    assert tasks(server, whole) == []
    assert ran(tmp_path) == []


def test_without_reuse_everything_runs(server: Server, failed: str, tmp_path: Path) -> None:
    again = ct.redispatch(failed)()
    assert again != failed
    assert waited(again).result == "a ba b"
    assert ran(tmp_path) == ["combine", "prepare a", "prepare b"]


def test_other_arguments_and_replaced_electrons(
    server: Server, failed: str, tmp_path: Path
) -> None:
    changed = ct.redispatch(failed, reuse_previous_results=True)(
        ["a", "c"], str(tmp_path), factor=3
    )
    assert waited(changed).result == "a ca ca c"
    assert ran(tmp_path) == ["combine", "prepare c"]

    @ct.electron
    def count(names: list[str], factor: int, folder: str) -> int:
        del folder
        return len(names) * factor

    replaced = ct.redispatch(changed, None, {"combine": count}, True)()
    result = waited(replaced)
    assert result.result == 6
    assert "count" in [node["node_name"] for node in result.get_all_node_results()]
    assert ran(tmp_path) == []
    plain = ct.redispatch(changed, replace_electrons={"combine": lambda *_: "plain"})()
    assert waited(plain).result == "plain"
    assert ran(tmp_path) == ["prepare a", "prepare c"]


def test_a_pending_dispatch_is_started_itself(server: Server, tmp_path: Path) -> None:
    (tmp_path / "mended").touch()
    pending = ct.dispatch(workflow, disable_run=True)(["a"], str(tmp_path))
    assert ct.get_result(pending).status == "NEW_OBJECT"
    with pytest.raises(Conflict, match="is_pending=True"):
        ct.redispatch(pending)()
    with pytest.raises(InvalidWorkflow, match="starts as it was registered"):
        ct.redispatch(pending, is_pending=True)(["b"], str(tmp_path))
    assert ran(tmp_path) == []
    assert ct.redispatch(pending, is_pending=True)() == pending
    assert waited(pending).result == "a"
    with pytest.raises(Conflict, match="not pending"):
        ct.redispatch(pending, is_pending=True)()


def test_bad_input(server: Server, failed: str) -> None:
    with pytest.raises(InvalidWorkflow, match=r"calls no electron 'prepares'.*combine, prepare"):
        ct.redispatch(failed, replace_electrons={"prepares": lambda *_: None})()
    with pytest.raises(TypeError, match="not 3"):
        ct.redispatch(failed, replace_electrons={"combine": 3})  # type: ignore[dict-item]  # the mistake
    with pytest.raises(MissingLatticeRecordError, match="there is no dispatch"):
        ct.redispatch("00000000-0000-0000-0000-000000000000")()
    with pytest.raises(MissingLatticeRecordError):
        ct.redispatch("nonsense")


@ct.electron
def held(value: Any) -> Any:
    import threading

    threading.Event().wait()
    return value


@ct.lattice
def stuck(folder: str) -> Any:
    return held(prepare("a", folder)["name"])


def test_reuse_after_kill_9_of_the_server(own_server: Server, tmp_path: Path) -> None:
    running = ct.dispatch(stuck)(str(tmp_path))
    while ct.get_result(running).get_node_result(0)["status"] != "COMPLETED":
        pass  # each look is a request; there is nothing to sleep for
    with pytest.raises(Conflict, match="RUNNING and cannot be repeated"):
        ct.redispatch(running)()
    own_server.kill()
    own_server.start()
    assert waited(running).status == "FAILED"
    assert ran(tmp_path) == ["prepare a"]
    mended = ct.redispatch(
        running, replace_electrons={"held": lambda value: value}, reuse_previous_results=True
    )()
    assert waited(mended).result == "a"
    assert ran(tmp_path) == []


def test_the_documentation_runs_as_it_stands(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "redispatch.md").read_text()
    names: dict[str, Any] = {"__name__": "documentation"}
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(code, "redispatch.md", "exec"), names)
    *told, last = capsys.readouterr().out.splitlines()
    assert told == ["FAILED", "12", "3.0"]
    assert str(names["dispatch_id"]) in last
    lineage = connect().summary(names["other"]).redispatch_of
    assert lineage == names["mended"]
