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

_BY_BRAKET = "Braket does this with the role of the job, or the code of users does; those of the recorded run do not"
_NO_IMAGES = (
    "ECS pulls the image with this role before a container starts; offline there are no images"
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
        **{
            ("launcher", f"ecr:{action}"): _NO_IMAGES
            for action in ("BatchGetImage", "GetAuthorizationToken", "GetDownloadUrlForLayer")
        },
        **{
            ("braket", action): _BY_BRAKET
            for action in (
                *("braket:CancelQuantumTask", "braket:CreateQuantumTask", "braket:GetDevice"),
                *("braket:GetJob", "braket:GetQuantumTask", "braket:SearchDevices"),
                *("cloudwatch:PutMetricData", "ecr:BatchCheckLayerAvailability"),
                *("ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"),
                *("logs:CreateLogGroup", "s3:GetObject", "s3:ListBucket", "s3:PutObject"),
            )
        },
        (
            "answer",
            "ec2:TerminateInstances",
        ): "instances end themselves; what cannot is for the tests of covalent_control_plane.instances",
        ("ec2", "s3:GetObject"): "an instance fetches the runner; offline it is there",
        (
            "bridge",
            "secretsmanager:GetSecretValue",
        ): "the executor of the recorded run has no secret",
        (
            "api",
            "s3:GetObject",
        ): "the runner is read anew by jobs that wait for long, with a renewed ticket",
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


_LAST = "whoever arrives last at a gate opens it: which electron that is differs from run to run"
_MEANWHILE = "what has ended at that moment, which differs from run to run"
BY_CHANCE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        **{
            (role, f"states:SendTask{answer}"): _LAST
            for role in ("batch", "braket", "bridge", "ec2", "ecs")
            for answer in ("Failure", "Success")
        },
        **{(role, "dynamodb:UpdateItem"): _LAST for role in ("batch", "braket", "ec2", "ecs")},
        ("answer", "dynamodb:GetItem"): _MEANWHILE,
        ("answer", "dynamodb:Query"): _MEANWHILE,
        ("finish", "lambda:InvokeFunction"): _MEANWHILE,
    }
)
"""As above, but some runs do show them."""


def reason(role: str, action: str) -> str | None:
    """Why a role has an action that it was not seen to use."""
    known = (REASONS.get(key) for key in ((role, action), (ALL, action)))
    return next(filter(None, known), None) or BY_CHANCE.get((role, action))
