"""A deployment on LocalStack, which the fixture `covalent` applies and removes: checked, used, unchanged."""

import json
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.localstack.deployment import PREFIX, Covalent, machines, run
from tests.localstack.running import Aws
from tests.localstack.workflows import expected

from covalent_contracts.api import GATEWAY, Problem
from covalent_contracts.api import PREFIX as PREFIX_OF_API

pytestmark = pytest.mark.localstack

WORKFLOWS = Path(__file__).with_name("workflows.py")


def _run(name: str, client: Mapping[str, str]) -> dict[str, Any]:
    output = run(sys.executable, str(WORKFLOWS), name, environment=client)
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    print(f"{name:<40} {found['seconds']:7.1f} s, accepted after {found['accepted']:.1f} s")
    return found


def _dispatch(name: str, client: Mapping[str, str]) -> dict[str, Any]:
    found = _run(name, client)
    assert found["error"] is None
    assert found["status"] == "COMPLETED"
    return found


def test_the_doctor_finds_nothing(covalent: Covalent) -> None:
    covalent("doctor")


def test_the_profile_has_the_address_that_localstack_serves(aws: Aws, covalent: Covalent) -> None:
    output = covalent.deploy("status")
    profile = tomllib.loads(covalent.configuration())["profiles"][PREFIX]
    assert profile["address"].startswith(f"{aws.url}/_aws/execute-api/")
    assert profile["address"] in output.replace("\n", "")
    assert re.search(r"Health\W+answers, version ", output)
    assert "Python 3.11, Python 3.12, Python 3.13" in output


@pytest.mark.parametrize("path", ["dispatches", "nowhere"])
def test_api_gateway_refuses_with_problems(covalent: Covalent, path: str) -> None:
    """No signature, and no such route: it answers both by itself."""
    address = tomllib.loads(covalent.configuration())["profiles"][PREFIX]["address"]
    refused = httpx.get(f"{address}{PREFIX_OF_API}/{path}", trust_env=False)
    assert refused.headers["Content-Type"] == "application/problem+json"
    problem = Problem.model_validate_json(refused.content)
    assert (refused.status_code, problem.status, problem.code) == (403, 403, "Refused")
    assert problem.extra[GATEWAY] == "MISSING_AUTHENTICATION_TOKEN"


def test_a_hundred_electrons_with_gates(aws: Aws, client: Mapping[str, str]) -> None:
    found = _dispatch("gated", client)
    assert found["result"] == expected()
    events = _history(aws, found["dispatch_id"])
    kinds = [event["type"] for event in events]
    names = {event.get("stateEnteredEventDetails", {}).get("name", "") for event in events}
    assert kinds[0] == "ExecutionStarted"
    assert kinds[-1] == "ExecutionSucceeded"
    assert sum(name.startswith("combine (") for name in names) == len(expected())
    assert any(name.startswith("gate: ") for name in names)
    print(f"{len(events)} events, {sum(each.endswith('StateEntered') for each in kinds)} states")


def test_a_second_dispatch_of_the_same_shape(aws: Aws, client: Mapping[str, str]) -> None:
    """And how long each electron took: lines in the runner's log that CloudWatch reads metrics out of."""
    found = _dispatch("gated", client)
    assert found["result"] == expected()
    dispatch_id = found["dispatch_id"]
    minor = "".join(map(str, sys.version_info[:2]))
    events = (
        aws.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=f"/aws/lambda/{PREFIX}-runner-py{minor}")
    )
    lines = [event["message"] for page in events for event in page["events"]]
    told = [json.loads(line) for line in lines if dispatch_id in line and '"_aws"' in line]
    assert len(told) == len(expected())
    assert {each["service"] for each in told} == {f"{PREFIX}-runner"}
    assert any("ElectronQueueSeconds" in each for each in told)


def test_a_support_vector_machine(client: Mapping[str, str]) -> None:
    assert _dispatch("iris", client)["result"] > 0.9


def test_sublattices_are_built_by_their_own_function(client: Mapping[str, str]) -> None:
    assert _dispatch("recursive", client)["result"] == 3


def test_a_job_of_batch_and_a_task_of_ecs(aws: Aws, client: Mapping[str, str]) -> None:
    """Step Functions submits them, and they run as processes of their own, with what the image's command starts."""
    found = _dispatch("contained", client)
    assert found["result"] == [6, True, False]
    submitted = [
        event["taskSubmittedEventDetails"]["resourceType"]
        for event in _history(aws, found["dispatch_id"])
        if event["type"] == "TaskSubmitted"
    ]
    assert submitted == ["batch", "ecs"]


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("refused", "ValueError: no, said the job"),
        ("perished", "the ECS task .* exit code 137, it was killed"),
    ],
)
def test_a_container_that_fails(client: Mapping[str, str], name: str, cause: str) -> None:
    """The electron has the traceback, or what became of its container."""
    found = _run(name, client)
    assert found["status"] == "FAILED"
    assert re.search(cause, found["error"])


def test_a_cancelled_dispatch_leaves_no_process_behind(aws: Aws, client: Mapping[str, str]) -> None:
    script = Path(__file__).with_name("cancelling.py")
    output = run(sys.executable, str(script), environment=client)
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    print(f"cancelled after {found['told']:.1f} s, the child ended after {found['seconds']:.1f} s")
    assert found["message"] == f"Dispatch {found['dispatch_id']} cancelled."
    assert (found["status"], found["statuses"]) == ("CANCELLED", ["CANCELLED", "NEW_OBJECT"])
    assert found["child_has_ended"]
    assert _history(aws, found["dispatch_id"])[-1]["type"] == "ExecutionAborted"


def test_a_plan_shows_no_drift(covalent: Covalent) -> None:
    """Nobody has changed anything, so there is nothing to explain."""
    output = covalent.deploy("plan")
    assert "Nothing would change." in output
    assert "Changed outside of Terraform" not in output


def _history(aws: Aws, dispatch_id: str) -> list[dict[str, Any]]:
    states = aws.client("stepfunctions")
    for machine in machines(aws):
        for execution in states.list_executions(stateMachineArn=machine)["executions"]:
            if execution["name"] == dispatch_id:
                pages = states.get_paginator("get_execution_history").paginate(
                    executionArn=execution["executionArn"]
                )
                return [event for page in pages for event in page["events"]]
    raise AssertionError(f"no execution of {dispatch_id}")
