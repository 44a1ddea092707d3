"""Requests to AWS as the actions, resources and condition keys that IAM asks for.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
A request that is not known here is an error.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tests.iam.policy import Call

REGION, ACCOUNT = "us-east-1", "123456789012"
SYNC_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
ANY_MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:covalent-{'0' * 40}"
"""What a task token is of: the token does not say, and any machine of the deployment may be."""


@dataclass(frozen=True)
class Request:
    """A request, who made it, and with which tags of the session.

    role is the short name of the role. agent is what the client calls itself. status is what it was answered.
    """

    role: str
    service: str
    operation: str
    parameters: Mapping[str, Any]
    status: int = 200
    agent: str = ""
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Names:
    """Names of the deployment whose policies are asked, where they are others than offline."""

    bucket: str
    offline_bucket: str = "covalent-local"

    def calls(self, request: Request) -> list[Call]:
        """What IAM must allow for the request.

        Raises:
            KeyError: nobody has told what that is.

        """
        tags = {
            f"aws:principaltag/{name}": (value,) for name, value in (request.tags or {}).items()
        }
        found = _SERVICES[request.service](self, request)
        return [Call(each.action, each.resource, {**tags, **each.context}) for each in found]


def _s3(names: Names, request: Request) -> Iterator[Call]:
    asked = request.parameters
    bucket, _, key = unquote(asked["path"]).lstrip("/").partition("/")
    if asked.get("query") == "notification" and request.operation == "GET" and not key:
        yield Call("s3:GetBucketNotification", f"arn:aws:s3:::{bucket}")
        return
    if bucket != names.offline_bucket or not key:
        raise KeyError(f"S3: {request}")
    home = f"arn:aws:s3:::{names.bucket}"
    if asked.get("copied"):
        source = unquote(asked["copied"]).lstrip("/").removeprefix(f"{bucket}/")
        yield Call("s3:GetObject", f"{home}/{source}")
    action = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject"}
    yield Call(action[request.operation], f"{home}/{key}")
    if request.status == 404:  # who may not list is told 403
        yield Call("s3:ListBucket", home)


def _dynamodb(_: Names, request: Request) -> Iterator[Call]:
    asked = request.parameters
    match request.operation:
        case "BatchGetItem":
            for table, question in asked["RequestItems"].items():
                keys = [each["pk"]["S"] for each in question["Keys"]]
                yield _on_items(
                    "BatchGetItem", table, keys, _attributes(question, question["Keys"])
                )
        case "BatchWriteItem":
            yield from _batches(asked["RequestItems"])
        case "TransactWriteItems":
            for (kind, each), *_rest in (item.items() for item in asked["TransactItems"]):
                yield _write(f"{kind}Item", each)
        case "Query":
            yield _query(asked)
        case "DeleteItem" | "GetItem" | "PutItem" | "UpdateItem":
            yield _write(request.operation, asked)
        case _:
            raise KeyError(f"DynamoDB: {request.operation}")


def _batches(tables: Mapping[str, Any]) -> Iterator[Call]:
    for table, writes in tables.items():
        items = [each["PutRequest"]["Item"] for each in writes]
        keys = [item["pk"]["S"] for item in items]
        yield _on_items("BatchWriteItem", table, keys, set().union(*items))


def _write(operation: str, asked: Mapping[str, Any]) -> Call:
    item = asked.get("Item") or asked["Key"]
    return _on_items(operation, asked["TableName"], [item["pk"]["S"]], _attributes(asked, [item]))


def _query(asked: Mapping[str, Any]) -> Call:
    names = asked.get("ExpressionAttributeNames", {})
    index = str(asked.get("IndexName") or "")
    hashed = {"by_owner": "owner", "by_starting": "starting"}.get(index, "pk")
    (value,) = (
        asked["ExpressionAttributeValues"][value]["S"]
        for name, value in re.findall(r"(#?\w+)\s*=\s*(:\w+)", asked["KeyConditionExpression"])
        if names.get(name, name) == hashed
    )
    table = asked["TableName"] + (f"/index/{index}" if index else "")
    return _on_items("Query", table, [value], _attributes(asked, []))


def _on_items(operation: str, table: str, keys: list[str], attributes: set[str]) -> Call:
    context = {
        "dynamodb:leadingkeys": tuple(keys),
        "dynamodb:attributes": tuple(sorted(attributes)),
    }
    home = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"
    return Call(f"dynamodb:{operation}", home, context)


_EXPRESSIONS = (
    *("ConditionExpression", "FilterExpression", "KeyConditionExpression"),
    *("ProjectionExpression", "UpdateExpression"),
)
_WORDS = frozenset(
    {
        *("add", "and", "between", "delete", "in", "not", "or", "remove", "set"),
        *("attribute_exists", "attribute_not_exists", "begins_with", "contains"),
        *("if_not_exists", "list_append", "size"),
    }
)


def _attributes(asked: Mapping[str, Any], items: list[Mapping[str, Any]]) -> set[str]:
    """All attributes that a request names: of items and keys, and in its expressions."""
    names = asked.get("ExpressionAttributeNames", {})
    text = " ".join(str(asked.get(each) or "") for each in _EXPRESSIONS)
    words = re.findall(r"(?<![:\w#])#?[A-Za-z_]\w*", text)
    named = {names.get(word, word) for word in words if word.lower() not in _WORDS}
    return named.union(*items)


def _states(_: Names, request: Request) -> Iterator[Call]:
    asked, operation = request.parameters, request.operation
    action = f"states:{operation}"
    match operation:
        case "SendTaskSuccess" | "SendTaskFailure" | "SendTaskHeartbeat":
            yield Call(action, ANY_MACHINE)
        case "ListStateMachines":
            yield Call(action, "*")
        case "CreateStateMachine":
            yield Call(action, f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{asked['name']}")
            passed = {"iam:passedtoservice": ("states.amazonaws.com",)}
            yield Call("iam:PassRole", asked["roleArn"], passed)
        case "StartExecution" | "DescribeStateMachine" | "DeleteStateMachine" | "ListExecutions":
            yield Call(action, asked["stateMachineArn"])
        case "DescribeExecution" | "StopExecution":
            yield Call(action, asked["executionArn"])
        case _:
            raise KeyError(action)


def _sts(_: Names, request: Request) -> Iterator[Call]:
    if request.operation != "AssumeRole":
        raise KeyError(f"sts:{request.operation}")
    yield Call("sts:AssumeRole", request.parameters["RoleArn"])
    yield Call("sts:TagSession", request.parameters["RoleArn"])


def _lambda(_: Names, request: Request) -> Iterator[Call]:
    if request.operation != "Invoke":
        raise KeyError(f"lambda:{request.operation}")
    function = request.parameters["FunctionArn"]
    if not function.startswith("arn:"):
        function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    yield Call("lambda:InvokeFunction", function)


def _events(_: Names, request: Request) -> Iterator[Call]:
    """Rules of triggers, and the one by which Step Functions learns of the end of a nested execution."""
    asked = request.parameters
    rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{asked.get('Rule') or asked['Name']}"
    yield Call(f"events:{request.operation}", rule)


def _scheduler(_: Names, request: Request) -> Iterator[Call]:
    asked = request.parameters
    action = {"POST": "CreateSchedule", "DELETE": "DeleteSchedule"}[request.operation]
    group = asked.get("GroupName") or asked["groupName"]
    home = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{group}/{asked['Name']}"
    yield Call(f"scheduler:{action}", home)
    if action == "CreateSchedule":
        passed = {"iam:passedtoservice": ("scheduler.amazonaws.com",)}
        yield Call("iam:PassRole", asked["Target"]["RoleArn"], passed)


TAGGED = {"aws:requesttag/covalent:deployment": ("covalent",)}
"""Instances and hybrid jobs; that templates tag them is for the tests of the executors."""


def _home(service: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}"


def _batch(_: Names, request: Request) -> Iterator[Call]:
    home = _home("batch")
    match request.operation:
        case "SubmitJob":
            yield Call("batch:SubmitJob", f"{home}:job/0")
            yield Call("batch:SubmitJob", f"{home}:job-queue/covalent-electrons")
            yield Call("batch:SubmitJob", f"{home}:job-definition/covalent-electrons-py312")
        case "DescribeJobs":
            yield Call("batch:DescribeJobs", "*")
        case "TerminateJob":
            yield Call("batch:TerminateJob", f"{home}:job/0")
        case _:
            raise KeyError(f"batch:{request.operation}")


def _ecs(_: Names, request: Request) -> Iterator[Call]:
    home, cluster = _home("ecs"), {"ecs:cluster": (f"{_home('ecs')}:cluster/covalent",)}
    match request.operation:
        case "RunTask":
            definition = f"{home}:task-definition/covalent-electrons-py312:1"
            yield Call("ecs:RunTask", definition, cluster)
            for role in ("ecs", "launcher"):
                yield _passed(role, "ecs-tasks")
        case "DescribeTasks" | "StopTask":
            yield Call(f"ecs:{request.operation}", f"{home}:task/covalent/0", cluster)
        case _:
            raise KeyError(f"ecs:{request.operation}")


def _ec2(_: Names, request: Request) -> Iterator[Call]:
    home = _home("ec2")
    match request.operation:
        case "RunInstances":
            yield Call("ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/ami-0")
            for kind in ("key-pair", "network-interface", "security-group", "subnet"):
                yield Call("ec2:RunInstances", f"{home}:{kind}/0")
            for kind in ("instance", "volume"):
                yield Call("ec2:RunInstances", f"{home}:{kind}/0", TAGGED)
                created = {**TAGGED, "ec2:createaction": ("RunInstances",)}
                yield Call("ec2:CreateTags", f"{home}:{kind}/0", created)
            yield _passed("ec2", "ec2")
            name = "aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
            yield Call("ssm:GetParameters", f"arn:aws:ssm:{REGION}::parameter/{name}")
        case "DescribeInstances":
            yield Call("ec2:DescribeInstances", "*")
        case _:
            raise KeyError(f"ec2:{request.operation}")


def _braket(_: Names, request: Request) -> Iterator[Call]:
    job = f"{_home('braket')}:job/0"
    match request.operation:
        case "CreateJob":
            tags = {
                f"aws:requesttag/{name}": (value,)
                for name, value in request.parameters["tags"].items()
            }
            yield Call("braket:CreateJob", "*", tags)
            yield Call("braket:TagResource", job, tags)
            yield _passed("braket", "braket")
        case "GetJob":
            yield Call("braket:GetJob", job)
        case _:
            raise KeyError(f"braket:{request.operation}")


def _passed(role: str, service: str) -> Call:
    passed = {"iam:passedtoservice": (f"{service}.amazonaws.com",)}
    return Call("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/covalent-{role}", passed)


_SERVICES: Mapping[str, Callable[[Names, Request], Iterator[Call]]] = {
    "batch": _batch,
    "braket": _braket,
    "dynamodb": _dynamodb,
    "ec2": _ec2,
    "ecs": _ecs,
    "events": _events,
    "lambda": _lambda,
    "s3": _s3,
    "scheduler": _scheduler,
    "states": _states,
    "sts": _sts,
}
