"""The examples applied to moto and destroyed again: what is made, what drifts, what is left."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from tests.terraform.conftest import EXAMPLES
from tests.terraform.cycle import Cycle

from covalent_localstack import bootstrap, environment

EXPLAINED = MappingProxyType(
    {
        ("aws_api_gateway_rest_api", "binary_media_types"): "moto forgets it when the body comes",
        ("aws_lambda_function", "dead_letter_config"): "moto's functions do not know it",
        ("aws_launch_template", "latest_version"): "follows from the next one",
        (
            "aws_launch_template",
            "tag_specifications",
        ): "moto tells a template's own tags as those of what it starts",
        (
            "aws_s3_bucket_notification",
            "eventbridge",
        ): "moto does not tell that a bucket tells EventBridge",
    }
)
"""What a second plan may want to change, by type and attribute, and why."""


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_is_applied_does_not_drift(cycles: Mapping[str, Cycle], example: str) -> None:
    found = {(change.type, change.attribute) for change in cycles[example].drift}
    assert found <= EXPLAINED.keys()


def test_each_explained_drift_is_still_there(cycles: Mapping[str, Cycle]) -> None:
    found = {(change.type, change.attribute) for each in cycles.values() for change in each.drift}
    assert EXPLAINED.keys() <= found


@pytest.mark.parametrize("example", EXAMPLES)
def test_destroy_leaves_nothing(cycles: Mapping[str, Cycle], example: str) -> None:
    assert {kind: names for kind, names in cycles[example].left.items() if names} == {}


@pytest.mark.parametrize("example", EXAMPLES)
def test_outputs_are_what_the_sdk_needs(cycles: Mapping[str, Cycle], example: str) -> None:
    outputs = cycles[example].outputs
    assert outputs["endpoint"].startswith("https://")
    assert not outputs["endpoint"].endswith("/api")
    assert outputs["region"] == "us-east-1"
    assert outputs["bucket"] == "covalent-123456789012-us-east-1"
    assert outputs["table"] == "covalent"
    assert outputs["runners"]["3.12"] == "covalent-runner-py312"


COSTLY = frozenset(
    {
        "aws_cloudwatch_dashboard",
        "aws_cloudwatch_metric_alarm",
        "aws_kms_key",
        "aws_nat_gateway",
        "aws_secretsmanager_secret",
        "aws_vpc_endpoint",
        "aws_wafv2_web_acl",
    }
)
"""What costs when nobody uses it."""


def test_the_minimal_example_costs_nothing_when_idle(cycles: Mapping[str, Cycle]) -> None:
    assert not COSTLY & set(cycles["minimal"].resources.values())


def test_the_complete_example_has_what_the_minimal_one_leaves_out(
    cycles: Mapping[str, Cycle],
) -> None:
    minimal, complete = (set(cycles[name].resources.values()) for name in EXAMPLES)
    assert {
        "aws_cloudwatch_dashboard",
        "aws_cloudwatch_metric_alarm",
        "aws_kms_key",
    } <= complete - minimal


def test_figures(cycles: Mapping[str, Cycle], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        for name, each in cycles.items():
            print(
                f"\nterraform {name}: {len(each.resources)} resources, {len(set(each.resources.values()))} types; "
                f"apply {each.apply_seconds:.0f} s, destroy {each.destroy_seconds:.0f} s; "
                f"drift {sorted({f'{c.type}.{c.attribute}' for c in each.drift})}"
            )
    assert all(each.resources for each in cycles.values())


def test_the_offline_aws_makes_the_same_shapes(
    cycles: Mapping[str, Cycle], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workflow that runs offline must not meet other keys, indexes or projections once it is deployed."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    deployed = cycles["minimal"].shape
    with mock_aws():
        bootstrap.make(())
        client = boto3.client("dynamodb", environment.REGION)
        table = client.describe_table(TableName=environment.TABLE)["Table"]
        location = boto3.client("s3", environment.REGION).get_bucket_location(
            Bucket=environment.BUCKET
        )
    assert _pairs(table["KeySchema"]) == deployed["keys"]
    assert {
        each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]
    } == deployed["types"]
    indexes = {
        each["IndexName"]: (_pairs(each["KeySchema"]), each["Projection"]["ProjectionType"])
        for each in table["GlobalSecondaryIndexes"]
    }
    assert indexes == deployed["indexes"]
    assert table["BillingModeSummary"]["BillingMode"] == deployed["billing"]
    assert location["LocationConstraint"] == deployed["location"]


def _pairs(schema: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(each["AttributeName"], each["KeyType"]) for each in schema]
