"""What it costs."""

import pytest

from covalent._deploy import estimate, sources, workspace
from covalent_step_functions import cost

MINIMAL = [
    "aws_s3_bucket",
    "aws_s3_bucket_policy",
    "aws_dynamodb_table",
    "aws_lambda_function",
    "aws_lambda_function",
    "aws_api_gateway_rest_api",
    "aws_iam_role",
]


def test_a_minimal_deployment_costs_nothing_while_idle() -> None:
    items = estimate.idle(MINIMAL)
    assert sum(item.total for item in items) == 0
    assert {item.price.what: item.count for item in items}["Lambda function"] == 2
    assert len(items) == len(set(MINIMAL)) - 1  # a policy is a part of its bucket


def test_what_costs_comes_first_and_is_counted() -> None:
    items = estimate.idle([*MINIMAL, "aws_kms_key", "aws_kms_key", "aws_cloudwatch_dashboard"])
    assert [(item.price.what, item.total) for item in items[:2]] == [
        ("Dashboard", 3.0),
        ("KMS key", 2.0),
    ]


def test_every_price_has_a_source() -> None:
    for price in estimate.PRICES.values():
        assert price.source.startswith("https://aws.amazon.com/")
        assert price.each >= 0


def test_what_has_no_price_is_named() -> None:
    assert estimate.unknown([*MINIMAL, "aws_vpc_endpoint"]) == ["aws_vpc_endpoint"]
    assert estimate.unknown(MINIMAL) == []


def test_a_million_electrons() -> None:
    found = estimate.electrons()
    assert (found.count, found.dispatches) == (1_000_000, 10_000)
    # A transition for each electron, and one more for each dispatch's Parallel.
    assert found.by_service["Step Functions"] == pytest.approx(1_010_000 * cost.TRANSITION)
    assert 30 < found.total < 40
    assert estimate.electrons(10_000).total == pytest.approx(found.total / 100)


def test_what_our_modules_make_is_known() -> None:
    """A new kind of resource that costs something must get a price."""
    free = (
        "aws_api_gateway_",
        "aws_iam_",
        "aws_s3_bucket_",
        "aws_lambda_",
        "aws_sqs_queue_",
        "aws_cloudwatch_event_",
    )
    for kind in set(workspace.resource_types(sources.terraform())) - estimate.PRICES.keys():
        assert kind.startswith(free), kind
