"""What a deployment costs while nothing runs, and what electrons cost. No request is made.

List prices of us-east-1, on demand, without the free tier, in dollars. Other regions are a little dearer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

MONTH_HOURS = 730


@dataclass(frozen=True)
class Price:
    """What one thing of a kind costs in a month in which it only exists. more is what is paid by use."""

    what: str
    each: float
    more: str
    source: str


@dataclass(frozen=True)
class Item:
    """Things of one kind."""

    price: Price
    count: int

    @property
    def total(self) -> float:
        """Dollars for a month."""
        return self.count * self.price.each


@dataclass(frozen=True)
class Electrons:
    """What electrons cost that take 0.1 s of a function with 512 MB. by_service adds up to total."""

    count: int
    dispatches: int
    by_service: Mapping[str, float]

    @property
    def total(self) -> float:
        """Dollars."""
        return sum(self.by_service.values())


_DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing"
_S3 = "https://aws.amazon.com/s3/pricing"
_LAMBDA = "https://aws.amazon.com/lambda/pricing"
_IAM = "https://aws.amazon.com/iam"

PRICES: Mapping[str, Price] = MappingProxyType(
    {
        "aws_s3_bucket": Price("S3 bucket", 0, "0.023 per GB kept", _S3),
        "aws_dynamodb_table": Price(
            "DynamoDB table, on demand",
            0,
            "0.25 per GB kept, 0.20 per GB for recovery to any point in time",
            _DYNAMODB,
        ),
        "aws_lambda_function": Price("Lambda function", 0, "requests and seconds", _LAMBDA),
        "aws_api_gateway_rest_api": Price(
            "API Gateway",
            0,
            "3.50 per million requests",
            "https://aws.amazon.com/api-gateway/pricing",
        ),
        "aws_sfn_state_machine": Price(
            "State machine",
            0,
            "0.025 per 1,000 transitions",
            "https://aws.amazon.com/step-functions/pricing",
        ),
        "aws_cloudwatch_event_rule": Price(
            "EventBridge rule",
            0,
            "events of AWS services are free",
            "https://aws.amazon.com/eventbridge/pricing",
        ),
        "aws_scheduler_schedule_group": Price(
            "Schedules",
            0,
            "1.00 per million times that one fires, 14 million a month are free; "
            "a trigger of seconds costs 0.05 per 1,000 ticks",
            "https://aws.amazon.com/eventbridge/pricing",
        ),
        "aws_sqs_queue": Price(
            "SQS queue", 0, "0.40 per million requests", "https://aws.amazon.com/sqs/pricing"
        ),
        "aws_sns_topic": Price(
            "SNS topic", 0, "0.50 per million messages", "https://aws.amazon.com/sns/pricing"
        ),
        "aws_cloudwatch_log_group": Price(
            "Log group",
            0,
            "0.50 per GB written, 0.03 per GB kept; 0.30 a month for a metric that is read out of it, in the hours "
            "in which it has values",
            _CLOUDWATCH,
        ),
        "aws_cloudwatch_log_metric_filter": Price(
            "Metric filter",
            0,
            "0.30 a month for a metric, only for the hours in which it has values",
            _CLOUDWATCH,
        ),
        "aws_cloudwatch_metric_alarm": Price(
            "Alarm", 0.10, "10 are free for each account", _CLOUDWATCH
        ),
        "aws_cloudwatch_dashboard": Price(
            "Dashboard", 3.00, "3 of up to 50 metrics are free for each account", _CLOUDWATCH
        ),
        "aws_kms_key": Price(
            "KMS key",
            1.00,
            "0.03 per 10,000 requests, 20,000 of which are free; its first two rotations add 1.00 a month each",
            "https://aws.amazon.com/kms/pricing",
        ),
        "aws_secretsmanager_secret": Price(
            "Secret",
            0.40,
            "0.05 per 10,000 requests",
            "https://aws.amazon.com/secrets-manager/pricing",
        ),
        "aws_nat_gateway": Price(
            "NAT gateway", 0.045 * MONTH_HOURS, "0.045 per GB", "https://aws.amazon.com/vpc/pricing"
        ),
        "aws_eip": Price(
            "Public IPv4 address", 0.005 * MONTH_HOURS, "", "https://aws.amazon.com/vpc/pricing"
        ),
        "aws_ecr_repository": Price(
            "ECR repository", 0, "0.10 per GB kept", "https://aws.amazon.com/ecr/pricing"
        ),
        "aws_batch_compute_environment": Price(
            "Batch compute environment",
            0,
            "the machines, while jobs run",
            "https://aws.amazon.com/batch/pricing",
        ),
        "aws_ecs_cluster": Price(
            "ECS cluster", 0, "the tasks, while they run", "https://aws.amazon.com/fargate/pricing"
        ),
        "aws_iam_role": Price("IAM role", 0, "", _IAM),
    }
)
"""By Terraform's type. What is not here is a part of something that is, as a bucket's policy, and costs nothing."""

_CHARGED_BUT_UNKNOWN = (
    "aws_instance", "aws_db_instance", "aws_lb", "aws_vpc_endpoint", "aws_autoscaling_group",
)  # fmt: skip
"""Types that cost something by existing, of which the price depends on what they are."""


LOG_GB = 0.50
LOG_BYTES = 820
"""What CloudWatch counts of one electron: Lambda's three lines, the runner's metrics, and 26 bytes more for each."""

SCHEDULED = (
    ("daily look for unused state machines", 30, 10.0),
    ("look for dispatches that did not start, each 10 minutes", 30 * 24 * 6, 0.1),
)
"""What the control plane does though nothing runs: runs in a month, and seconds of each, which are a guess."""
SCHEDULED_GB = 1


def idle(types: Iterable[str]) -> list[Item]:
    """What things of these types cost in a month in which nothing runs, the dearest first.

    Args:
        types: Terraform's type of each resource.

    """
    counts = Counter(types)
    found = [Item(price, counts[kind]) for kind, price in PRICES.items() if counts[kind]]
    scheduled = _scheduled() if counts["aws_cloudwatch_event_rule"] else []
    return sorted([*found, *scheduled], key=lambda item: -item.total)


def _scheduled() -> list[Item]:
    from covalent_step_functions import cost  # noqa: PLC0415  # loaded when first used

    second = SCHEDULED_GB * cost.LAMBDA_GB_SECOND
    return [
        Item(Price(what, cost.LAMBDA_REQUEST + seconds * second, "", _LAMBDA), count)
        for what, count, seconds in SCHEDULED
    ]


def unknown(types: Iterable[str]) -> list[str]:
    """Types that cost something while nothing runs, but of which no price is known here."""
    return sorted({kind for kind in types if kind in _CHARGED_BUT_UNKNOWN})


def electrons(count: int = 1_000_000, per_dispatch: int = 100) -> Electrons:
    """What electrons cost that run beside each other.

    Args:
        count: how many electrons.
        per_dispatch: how many of them are in one dispatch.

    """
    from covalent_step_functions.cost import Cost  # noqa: PLC0415  # loaded when first used

    dispatches = -(-count // per_dispatch)
    bill = Cost(tasks=per_dispatch, parallels=1).bill
    services = {
        "Step Functions": bill.transitions,
        "Lambda": bill.functions,
        "DynamoDB": bill.records,
        "S3": bill.objects,
        "API": bill.api,
    }
    by_service = {name: each * dispatches for name, each in services.items()}
    by_service["CloudWatch Logs"] = count * LOG_BYTES * LOG_GB / 1e9
    return Electrons(count, dispatches, MappingProxyType(by_service))
