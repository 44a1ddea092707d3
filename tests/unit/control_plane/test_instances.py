"""Which instances are lost, and that a sweep ends them and no others."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.control_plane.conftest import Dispatched, table

from covalent_contracts import records
from covalent_contracts.ids import new_dispatch_id
from covalent_contracts.status import Status
from covalent_control_plane import application, instances
from covalent_control_plane.aws import Aws
from covalent_control_plane.instances import GRACE, YOUNG, Found, is_lost
from covalent_control_plane.items import DispatchItem, NodeItem

NOW = 1_800_000_000.0
FOUND = Found("i-0a", NOW - 2 * YOUNG, "6f5902ac-2372-4d3c-a3ad-9d2f0c0e5a11", 1, 1)


def dispatch(status: str, ago: float | None = None) -> DispatchItem:
    ended = None if ago is None else int((NOW - ago) * 1_000_000)
    return DispatchItem("D#x", "DISPATCH", status=status, ended=ended)


def node(status: str, ago: float | None = None, attempt: int = 0) -> NodeItem:
    ended = None if ago is None else int((NOW - ago) * 1_000_000)
    return NodeItem("D#x", "N#1", status=status, ended=ended, attempt=attempt)


@pytest.mark.parametrize(
    ("of", "record", "lost"),
    [
        (dispatch("RUNNING"), None, False),
        (dispatch("RUNNING"), node("RUNNING", attempt=1), False),
        (dispatch("RUNNING"), node("RUNNING", attempt=0), False),
        (dispatch("RUNNING"), node("RUNNING", attempt=2), True),
        (dispatch("RUNNING"), node("COMPLETED", ago=GRACE + 1), True),
        (dispatch("RUNNING"), node("COMPLETED", ago=GRACE - 1), False),
        (dispatch("RUNNING"), node("FAILED", ago=GRACE + 1), True),
        (dispatch("RUNNING"), node("CANCELLED", ago=GRACE + 1), True),
        (dispatch("FAILED", ago=GRACE + 1), None, True),
        (dispatch("CANCELLED", ago=GRACE + 1), node("RUNNING"), True),
        (dispatch("COMPLETED", ago=GRACE - 1), node("RUNNING", attempt=1), False),
        (None, None, True),
    ],
)
def test_which_instances_are_lost(
    of: DispatchItem | None, record: NodeItem | None, lost: bool
) -> None:
    assert is_lost(FOUND, of, record, NOW) is lost


@given(
    st.sampled_from([each.value for each in Status]),
    st.sampled_from([each.value for each in Status]),
    st.floats(0, GRACE),
)
def test_none_is_lost_that_has_just_started(of: str, record: str, age: float) -> None:
    young = Found("i-0a", NOW - age, FOUND.dispatch_id, 1, 0)
    assert not is_lost(young, dispatch(of, ago=1e6), node(record, ago=1e6, attempt=9), NOW)
    assert not is_lost(young, None, None, NOW)


def test_an_unknown_dispatch_may_be_about_to_appear() -> None:
    assert not is_lost(Found("i", NOW - YOUNG + 1, FOUND.dispatch_id, 1, 0), None, None, NOW)


Start = Callable[..., str]


@pytest.fixture
def start(aws: Aws) -> Start:
    """Starts an instance with tags."""

    def run(**tags: str) -> str:
        named = [{"Key": f"covalent:{name}", "Value": value} for name, value in tags.items()]
        ec2: Any = boto3.client("ec2")
        made = ec2.run_instances(
            ImageId="ami-12c6146b",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": named}] if named else [],
        )
        return str(made["Instances"][0]["InstanceId"])

    return run


def states() -> dict[str, str]:
    found: Any = boto3.client("ec2").describe_instances()
    return {
        each["InstanceId"]: each["State"]["Name"]
        for reservation in found["Reservations"]
        for each in reservation["Instances"]
    }


def _record(dispatch_id: str, status: str, **more: Any) -> None:
    key = {"pk": records.dispatch_pk(dispatch_id), "sk": records.node_sk(1)}
    table().put_item(Item=key | {"status": status, "started": 5} | more)


def test_a_sweep_ends_what_is_lost_and_nothing_else(
    aws: Aws, dispatched: Dispatched, start: Start
) -> None:
    ours = aws.settings.prefix
    runs, ended = dispatched(), dispatched()
    _record(runs, "RUNNING", attempt=1)
    _record(ended, "COMPLETED", ended=5)
    kept = [
        start(deployment=ours, electron=f"{runs} 1 1"),
        start(deployment="another", electron=f"{ended} 1 0"),
        start(deployment=ours, electron="not an electron"),
        start(deployment=ours),
        start(),
    ]
    lost = [
        start(deployment=ours, electron=f"{runs} 1 0"),
        start(deployment=ours, electron=f"{ended} 1 0"),
        start(deployment=ours, electron=f"{new_dispatch_id()} 1 0"),
    ]
    later = datetime.now().timestamp() + 2 * YOUNG
    assert instances.sweep(aws, later) == len(lost)
    found = states()
    assert {found[each] for each in kept} == {"running"}
    assert {found[each] for each in lost} == {"terminated"}
    assert instances.sweep(aws, later) == 0, "what was terminated is listed for an hour"


def test_one_that_cannot_be_terminated_does_not_keep_the_others(
    aws: Aws, dispatched: Dispatched, start: Start
) -> None:
    ended = dispatched()
    _record(ended, "FAILED", ended=5)
    first, second = (
        start(deployment=aws.settings.prefix, electron=f"{ended} 1 {n}") for n in range(2)
    )
    boto3.client("ec2").modify_instance_attribute(
        InstanceId=first, DisableApiTermination={"Value": True}
    )
    instances.sweep(aws, datetime.now().timestamp() + 2 * GRACE)
    assert (states()[first], states()[second]) == ("running", "terminated")


def test_the_function_sweeps_when_a_schedule_calls_it(aws: Aws) -> None:
    assert application.answer({"source": "aws.events", "detail-type": "Scheduled Event"}, None) == {
        "terminated": 0
    }
