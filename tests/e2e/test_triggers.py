"""Triggers on the embedded AWS, from the lattice to the run."""

import itertools
import json
import runpy
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.running import Server

import covalent as ct
from covalent.triggers import BaseTrigger, DirTrigger, EventTrigger, TimeTrigger
from covalent_contracts.errors import InvalidWorkflow, NotFound

PATIENCE = 60.0
"""Seconds; generous, because it only bounds a failing run."""


@ct.electron
def told() -> Any:
    return ct.get_context().event


@ct.electron
def slowly(seconds: float) -> Any:
    time.sleep(seconds)
    return ct.get_context().event


def dispatched(trigger: Any) -> str:
    @ct.lattice(triggers=trigger)
    def flow() -> Any:
        return told()

    return str(ct.dispatch(flow)())


def fired(trigger: BaseTrigger, times: int) -> list[Any]:
    """The runs of a trigger, once it has fired so often and they have ended."""
    from covalent._triggers.registration import runs

    ends = time.monotonic() + PATIENCE
    while len(found := runs(trigger)) < times:
        assert time.monotonic() < ends, f"{trigger} has fired {len(found)} times only"
        time.sleep(0.02)
    return [ct.get_result(run, wait=True) for run in found]


def test_every_two_seconds_and_again_after_a_restart(own_server: Server) -> None:
    """Five times in eleven seconds: what counts are the times that the events carry, not how fast this machine is."""
    trigger = TimeTrigger(time_gap=2)
    begun = time.time()
    dispatch_id = dispatched(trigger)
    registered = time.time()
    results = fired(trigger, 5)
    assert {result.status for result in results} == {"COMPLETED"}
    assert results[0].dispatch_id == dispatch_id
    times = [_seconds(result.result["time"]) for result in results[:5]]
    assert [later - times[0] for later in times] == [0, 2, 4, 6, 8]
    assert begun + 1 < times[0] <= registered + 2
    own_server.stop()
    own_server.start()
    results = fired(trigger, 6)
    assert (_seconds(results[5].result["time"]) - times[0]) % 2 == 0
    ct.stop_triggers([dispatch_id])
    stopped = len(fired(trigger, 6))
    assert len({result.dispatch_id for result in results}) == len(results)
    machines = own_server.client("stepfunctions")
    for machine in machines.list_state_machines()["stateMachines"]:
        listed = machines.list_executions(
            stateMachineArn=machine["stateMachineArn"], statusFilter="RUNNING"
        )["executions"]
        assert [each["name"] for each in listed if trigger.trigger_id in each["name"]] == []
    assert len(fired(trigger, stopped)) <= stopped + 1


def _seconds(moment: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp()


def test_a_folder_of_this_machine(server: Server, tmp_path: Path) -> None:
    trigger = DirTrigger(tmp_path, ["created"], batch_size=2, recursive=True)
    dispatch_id = dispatched(trigger)
    begun = _nudge(trigger, lambda number: (tmp_path / f"{number}.txt").touch())
    assert begun.dispatch_id == dispatch_id
    assert begun.result["kind"] == "dir"
    assert Path(begun.result["path"]).parent == tmp_path
    ct.stop_triggers(dispatch_id)


class WhenThere(BaseTrigger):
    """A trigger of a user's own."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def observe(self) -> None:
        self.stop_flag = threading.Event()
        while not self.path.exists() and not self.stop_flag.wait(0.02):
            pass
        if not self.stop_flag.is_set():
            self.trigger({"found": self.path.name})
            self.stop_flag.wait()

    def stop(self) -> None:
        if self.stop_flag is not None:
            self.stop_flag.set()


def test_a_class_of_ones_own(server: Server, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    trigger = WhenThere(flag)
    dispatch_id = dispatched(trigger)
    flag.touch()
    (result,) = fired(trigger, 1)
    assert (result.dispatch_id, result.result) == (dispatch_id, {"found": "flag"})
    assert trigger.new_dispatch_ids == []
    ct.stop_triggers(dispatch_id)


def _nudge(trigger: BaseTrigger, change: Callable[[int], object]) -> Any:
    """Change something until the watcher, which may still be starting, has seen it."""
    from covalent._triggers.registration import runs

    ends = time.monotonic() + PATIENCE
    number = 0
    while not runs(trigger):
        assert time.monotonic() < ends, f"{trigger} has not fired"
        change(number)
        number += 1
        time.sleep(0.05)
    return fired(trigger, 1)[0]


def test_objects_of_a_bucket_one_after_the_other(server: Server) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="pictures")
    with pytest.raises(InvalidWorkflow, match="tells EventBridge nothing"):
        dispatched(DirTrigger("s3://pictures/in", "created"))
    s3.put_bucket_notification_configuration(
        Bucket="pictures", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )

    trigger = DirTrigger("s3://pictures/in", ["created"], overlap="queue")

    @ct.lattice(triggers=trigger)
    def flow() -> Any:
        return slowly(0.2)

    ct.dispatch(flow)()
    for key in ("in/1", "elsewhere/2", "in/deeper/3", "in/4", "in/5"):
        s3.put_object(Bucket="pictures", Key=key, Body=b"x")
    results = fired(trigger, 3)
    assert sorted(each.result["detail"]["object"]["key"] for each in results) == [
        "in/1",
        "in/4",
        "in/5",
    ]
    ends = [(each.start_time, each.end_time) for each in results]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(ends))


def test_an_event_and_a_run_by_hand(server: Server) -> None:
    trigger = EventTrigger({"source": ["my.application"]})
    dispatch_id = dispatched([trigger])
    entry = {"Source": "my.application", "DetailType": "New", "Detail": json.dumps({"a": 1})}
    server.client("events").put_events(Entries=[entry])
    (result,) = fired(trigger, 1)
    assert result.dispatch_id == dispatch_id
    assert (result.result["source"], result.result["detail"]) == ("my.application", {"a": 1})
    plain: Any = BaseTrigger  # abstract to a type checker
    by_hand = plain(lattice_dispatch_id=dispatch_id)
    by_hand.trigger({"by": "hand"})
    (again,) = fired(by_hand, 1)
    assert again.result == {"by": "hand"}
    assert by_hand.new_dispatch_ids == [again.dispatch_id]


def test_a_workflow_without_trigger_has_no_event(server: Server) -> None:
    @ct.lattice
    def flow() -> Any:
        return told()

    assert ct.dispatch_sync(flow)().result is None


def test_the_example_of_the_documentation(server: Server, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "triggers.md").read_text()
    script = tmp_path / "example.py"
    script.write_text(page.partition("```python\n")[2].partition("```")[0])
    found = runpy.run_path(str(script))
    assert ct.get_result(found["dispatch_id"]).status == "NEW_OBJECT"


def test_what_cannot_be_stopped(server: Server) -> None:
    with pytest.raises(NotFound):
        ct.stop_triggers("00000000-0000-0000-0000-000000000000")
    with pytest.raises(TypeError, match="triggers of a lattice are triggers"):
        dispatched("every day")


def test_without_triggers(config_dir: Path, tmp_path: Path) -> None:
    """`covalent start --no-triggers`."""
    from covalent_localstack import __main__ as serve

    options = serve._parser().parse_args(
        ["serve", "--no-triggers", "--data-dir", str(tmp_path), "--state-file", str(tmp_path / "s")]
    )
    assert options.no_triggers
