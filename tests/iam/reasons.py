"""Granted, and not seen in the recorded run: why it is granted all the same. By role (or all roles) and action."""

from collections.abc import Mapping
from types import MappingProxyType

_LOGS = "the Lambda service writes the function's log with its role; offline it goes to a file"
_TRACES = "the X-Ray daemon beside the function sends traces with its role; there is none offline"
_SAMPLING = "Step Functions traces with the machine's role; the emulator does not trace"
_DELIVERY = (
    "Step Functions sets up the delivery of logs with the machine's role when a machine is made, "
    "https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html; offline machines have no log"
)
_QUEUE = "the Lambda service buries an event that failed three times, with the function's role"
_DECRYPT = "S3 and DynamoDB ask KMS with the caller's permissions on each read; offline nothing is encrypted"
_ENCRYPT = "S3 and DynamoDB ask KMS with the caller's permissions on each write; offline nothing is encrypted"
_TABLE = (
    "DynamoDB asks for it where a table has a customer's key, "
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html"
)
_CANCELLED = "a dispatch that is cancelled in the moment in which it starts is stopped; no run can be timed like that"
_PARTS = (
    "whether parts of a large workflow are still there, which were made when it was registered; "
    "the API and `restart` run the same code"
)

ALL = "*"
REASONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (ALL, "logs:CreateLogStream"): _LOGS,
        (ALL, "logs:PutLogEvents"): _LOGS,
        (ALL, "xray:PutTelemetryRecords"): _TRACES,
        (ALL, "xray:PutTraceSegments"): _TRACES,
        (ALL, "sqs:SendMessage"): _QUEUE,
        (ALL, "kms:Decrypt"): _DECRYPT,
        (ALL, "kms:GenerateDataKey"): _ENCRYPT,
        (ALL, "kms:Encrypt"): _TABLE,
        (ALL, "kms:DescribeKey"): _TABLE,
        ("fire", "states:DescribeStateMachine"): _PARTS,
        ("fire", "states:StopExecution"): _CANCELLED,
        ("restart", "states:StopExecution"): _CANCELLED,
        ("machine", "xray:GetSamplingRules"): _SAMPLING,
        ("machine", "xray:GetSamplingTargets"): _SAMPLING,
        ("machine", "logs:CreateLogDelivery"): _DELIVERY,
        ("machine", "logs:DeleteLogDelivery"): _DELIVERY,
        ("machine", "logs:DescribeLogGroups"): _DELIVERY,
        ("machine", "logs:DescribeResourcePolicies"): _DELIVERY,
        ("machine", "logs:GetLogDelivery"): _DELIVERY,
        ("machine", "logs:ListLogDeliveries"): _DELIVERY,
        ("machine", "logs:PutResourcePolicy"): _DELIVERY,
        ("machine", "logs:UpdateLogDelivery"): _DELIVERY,
    }
)


def reason(role: str, action: str) -> str | None:
    """Why a role has an action that it was not seen to use."""
    return REASONS.get((role, action)) or REASONS.get((ALL, action))
