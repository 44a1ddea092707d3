"""A whole life of a deployment on LocalStack: applied, checked, used, unchanged, removed."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.localstack.deployment import PREFIX, Terraform, build, client_environment, run, timed
from tests.localstack.running import REGION, Aws
from tests.localstack.workflows import expected

import covalent as ct

pytestmark = pytest.mark.localstack

WORKFLOWS = Path(__file__).with_name("workflows.py")
DRIFT: dict[str, set[str]] = {}
"""What a plan wants to change though nobody has changed it, by type of the resource, each with its reason."""


@pytest.fixture(scope="module")
def terraform(
    aws: Aws, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terraform]:
    """The applied example; destroyed in the end, which must leave nothing."""
    folder = tmp_path_factory.mktemp("deployment")
    with timed("zips"):
        build(folder / "lambda", environment)
    made = Terraform(folder / "terraform", environment, folder / "lambda")
    made.prepare()
    with timed("terraform apply"):
        made.apply()
    print(f"{len(made.resources())} resources")
    yield made
    _delete_machines(aws)
    with timed("terraform destroy"):
        made.destroy()
    assert made.resources() == []
    assert _leftovers(aws) == []


@pytest.fixture(scope="module")
def client(
    aws: Aws,
    terraform: Terraform,
    environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """The environment of a user whose profile names the deployment."""
    outputs = terraform.outputs()
    own = client_environment(environment, tmp_path_factory.mktemp("client"))
    api = outputs["endpoint"].partition("//")[2].partition(".")[0]
    profile = {
        "address": f"{aws.url}/_aws/execute-api/{api}",
        "region": REGION,
        "prefix": outputs["prefix"],
        "version": outputs["version"],
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in own:
            if name.startswith("COVALENT_"):
                patch.setenv(name, own[name])
        ct.reload_config()
        ct.set_config({f"profiles.ls.{name}": value for name, value in profile.items()})
    ct.reload_config()
    return {**own, "COVALENT_PROFILE": "ls"}


def _dispatch(name: str, client: dict[str, str]) -> dict[str, Any]:
    output = run(sys.executable, str(WORKFLOWS), name, environment=client)
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    print(f"{name:<40} {found['seconds']:7.1f} s, accepted after {found['accepted']:.1f} s")
    assert found["error"] is None
    assert found["status"] == "COMPLETED"
    return found


def test_the_doctor_finds_nothing(client: dict[str, str]) -> None:
    with timed("covalent doctor"):
        print(run(str(Path(sys.executable).with_name("covalent")), "doctor", environment=client))


def test_a_hundred_electrons_with_gates(aws: Aws, client: dict[str, str]) -> None:
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


def test_a_second_dispatch_of_the_same_shape(client: dict[str, str]) -> None:
    assert _dispatch("gated", client)["result"] == expected()


def test_a_support_vector_machine(client: dict[str, str]) -> None:
    assert _dispatch("iris", client)["result"] > 0.9


def test_sublattices_are_built_by_their_own_function(client: dict[str, str]) -> None:
    assert _dispatch("recursive", client)["result"] == 3


def test_a_plan_shows_no_drift(terraform: Terraform) -> None:
    with timed("terraform plan"):
        drift = terraform.drift()
    unexplained = {
        address: names - DRIFT.get(address.rpartition("module.")[2].split(".")[1], set())
        for address, names in drift.items()
    }
    assert {address: names for address, names in unexplained.items() if names} == {}


def _history(aws: Aws, dispatch_id: str) -> list[dict[str, Any]]:
    states = aws.client("stepfunctions")
    for machine in _machines(aws):
        for execution in states.list_executions(stateMachineArn=machine)["executions"]:
            if execution["name"] == dispatch_id:
                pages = states.get_paginator("get_execution_history").paginate(
                    executionArn=execution["executionArn"]
                )
                return [event for page in pages for event in page["events"]]
    raise AssertionError(f"no execution of {dispatch_id}")


def _machines(aws: Aws) -> list[str]:
    listed = aws.client("stepfunctions").list_state_machines()["stateMachines"]
    return [each["stateMachineArn"] for each in listed if each["name"].startswith(f"{PREFIX}-")]


def _delete_machines(aws: Aws) -> None:
    """They are the API's, not Terraform's: `covalent deploy down` removes them."""
    for machine in _machines(aws):
        aws.client("stepfunctions").delete_state_machine(stateMachineArn=machine)


def _leftovers(aws: Aws) -> list[str]:
    """Names of things of the deployment that are still there."""
    functions = aws.client("lambda").list_functions()["Functions"]
    roles = aws.client("iam").list_roles()["Roles"]
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    names = [
        *(each["FunctionName"] for each in functions),
        *(each["RoleName"] for each in roles),
        *(each["logGroupName"] for each in groups),
        *(each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]),
        *(each["name"] for each in aws.client("apigateway").get_rest_apis()["items"]),
        *(each["Name"] for each in aws.client("events").list_rules()["Rules"]),
        *aws.client("dynamodb").list_tables()["TableNames"],
        *aws.client("sqs").list_queues().get("QueueUrls", []),
    ]
    return [name for name in names if PREFIX in name]
