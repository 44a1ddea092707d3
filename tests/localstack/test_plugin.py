"""The plugin inside a real LocalStack: functions run, records are right, an API knows who signed."""

import io
import json
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.localstack.running import REGION, Aws

pytestmark = pytest.mark.localstack

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
SOURCE = """\
import os, sys, time
import boto3

loaded = time.time()


def handler(event, context):
    print("event", event)
    time.sleep(event.get("sleep", 0))
    if "fail" in event:
        raise ValueError(event["fail"])
    if "leave" in event:
        os._exit(event["leave"])
    if "count" in event:
        boto3.client("dynamodb").update_item(
            TableName=os.environ["TABLE"], Key={"pk": {"S": event["count"]}},
            UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}},
        )
    return {"pid": os.getpid(), "python": "%d.%d" % sys.version_info[:2], "colour": os.environ.get("COLOUR")}


def who(event, context):
    return {"statusCode": 200, "body": str(event["requestContext"]["identity"]["userArn"])}
"""


def _zip() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", SOURCE)
        file.writestr("broken.py", "import nowhere\n")
    return archive.getvalue()


class Functions:
    """Makes functions of `SOURCE` and invokes them."""

    def __init__(self, aws: Aws) -> None:
        self._lambda = aws.client("lambda")
        self._role = aws.client("iam").create_role(
            RoleName="plugin", AssumeRolePolicyDocument=TRUST
        )["Role"]["Arn"]
        self._known: set[str] = set()

    def make(self, name: str, handler: str = "app.handler", python: str = "3.12") -> str:
        """Make a function unless it is there, and return its ARN."""
        if name not in self._known:
            self._known.add(name)
            self._lambda.create_function(
                FunctionName=name,
                Runtime=f"python{python}",
                Role=self._role,
                Handler=handler,
                Code={"ZipFile": _zip()},
                Timeout=5,
                Environment={"Variables": {"TABLE": "counters", "COLOUR": "red"}},
            )
            self._lambda.get_waiter("function_active_v2").wait(FunctionName=name)
        return f"arn:aws:lambda:{REGION}:000000000000:function:{name}"

    def invoke(self, name: str, **event: Any) -> Any:
        """Invoke a function; its error document is its answer."""
        answer = self._lambda.invoke(FunctionName=name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())


@pytest.fixture(scope="module")
def functions(aws: Aws) -> Functions:
    return Functions(aws)


@pytest.fixture(scope="module")
def table(aws: Aws) -> Any:
    client = aws.client("dynamodb")
    client.create_table(
        TableName="counters",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_each_python_runs_and_stays_warm(functions: Functions, python: str) -> None:
    name = f"f{python.replace('.', '')}"
    functions.make(name, python=python)
    first, second = functions.invoke(name), functions.invoke(name)
    assert first["python"] == python
    assert first["colour"] == "red"
    assert first["pid"] == second["pid"]


@pytest.mark.parametrize(
    ("handler", "python", "kind"),
    [
        ("broken.handler", "3.12", "Runtime.ImportModuleError"),
        ("app.missing", "3.12", "Runtime.HandlerNotFound"),
        ("app.handler", "3.9", "Runtime.NotInstalled"),
    ],
)
def test_a_function_that_cannot_be_loaded(
    functions: Functions, handler: str, python: str, kind: str
) -> None:
    name = kind.replace(".", "-")
    functions.make(name, handler, python)
    for _ in range(2):
        assert functions.invoke(name)["errorType"] == kind


def test_errors_of_a_running_function_and_the_next_invocation(functions: Functions) -> None:
    functions.make("f312")
    assert functions.invoke("f312", fail="boom")["errorMessage"] == "boom"
    assert functions.invoke("f312", leave=3)["errorType"] == "Runtime.ExitError"
    assert functions.invoke("f312")["python"] == "3.12"
    assert functions.invoke("f312", sleep=30)["errorType"] == "Sandbox.Timedout"
    assert functions.invoke("f312")["python"] == "3.12"


def test_more_invocations_than_processes_all_get_their_answer(functions: Functions) -> None:
    functions.make("f313", python="3.13")
    with ThreadPoolExecutor(24) as threads:
        answers = list(threads.map(lambda _: functions.invoke("f313", sleep=0.2), range(24)))
    assert all("pid" in answer for answer in answers)
    assert 2 <= len({answer["pid"] for answer in answers}) <= 8


def test_what_a_function_prints_is_in_its_log(aws: Aws, functions: Functions) -> None:
    functions.make("printer")
    functions.invoke("printer", note="find me")
    logs = aws.client("logs")
    for _ in range(100):  # LocalStack writes logs in the background
        found = _messages(logs, "/aws/lambda/printer")
        if any("find me" in message for message in found):
            break
        threading.Event().wait(0.1)
    kinds = [message.split(" ")[0] for message in found]
    assert kinds[:4] == ["START", "event", "END", "REPORT"]


def _messages(logs: Any, group: str) -> list[str]:
    try:
        found = logs.filter_log_events(logGroupName=group)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"].strip() for event in found if event["message"].strip()]


def test_a_machine_runs_functions_that_write_records(
    aws: Aws, functions: Functions, table: Any
) -> None:
    arn = functions.make("f312")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": arn, "Payload": {"count": "machine"}},
        "End": True,
    }
    branches = [{"StartAt": f"t{i}", "States": {f"t{i}": task}} for i in range(10)]
    definition = {
        "StartAt": "all",
        "States": {"all": {"Type": "Parallel", "Branches": branches, "End": True}},
    }
    states = aws.client("stepfunctions")
    machine = states.create_state_machine(
        name="counting",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::000000000000:role/plugin",
    )["stateMachineArn"]
    for _ in range(2):  # what was parsed for the first one serves the second
        execution = states.start_execution(stateMachineArn=machine)["executionArn"]
        while (seen := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
            time.sleep(0.2)
        assert seen["status"] == "SUCCEEDED"
    item = table.get_item(TableName="counters", Key={"pk": {"S": "machine"}})["Item"]
    assert item["n"] == {"N": "20"}


def test_adds_of_many_threads_all_count(table: Any) -> None:
    def add(_: int) -> None:
        table.update_item(
            TableName="counters",
            Key={"pk": {"S": "shared"}},
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with ThreadPoolExecutor(32) as threads:
        list(threads.map(add, range(400)))
    item = table.get_item(TableName="counters", Key={"pk": {"S": "shared"}})["Item"]
    assert item["n"] == {"N": "400"}


def test_one_of_many_conditional_puts_wins(table: Any) -> None:
    def put(key: str) -> bool:
        try:
            table.put_item(
                TableName="counters",
                Item={"pk": {"S": key}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except table.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        won = [sum(threads.map(put, [f"race{n}"] * 16)) for n in range(10)]
    assert won == [1] * 10


@pytest.mark.parametrize("service", ["batch", "ecs", "ecr"])
def test_services_that_the_community_edition_leaves_out(aws: Aws, service: str) -> None:
    client, name = aws.client(service), "of-the-plugin"
    match service:
        case "batch":
            assert client.describe_job_queues(jobQueues=[name])["jobQueues"] == []
        case "ecs":
            made = client.create_cluster(clusterName=name)["cluster"]["clusterArn"]
            assert made in client.list_clusters()["clusterArns"]
        case _:
            client.create_repository(repositoryName=name)
            (found,) = client.describe_repositories(repositoryNames=[name])["repositories"]
            assert found["repositoryUri"].endswith(f"/{name}")


@pytest.fixture(scope="module")
def signed_api(aws: Aws, functions: Functions) -> str:
    """An API with one route that wants a signature and one that does not."""
    arn = functions.make("who", "app.who")
    integration = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations",
    }
    answered = {"x-amazon-apigateway-integration": integration, "responses": {}}
    document = {
        "openapi": "3.0.1",
        "info": {"title": "who", "version": "1"},
        "x-amazon-apigateway-gateway-responses": {
            "MISSING_AUTHENTICATION_TOKEN": {
                "responseParameters": {
                    "gatewayresponse.header.Content-Type": "'application/problem+json'"
                },
                "responseTemplates": {
                    "application/json": '{"detail": $context.error.messageString}'
                },
            }
        },
        "paths": {
            "/signed": {"get": {**answered, "security": [{"sigv4": []}]}},
            "/open": {"get": answered},
        },
        "components": {
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                }
            }
        },
    }
    gateway = aws.client("apigateway")
    api = gateway.import_rest_api(body=json.dumps(document))["id"]
    gateway.create_deployment(restApiId=api, stageName="api")
    return f"{aws.url}/_aws/execute-api/{api}/api"


def _get(url: str, key: str = "") -> httpx.Response:
    request = AWSRequest("GET", url)
    if key:
        SigV4Auth(Credentials(key, "test"), "execute-api", REGION).add_auth(request)
    return httpx.get(url, headers=dict(request.headers), timeout=30, trust_env=False)


def test_a_signed_request_says_who_it_is(aws: Aws, signed_api: str) -> None:
    assert _get(f"{signed_api}/signed", "test").text == "arn:aws:iam::000000000000:root"
    iam = aws.client("iam")
    arn = iam.create_user(UserName="anna")["User"]["Arn"]
    key = iam.create_access_key(UserName="anna")["AccessKey"]["AccessKeyId"]
    assert _get(f"{signed_api}/signed", key).text == arn


def test_an_unsigned_request_is_refused_where_a_signature_is_wanted(signed_api: str) -> None:
    for path in ("signed", "nowhere"):
        refused = _get(f"{signed_api}/{path}")
        assert refused.status_code == 403
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json() == {"detail": "Missing Authentication Token"}
    assert _get(f"{signed_api}/open").text == "None"
