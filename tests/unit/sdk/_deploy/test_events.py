"""Lines of Terraform's output."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent._deploy import events
from covalent._deploy.events import (
    Change,
    Diagnostic,
    Drift,
    Event,
    Failed,
    Finished,
    Log,
    Planned,
    Started,
    Working,
)

RESOURCE = {
    "addr": "module.covalent.module.state.aws_s3_bucket.this",
    "resource_type": "aws_s3_bucket",
}
ADDRESS = RESOURCE["addr"]


def line(kind: str, **more: Any) -> bytes:
    return json.dumps({"@level": "info", "@message": "said", "type": kind, **more}).encode()


def hook(action: str, **more: Any) -> dict[str, Any]:
    return {"resource": RESOURCE, "action": action, **more}


@pytest.mark.parametrize(
    ("said", "event"),
    [
        (
            line("planned_change", change={"resource": RESOURCE, "action": "replace", "reason": "tainted"}),
            Change(ADDRESS, "aws_s3_bucket", "replace", "tainted"),
        ),
        (
            line("resource_drift", change={"resource": RESOURCE, "action": "update"}),
            Drift(Change(ADDRESS, "aws_s3_bucket", "update")),
        ),
        (line("apply_start", hook=hook("create")), Started(ADDRESS, "create")),
        (line("apply_progress", hook=hook("create", elapsed_seconds=10)), Working(ADDRESS, "create", 10)),
        (line("apply_complete", hook=hook("create", elapsed_seconds=12)), Finished(ADDRESS, "create", 12)),
        (line("apply_errored", hook=hook("create", elapsed_seconds=1)), Failed(ADDRESS, "create", 1)),
        (
            line("diagnostic", diagnostic={"severity": "error", "summary": "S", "detail": "D", "address": "a.b"}),
            Diagnostic("error", "S", "D", "a.b"),
        ),
        (line("diagnostic", diagnostic={"severity": "warning", "summary": "S"}), Diagnostic("warning", "S")),
        (line("log"), Log("said")),
        (line("something_new", more=1), Log("said")),
        (line("version", terraform="1.11.4"), None),
        (line("apply_start", hook=hook("read")), None),
        (line("apply_complete", hook=hook("read", elapsed_seconds=0)), None),
        (line("refresh_start", hook=hook("")), None),
        (b"panic: runtime error\n", Log("panic: runtime error")),
        (b"\xff\n", Log("\ufffd")),
        (b"\n", None),
        (b"3\n", Log("3")),
    ],
)  # fmt: skip
def test_a_line_is_an_event(said: bytes, event: Event | None) -> None:
    assert events.read(said) == event


@given(st.binary())
def test_no_line_is_too_strange(said: bytes) -> None:
    events.read(said)


def test_counting() -> None:
    plan = Planned(tuple(Change(f"a.{n}", "a", "create") for n in range(3)))
    assert (plan.count("create"), plan.count("delete"), plan.is_empty) == (3, 0, False)
    assert Planned(()).is_empty


def test_what_aws_sets_itself_is_no_drift() -> None:
    def changed(name: str, action: str) -> Change:
        return Change(name, "aws_iam_role", action)

    drift = [changed("gone", "delete"), changed("edited", "update"), changed("computed", "update")]
    planned = [changed("gone", "create"), changed("edited", "update"), changed("other", "update")]
    assert events.relevant(drift, planned) == tuple(drift[:2])
    everything = [changed(each.address, "delete") for each in drift]
    assert events.relevant(drift, everything) == (drift[0],)
