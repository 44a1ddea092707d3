"""Jobs elsewhere: who ends them, and which handles are none of its business."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.unit.control_plane.conftest import Api, Dispatched
from tests.unit.control_plane.test_cancellation import _cancel
from tests.unit.control_plane.test_finish import _finish, _record

from covalent_control_plane import jobs, store
from covalent_control_plane.aws import Aws

HANDLE = json.dumps({"bridge": "ssh", "attributes": "{}", "handle": {"pid": 7}})


@dataclass
class Functions:
    """Lambda, as far as the control plane calls it."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None

    def invoke(self, **asked: Any) -> None:
        self.calls.append(asked)
        if self.error:
            raise self.error

    @property
    def cancelled(self) -> list[str]:
        return [each for call in self.calls for each in json.loads(call["Payload"])["cancel"]]


@pytest.fixture
def functions(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Functions:
    made = Functions()
    monkeypatch.setitem(aws.__dict__, "functions", made)
    monkeypatch.setitem(aws.__dict__, "settings", replace(aws.settings, bridge="the-bridge"))
    return made


def test_cancelling_a_dispatch_ends_its_jobs_and_once_more_if_asked_again(
    api: Api, dispatched: Dispatched, functions: Functions
) -> None:
    identifier = dispatched()
    _record(identifier, 1, "RUNNING", job_handle=HANDLE)
    _record(identifier, 2, "RUNNING")
    _cancel(api, identifier)
    assert functions.cancelled == [HANDLE]
    assert functions.calls[0]["FunctionName"] == "the-bridge"
    assert functions.calls[0]["InvocationType"] == "Event"
    _cancel(api, identifier)
    assert functions.cancelled == [HANDLE, HANDLE]


def test_cancelling_a_task_ends_its_job(
    api: Api, dispatched: Dispatched, functions: Functions
) -> None:
    identifier = dispatched()
    for node in (1, 2):
        _record(
            identifier, node, "RUNNING", job_handle=json.dumps(json.loads(HANDLE) | {"n": node})
        )
    _cancel(api, identifier, 2)
    assert [json.loads(each)["n"] for each in functions.cancelled] == [2]


def test_an_execution_that_was_stopped_leaves_no_job(
    dispatched: Dispatched, functions: Functions
) -> None:
    identifier = dispatched()
    _record(identifier, 1, "RUNNING", job_handle=HANDLE)
    _finish(identifier, "ABORTED")
    assert functions.cancelled == [HANDLE]


@pytest.mark.parametrize("handle", ['"4711"', "4711", "not JSON", '{"queue": "q"}', "null"])
def test_handles_of_users_own_executors_are_theirs(
    aws: Aws, dispatched: Dispatched, functions: Functions, handle: str
) -> None:
    identifier = dispatched()
    _record(identifier, 1, "RUNNING", job_handle=handle)
    jobs.cancel(aws, store.nodes(identifier, [1]).values())
    assert functions.calls == []


def test_many_are_ended_in_several_calls(
    aws: Aws, dispatched: Dispatched, functions: Functions
) -> None:
    identifier = dispatched()
    _record(identifier, 1, "RUNNING", job_handle=HANDLE)
    jobs.cancel(aws, [*store.nodes(identifier, [1]).values()] * (2 * jobs.AT_ONCE + 1))
    assert len(functions.calls) == 3
    assert len(functions.cancelled) == 2 * jobs.AT_ONCE + 1


def test_a_bridge_that_cannot_be_called_does_not_keep_a_cancellation(
    api: Api, dispatched: Dispatched, functions: Functions
) -> None:
    functions.error = ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")
    identifier = dispatched()
    _record(identifier, 1, "RUNNING", job_handle=HANDLE)
    assert _cancel(api, identifier)["status"] == "CANCELLED"
