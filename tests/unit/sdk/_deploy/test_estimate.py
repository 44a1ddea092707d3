"""What it costs."""

from uuid import uuid4

import pytest

from covalent._deploy import estimate, sources, workspace
from covalent_runner import metrics
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


def test_what_happens_though_nothing_runs_is_in_it() -> None:
    items = estimate.idle(["aws_cloudwatch_event_rule"])
    scheduled = [item for item in items if item.price.what.endswith(("machines", "minutes"))]
    assert len(scheduled) == 2
    assert all(0 < item.total < 0.01 for item in scheduled)


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
    assert 0.3 < found.by_service["CloudWatch Logs"] < 0.6
    assert estimate.electrons(10_000).total == pytest.approx(found.total / 100)


def test_what_an_electron_logs() -> None:
    told = {"ElectronRunSeconds": 1.234567, "ElectronQueueSeconds": 0.123456}
    line = metrics.line("covalent-runner", str(uuid4()), 1_800_000_000_000_000, "COMPLETED", told)
    start = "START RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95 Version: $LATEST\n"
    end = "END RequestId: 8f507cfc-0000-4697-b07a-ac58fc914c95\n"
    report = (
        f"REPORT{end[3:-1]}\tDuration: 15.74 ms\tBilled Duration: 16 ms\tMemory Size: 1769 MB\t"
    )
    lines = (start, end, f"{report}Max Memory Used: 128 MB\t\n", line)
    assert sum(len(each) + 26 for each in lines) == pytest.approx(estimate.LOG_BYTES, rel=0.1)


def test_what_our_modules_make_is_known() -> None:
    """A new kind of resource that costs something must get a price."""
    free = (
        "aws_api_gateway_", "aws_iam_", "aws_s3_bucket_", "aws_lambda_", "aws_sqs_queue_", "aws_cloudwatch_event_",
        "aws_cloudwatch_log_resource_policy", "aws_kms_alias",
        # Of executors: they cost by the job. Endpoints of gateways are free, those of interfaces are not.
        "aws_batch_job_", "aws_ecr_lifecycle_policy", "aws_ecs_task_definition", "aws_launch_template", "aws_s3_object",
        "aws_default_security_group", "aws_internet_gateway", "aws_route", "aws_security_group", "aws_subnet",
        "aws_vpc",
    )  # fmt: skip
    folders = {path.parent for path in sources.terraform().rglob("*.tf*")}
    made = {kind for folder in folders for kind in workspace.types_in(folder)}
    for kind in made - estimate.PRICES.keys():
        assert kind.startswith(free), kind


def test_what_is_made_without_asking_costs_about_nothing_while_idle() -> None:
    made = workspace.usual_types(sources.terraform())
    assert {"aws_s3_bucket", "aws_dynamodb_table", "aws_api_gateway_rest_api"} <= set(made)
    assert sum(item.total for item in estimate.idle(made)) < 0.05
