"""What the deployment consists of, made directly in moto: no request, no client, a few milliseconds."""

import base64
import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.events.models import events_backends
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.scheduler.models import scheduler_backends

from covalent_localstack import environment as names

DAY = 86400
STATUS_RULE = "covalent-execution-status"
JOB_RULE = "covalent-job-state"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {
                "Service": [
                    "lambda.amazonaws.com",
                    "scheduler.amazonaws.com",
                    "states.amazonaws.com",
                ]
            },
            "Action": "sts:AssumeRole",
        }
    ],
}


@dataclass(frozen=True)
class Function:
    """A Lambda function of the deployment."""

    name: str
    handler: str
    timeout: int
    """Seconds. Offline there is no limit of 15 minutes to hold electrons to."""


FUNCTIONS = (
    Function(names.RUNNER, names.RUNNER_HANDLER, 30 * DAY),
    Function(names.FINISHER, names.FINISHER_HANDLER, 900),
    Function(names.ADOPTER, names.ADOPTER_HANDLER, 900),
    Function(names.FIRE, names.FIRE_HANDLER, 300),
    Function(names.ANSWER, names.ANSWER_HANDLER, 300),
    Function(names.BRIDGE, names.BRIDGE_HANDLER, 300),
)


def make(functions: tuple[Function, ...] = FUNCTIONS) -> Table:
    """Make all of it, with the group of schedules and the rule that runs the finisher; return the table."""
    for role in (
        names.MACHINE_ROLE,
        names.FUNCTION_ROLE,
        names.ELECTRON_ROLE,
        names.SCHEDULER_ROLE,
        names.TICKER_ROLE,
    ):
        _role(role)
    arns = {each.name: _function(each) for each in functions}
    if names.FINISHER in arns:
        _status_rule(arns[names.FINISHER])
    if names.ANSWER in arns:
        _job_rule(arns[names.ANSWER])
    iam_backends[names.ACCOUNT]["aws"].create_instance_profile(
        names.INSTANCE_PROFILE, path="/", role_names=[names.FUNCTION_ROLE]
    )
    scheduler_backends[names.ACCOUNT][names.REGION].create_schedule_group(names.SCHEDULES, [])
    s3_backends[names.ACCOUNT]["aws"].create_bucket(names.BUCKET, names.REGION)
    return _table()


def _role(name: str) -> None:
    iam_backends[names.ACCOUNT]["aws"].create_role(
        role_name=name,
        assume_role_policy_document=json.dumps(_TRUST),
        path="/",
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration="3600",
    )


def _function(function: Function) -> str:
    spec: dict[str, Any] = {
        "FunctionName": function.name,
        "Runtime": f"python{names.PYTHON}",
        "Role": names.role_arn(names.FUNCTION_ROLE),
        "Handler": function.handler,
        "Timeout": function.timeout,
        "MemorySize": 512,
        "Code": {"ZipFile": _empty_zip()},
        "PackageType": "Zip",
    }
    backend = lambda_backends[names.ACCOUNT][names.REGION]
    made = backend.create_function(spec)
    return str(made.function_arn)


def _empty_zip() -> str:
    """The code of a function: there is none, handlers are imported where the workers run."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("README", "The handler is an installed module.")
    return base64.b64encode(archive.getvalue()).decode()


def _status_rule(function_arn: str) -> None:
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]},
    }
    _rule(STATUS_RULE, pattern, {"Id": "finisher", "Arn": function_arn})


def _job_rule(function_arn: str) -> None:
    pattern = {
        "source": ["aws.braket"],
        "detail-type": ["Braket Job State Change"],
        "detail": {"status": ["COMPLETED", "FAILED", "CANCELLED"]},
    }
    _rule(JOB_RULE, pattern, {"Id": "answer", "Arn": function_arn})


def _rule(name: str, pattern: dict[str, Any], target: dict[str, str]) -> None:
    backend = events_backends[names.ACCOUNT][names.REGION]
    backend.put_rule(name=name, event_pattern=json.dumps(pattern))
    backend.put_targets(name, "default", [target])


def _table() -> Table:
    by_owner = {
        "IndexName": "by_owner",
        "KeySchema": _keys("owner", "created"),
        "Projection": {"ProjectionType": "ALL"},
    }
    by_starting = {
        "IndexName": "by_starting",
        "KeySchema": _keys("starting", "created"),
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    types = {"pk": "S", "sk": "S", "owner": "S", "created": "N", "starting": "S"}
    attributes = [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]
    return dynamodb_backends[names.ACCOUNT][names.REGION].create_table(
        names.TABLE,
        schema=_keys("pk", "sk"),
        throughput=None,
        attr=attributes,
        global_indexes=[by_owner, by_starting],
        indexes=None,
        streams=None,
        billing_mode="PAY_PER_REQUEST",
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]
