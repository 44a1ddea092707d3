"""The dashboard and the alarms name what is measured: by us, or by AWS."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.terraform.cycle import Cycle
from tests.terraform.test_static import MEASURED

from covalent_control_plane import telemetry
from covalent_runner import metrics

BY_AWS = {
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    "AWS/Lambda": {"ConcurrentExecutions", "Duration", "Errors", "Invocations", "Throttles"},
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
    "AWS/ApiGateway": {"4XXError", "5XXError", "Count", "Latency"},
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    "AWS/DynamoDB": {
        "ConsumedReadCapacityUnits",
        "ConsumedWriteCapacityUnits",
        "ThrottledRequests",
    },
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible"},
}
"""Metrics of AWS's own that are used, each from the page above it."""
SEARCH = re.compile(
    r"SEARCH\('\{Covalent,service,?(?P<dimensions>[\w,]*)\} MetricName=\"(?P<metric>\w+)\" "
    r"service=\"(?P<service>[\w-]+)\"', '(?P<statistic>Sum|Average|p95)', 300\)"
)
SERVICES = {
    "covalent-control-plane": telemetry.METRICS,
    "covalent-runner": metrics.METRICS,
}
FREE = 50
"""Metrics of a dashboard that costs nothing, if it is one of the first three. https://aws.amazon.com/cloudwatch/pricing"""


@pytest.fixture(scope="module")
def planned(cycles: Mapping[str, Cycle]) -> list[dict[str, Any]]:
    """What the complete example consists of, as planned."""
    root = json.loads(cycles["complete"].plan)["planned_values"]["root_module"]
    return list(_resources(root))


def _resources(module: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", ())
    for each in module.get("child_modules", ()):
        yield from _resources(each)


@pytest.fixture(scope="module")
def widgets(planned: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the dashboard shows."""
    (body,) = (
        each["values"]["dashboard_body"]
        for each in planned
        if each["type"] == "aws_cloudwatch_dashboard"
    )
    found: list[dict[str, Any]] = json.loads(body)["widgets"]
    return found


def _rows(widgets: list[dict[str, Any]]) -> list[list[Any]]:
    """Metrics, each with the dots written out that repeat the row above."""
    rows = []
    for widget in widgets:
        above: list[Any] = []
        for row in widget["properties"].get("metrics", ()):
            above = [above[place] if word == "." else word for place, word in enumerate(row)]
            rows.append(above)
    return rows


def test_what_is_shown_is_measured(widgets: list[dict[str, Any]]) -> None:
    shown = [row for row in _rows(widgets) if isinstance(row[0], str)]
    assert {row[0] for row in shown} <= {"Covalent", *BY_AWS}
    for namespace, metric, *dimensions in shown:
        if namespace == "Covalent":
            assert dimensions[0] == "service"
            assert metric in SERVICES[dimensions[1]]
            assert MEASURED[metric] == ()
        else:
            assert metric in BY_AWS[namespace]


def test_what_is_searched_for_is_measured(widgets: list[dict[str, Any]]) -> None:
    searched = [row[0]["expression"] for row in _rows(widgets) if isinstance(row[0], dict)]
    assert searched
    for expression in searched:
        found = SEARCH.fullmatch(expression)
        assert found, expression
        assert found["metric"] in SERVICES[found["service"]]
        assert ",".join(MEASURED[found["metric"]]) == found["dimensions"]


def test_the_dashboard_is_one_of_those_that_are_free(widgets: list[dict[str, Any]]) -> None:
    rows = {json.dumps([word for word in row if isinstance(word, str)]) for row in _rows(widgets)}
    assert len(rows) <= FREE


def test_alarms_are_about_metrics_that_there_are(planned: list[dict[str, Any]]) -> None:
    alarms = [each["values"] for each in planned if each["type"] == "aws_cloudwatch_metric_alarm"]
    assert alarms
    assert all(each["metric_name"] in BY_AWS[each["namespace"]] for each in alarms)
