import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from covalent._deploy import chalice_package, sources
from covalent_contracts.api import PREFIX
from covalent_control_plane.routes import OPERATIONS

MODULE = sources.terraform() / "modules" / "api" / "chalice.tf.json"
FUNCTIONS = {"adopt", "api", "finish", "sweep"}
CALLED_BY_MACHINES = {"adopt"}
"""No service calls these: the role of the state machines may."""
CALLED_IF_ASKED_FOR = {"answer", "fire"}
"""Those that nothing calls unless it is asked for: the rules are made by hand, or at run time."""
"""Functions whose callers are named in the module `triggers`."""


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """What Chalice makes of the application as it is now, as our module has it."""
    return chalice_package.child_module(chalice_package.packaged(sources.application().parent))


@pytest.fixture(scope="module")
def functions(made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = made["resource"]["aws_lambda_function"]
    return found


@pytest.fixture(scope="module")
def description(made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = made["locals"]["api_description"]
    return found


def test_what_is_checked_in_is_what_chalice_makes(made: dict[str, Any]) -> None:
    assert MODULE.read_text() == chalice_package.rendered(made), "make chalice, and review"


def test_it_is_a_child_module(made: dict[str, Any]) -> None:
    assert {*made} == {"//", "data", "locals", "resource"}
    text = json.dumps(made["resource"])
    assert "null_data_source" not in text
    assert "deployment.zip" not in text
    assert "covalent-dev" not in text
    for name in made["resource"]["aws_lambda_function"]:
        assert name in made["//"]


def test_every_function_has_its_name_role_and_the_one_zip(functions: dict[str, Any]) -> None:
    assert {*functions} >= FUNCTIONS
    for name, function in functions.items():
        assert function["function_name"] == f"${{var.prefix}}-{name}"
        assert function["role"] == f'${{aws_iam_role.function["{name}"].arn}}'
        assert function["handler"] == f"app.{'app' if name == 'api' else name}"
        assert function["filename"] == "${var.artifact}"
        assert function["runtime"] == "python3.13"
        assert function["tracing_config"] == {"mode": "Active"}
        assert function["environment"]["variables"]["COVALENT_RUNNER_SECONDS"] == "900"


def test_api_gateway_does_not_wait_longer_than_its_function_runs(functions: dict[str, Any]) -> None:
    assert functions["api"]["timeout"] == 29
    assert "dead_letter_config" not in functions["api"]


def test_events_are_not_lost(made: dict[str, Any], functions: dict[str, Any]) -> None:
    queue = "${aws_sqs_queue.dead_letters.arn}"
    events = {*functions} - {"api", *CALLED_BY_MACHINES, *CALLED_IF_ASKED_FOR}
    targets = made["resource"]["aws_cloudwatch_event_target"]
    assert {*targets} == {*made["resource"]["aws_cloudwatch_event_rule"]} == events
    for name in {*functions} - {"api"}:
        assert functions[name]["dead_letter_config"] == {"target_arn": queue}
    for name in events:
        assert targets[name]["dead_letter_config"] == {"arn": queue}


def test_the_finisher_hears_of_this_deployment_only(made: dict[str, Any]) -> None:
    rule = made["resource"]["aws_cloudwatch_event_rule"]["finish"]
    (machine,) = json.loads(rule["event_pattern"])["detail"]["stateMachineArn"]
    assert machine["prefix"].endswith(":stateMachine:${var.prefix}-")


def test_who_may_call_a_function_is_named(made: dict[str, Any], functions: dict[str, Any]) -> None:
    permissions = made["resource"]["aws_lambda_permission"]
    assert {*permissions} == {*functions} - CALLED_BY_MACHINES - CALLED_IF_ASKED_FOR
    for name, permission in permissions.items():
        assert permission["function_name"] == f"${{aws_lambda_function.{name}.function_name}}"
        assert re.fullmatch(r"\$\{aws_[\w.]+arn\}(/\*)?", permission["source_arn"])


def test_the_stage_is_the_first_segment_of_every_path(description: dict[str, Any]) -> None:
    found = {
        (f"/{chalice_package.STAGE}{path}", verb.upper())
        for path, verbs in description["paths"].items()
        for verb in verbs
    }
    assert found == {(PREFIX + each.path, each.method) for each in OPERATIONS}


def test_every_route_but_health_and_tickets_needs_a_signature(description: dict[str, Any]) -> None:
    schemes = description["components"]["securitySchemes"]
    assert schemes["sigv4"]["x-amazon-apigateway-authtype"] == "awsSigv4"
    is_open = {
        path
        for path, verbs in description["paths"].items()
        for operation in verbs.values()
        if operation.get("security") != [{"sigv4": []}]
    }
    assert is_open == {"/v1/health", "/v1/tickets/renew"}  # a job shows the capability of its try


def test_the_description_is_openapi(description: dict[str, Any]) -> None:
    validate(description)


def test_packed_json_reaches_the_function_as_it_came(
    made: dict[str, Any], description: dict[str, Any]
) -> None:
    api = made["resource"]["aws_api_gateway_rest_api"]["api"]
    assert api["binary_media_types"] == ["application/gzip"]
    assert description["x-amazon-apigateway-binary-media-types"] == api["binary_media_types"]
    assert api["minimum_compression_size"] == 1024
    assert api["endpoint_configuration"] == {"types": ["REGIONAL"]}


def test_another_description_makes_another_deployment(made: dict[str, Any]) -> None:
    deployment = made["resource"]["aws_api_gateway_deployment"]["api"]
    assert deployment["triggers"] == {"redeployment": "${sha1(jsonencode(local.api_description))}"}
    assert deployment["lifecycle"] == {"create_before_destroy": True}
    assert "stage_name" not in deployment


def test_an_application_that_does_not_import_is_told(tmp_path: Path) -> None:
    shutil.copytree(sources.application().parent / ".chalice", tmp_path / ".chalice")
    (tmp_path / "app.py").write_text("raise RuntimeError('it is broken')\n")
    with pytest.raises(RuntimeError, match=r"(?s)chalice package failed.*it is broken"):
        chalice_package.packaged(tmp_path)
