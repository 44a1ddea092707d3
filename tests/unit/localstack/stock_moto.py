"""What moto does without our repairs; `test_canaries.py` runs this file in a process of its own.

Each function looks at one defect and returns what it saw. Prints the answers as one line of JSON.
"""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest import mock

os.environ.update(
    AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="us-east-1"
)
os.environ.pop("AWS_ENDPOINT_URL", None)

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core import responses
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models import table as dynamodb_table
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.events.models import EventsBackend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.stepfunctions.parser import utils as parser_utils
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackPoolManager
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client, json_path

ROLE = "arn:aws:iam::123456789012:role/r"
PASS = {"Type": "Pass", "End": True}
CATCH = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "caught"}]
CANARIES: dict[str, Callable[[], Any]] = {}
PATIENCE = 20.0


def canary(function: Callable[[], Any]) -> Callable[[], Any]:
    CANARIES[function.__name__] = function
    return function


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def task(kind: str = "lambda:invoke", **fields: Any) -> dict[str, Any]:
    payload = {"token.$": "$$.Task.Token"} if kind.endswith("Token") else {}
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{kind}",
        "Parameters": {"FunctionName": "f", "Payload": payload},
        "ResultPath": None,
        **fields,
    }


def start(definition: dict[str, Any], **options: Any) -> str:
    states = boto3.client("stepfunctions")
    name = f"m{time.monotonic_ns()}"
    made = states.create_state_machine(name=name, roleArn=ROLE, definition=json.dumps(definition))
    options = {"name": name, **options}
    return str(
        states.start_execution(stateMachineArn=made["stateMachineArn"], **options)["executionArn"]
    )


def described(execution: str) -> dict[str, Any]:
    states: Any = boto3.client("stepfunctions")
    found: dict[str, Any] = states.describe_execution(executionArn=execution)
    return found


def ended(execution: str) -> dict[str, Any]:
    until(lambda: described(execution)["status"] != "RUNNING")
    return described(execution)


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@contextmanager
def moto_server() -> Iterator[None]:
    """The server of moto; its port is in MOTO_PORT."""
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    os.environ["MOTO_PORT"] = str(running.get_host_and_port()[1])
    yield


@contextmanager
def handler(function: Callable[[Any], Any]) -> Iterator[None]:
    """Let moto's Lambda function `f` run a function of this process."""

    def invoke(
        self: Any,
        function_name: Any,
        qualifier: Any,
        body: Any,
        headers: Any,
        response_headers: Any,
    ) -> bytes:
        return json.dumps(function(json.loads(body or "{}"))).encode()

    with mock.patch.object(LambdaSimpleBackend, "invoke", invoke):
        yield


@contextmanager
def counted(owner: Any, name: str) -> Iterator[list[Any]]:
    """The arguments of every call of a function that goes on working."""
    calls: list[Any] = []
    original = getattr(owner, name)

    def count(*args: Any, **options: Any) -> Any:
        calls.append(args)
        return original(*args, **options)

    with mock.patch.object(owner, name, count):
        yield calls


def table() -> Any:
    client = boto3.client("dynamodb")
    name = f"t{time.monotonic_ns()}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    return client, name


def item(pk: str, **more: Any) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": "s"}, **more}


# core


@canary
def keeps_every_instance() -> bool:
    made = Item(DynamoType({"S": "x"}), None, {})
    return any(each is made for each in Item.instances_tracked)


@canary
def inspects_the_handler_for_every_request() -> bool:
    client = boto3.client("dynamodb")
    with counted(responses, "method_names_from_class") as calls:
        client.list_tables()
        client.list_tables()
    return len(calls) >= 2


@canary
def draws_a_request_id_letter_by_letter() -> bool:
    from moto.moto_api._internal import mock_random

    with counted(mock_random, "choice") as calls:
        responses.gen_amzn_requestid_long({})
    return len(calls) > 50


@canary
def closes_every_connection() -> bool:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["MOTO_PORT"]))
    connection.request("GET", "/moto-api/seed?a=1")
    answer = connection.getresponse()
    answer.read()
    return bool(answer.will_close)


# lambda


@canary
def never_runs_a_function() -> str:
    answer = boto3.client("lambda").invoke(FunctionName="f")
    return str(answer["Payload"].read().decode())


# dynamodb


@canary
def lets_requests_interleave() -> int:
    """Two conditional puts that both get to the check before either writes."""
    _, name = table()
    both = threading.Barrier(2)
    put_item = dynamodb_table.Table.put_item
    first = threading.local()

    def slowly(self: Any, *args: Any, **options: Any) -> Any:
        if not getattr(first, "seen", False):
            first.seen = True
            both.wait(PATIENCE)
        return put_item(self, *args, **options)

    reached: list[int] = []

    def put(number: int) -> None:
        try:
            boto3.client("dynamodb").put_item(TableName=name, Item=item("one"))
        except (ClientError, threading.BrokenBarrierError):
            return
        reached.append(number)

    with mock.patch.object(dynamodb_table.Table, "put_item", slowly):
        threads = [threading.Thread(target=put, args=(n,)) for n in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    return len(reached)


@canary
def copies_tables_for_a_transaction() -> bool:
    client, name = table()
    from moto.dynamodb import models

    copied: list[str] = []
    deep = models.copy.deepcopy

    def watch(value: Any, *rest: Any) -> Any:
        copied.append(type(value).__name__)
        return deep(value, *rest)

    with mock.patch.object(models.copy, "deepcopy", watch):
        client.transact_write_items(TransactItems=[{"Put": {"TableName": name, "Item": item("x")}}])
    return "Table" in copied


@canary
def rolls_back_the_work_of_others() -> bool:
    """Someone writes while a transaction runs that will fail."""
    client, name = table()
    put_item = DynamoDBBackend.put_item

    def interrupted(self: Any, *args: Any, **options: Any) -> Any:
        with mock.patch.object(DynamoDBBackend, "put_item", put_item):
            boto3.client("dynamodb").put_item(TableName=name, Item=item("other"))
        return put_item(self, *args, **options)

    write = {"Put": {"TableName": name, "Item": item("mine")}}
    refusal = {
        "ConditionCheck": {
            "TableName": name,
            "Key": item("nothing"),
            "ConditionExpression": "attribute_exists(pk)",
        }
    }
    with mock.patch.object(DynamoDBBackend, "put_item", interrupted), suppress(ClientError):
        client.transact_write_items(TransactItems=[write, refusal])
    return "Item" not in client.get_item(TableName=name, Key=item("other"))


@canary
def looks_at_every_item_for_a_query() -> int:
    client, name = table()
    for number in range(5):
        client.put_item(TableName=name, Item=item(f"p{number}"))
    seen: list[Any] = []
    all_items = dynamodb_table.Table.all_items

    def watch(self: Any) -> Iterator[Any]:
        for each in all_items(self):
            seen.append(each)
            yield each

    with mock.patch.object(dynamodb_table.Table, "all_items", watch):
        client.query(
            TableName=name,
            KeyConditionExpression="pk = :p",
            ExpressionAttributeValues={":p": {"S": "p1"}},
        )
    return len(seen)


@canary
def parses_an_update_every_time() -> bool:
    client, name = table()
    with counted(UpdateExpressionParser, "make") as calls:
        for _ in range(2):
            client.update_item(
                TableName=name,
                Key=item("u"),
                UpdateExpression="SET a = :v",
                ExpressionAttributeValues={":v": {"S": "x"}},
            )
    return len(calls) >= 4


# s3


@canary
def accepts_a_wrong_body() -> int:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="checksum")
    wrong = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    answer = s3.put_object(Bucket="checksum", Key="k", Body=b"wrong", ChecksumSHA256=wrong)
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def _server() -> Any:
    from werkzeug.test import Client

    return Client(DomainDispatcherApplication(create_backend_app))


@canary
def holds_an_object_in_memory_several_times() -> bool:
    import http.client
    import tracemalloc

    boto3.client("s3").create_bucket(Bucket="memory")
    piece, count = bytes(1 << 16), 128
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["MOTO_PORT"]))
    connection.putrequest("PUT", "/memory/k")
    connection.putheader("Content-Length", str(count * len(piece)))
    scope = "key/20260101/us-east-1/s3/aws4_request"
    connection.putheader("Authorization", f"AWS4-HMAC-SHA256 Credential={scope}")
    connection.endheaders()
    tracemalloc.start()
    for _ in range(count):
        connection.send(piece)
    answer = connection.getresponse()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status == 200, answer.read()
    return peak > 2 * count * len(piece)


@canary
def honours_a_presigned_address_for_other_keys() -> int:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="presigned")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "presigned", "Key": "mine"})
    query = url.partition("?")[2]
    return int(_server().put(f"/presigned/yours?{query}", data=b"x").status_code)


# events


@canary
def cannot_reach_a_function_from_a_rule() -> str:
    events: Any = boto3.client("events")
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["mine"]}))
    target = {"Id": "t", "Arn": "arn:aws:lambda:us-east-1:123456789012:function:f"}
    events.put_targets(Rule="r", Targets=[target])
    entry = {"Source": "mine", "DetailType": "d", "Detail": "{}"}
    try:
        events.put_events(Entries=[entry])
    except Exception as exc:  # noqa: BLE001  # the answer
        return type(exc).__name__
    finally:
        events.remove_targets(Rule="r", Ids=["t"])
    return ""


@canary
def tells_nobody_of_an_execution() -> int:
    with counted(EventsBackend, "put_events") as calls:
        ended(start(machine(p=PASS)))
        time.sleep(0.1)
    return len(calls)


# step functions: definitions


@canary
def parses_a_definition_again_for_every_execution() -> bool:
    with counted(AmazonStateLanguageParser, "parse") as calls:
        ended(start(machine(p=PASS)))
    return len(calls) >= 2


@canary
def writes_components_out() -> bool:
    built, _ = AmazonStateLanguageParser.parse(json.dumps(machine(inner_name=PASS)))
    return "inner_name" in str(built)


# step functions: evaluation


def _threads(definition: dict[str, Any]) -> int:
    with handler(lambda event: None), counted(threading.Thread, "start") as calls:
        assert ended(start(definition))["status"] == "SUCCEEDED"
    return len(calls)


@canary
def threads_of_two_tasks_more() -> int:
    one = _threads(machine(a=task(End=True)))
    return _threads(machine(a=task(Next="b"), b=task(Next="c"), c=task(End=True))) - one


@canary
def threads_of_two_branches_more() -> int:
    def fan(count: int) -> dict[str, Any]:
        branches = [machine(**{f"p{n}": PASS}) for n in range(count)]
        return machine(fan={"Type": "Parallel", "Branches": branches, "End": True})

    return _threads(fan(3)) - _threads(fan(1))


@canary
def keeps_its_threads() -> bool:
    return len(parser_utils.TMP_THREADS) > 0


@canary
def lets_a_timed_out_task_run_on() -> bool:
    go, done = threading.Event(), threading.Event()

    def slow(event: Any) -> None:
        go.wait(PATIENCE)
        done.set()

    with handler(slow):
        limited = task(TimeoutSeconds=1, Catch=CATCH, End=True)
        ended(start(machine(t=limited, caught=PASS)))
        go.set()
        return done.wait(PATIENCE)


@canary
def makes_a_client_for_every_task() -> bool:
    with handler(lambda event: None), counted(boto3.session.Session, "client") as calls:
        execution = start(machine(a=task(Next="b"), b=task(End=True)))
        ended(execution)
        kinds = [args[1] for args in calls if len(args) > 1]
    return kinds.count("lambda") >= 2 or _client_is_new()


def _client_is_new() -> bool:
    make = boto_client.boto_client_for
    try:
        return make("us-east-1", "lambda", None) is not make("us-east-1", "lambda", None)
    except TypeError:
        return False


@canary
def loses_errors_of_aws_inside_a_parallel() -> str:
    go = threading.Event()
    with handler(lambda event: go.wait(PATIENCE)):
        branch = machine(t=task(TimeoutSeconds=1, End=True))
        both = {"Type": "Parallel", "Branches": [branch], "Catch": CATCH, "End": True}
        status = ended(start(machine(both=both, caught=PASS)))["status"]
        go.set()
    return str(status)


@canary
def reads_a_path_behind_an_index_as_a_list() -> Any:
    return json_path.extract_json("$.a[0].b", {"a": [{"b": "x"}]})


@canary
def gives_a_retry_the_token_of_the_first_try() -> bool:
    tokens: list[str] = []
    states = boto3.client("stepfunctions")

    def take(event: Any) -> None:
        tokens.append(event["token"])
        if len(tokens) == 1:
            states.send_task_failure(taskToken=event["token"], error="Boom")
        elif tokens[0] != tokens[1]:
            states.send_task_success(taskToken=event["token"], output="{}")

    retry = [{"ErrorEquals": ["Boom"], "MaxAttempts": 1, "IntervalSeconds": 1}]
    with handler(take):
        waiting = task("lambda:invoke.waitForTaskToken", Retry=retry, Catch=CATCH, End=True)
        execution = start(machine(t=waiting, caught=PASS))
        until(lambda: len(tokens) == 2 or described(execution)["status"] != "RUNNING")
    return len(set(tokens)) == 1


@canary
def logs_the_definition_with_every_failure() -> bool:
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger = logging.getLogger(EvalComponent.__module__)
    keep = Keep()
    logger.addHandler(keep)
    level, logger.level = logger.level, logging.DEBUG
    fail = {"Type": "Fail", "Error": "Mine", "Comment": "very long comment"}
    fan = {"Type": "Parallel", "Branches": [machine(inner_name=fail)], "End": True}
    ended(start(machine(fan=fan)))
    logger.removeHandler(keep)
    logger.level = level
    return any("inner_name" in line for line in lines)


# step functions: executions


def _waiting() -> tuple[str, str]:
    """An execution that waits for a token, and the token."""
    tokens: list[str] = []
    with handler(lambda event: tokens.append(event["token"])):
        waiting = task("lambda:invoke.waitForTaskToken", Catch=CATCH, End=True)
        execution = start(machine(t=waiting, caught=PASS))
        until(lambda: tokens)
    return execution, tokens[0]


@canary
def stops_without_stopping() -> dict[str, Any]:
    execution, _ = _waiting()
    boto3.client("stepfunctions").stop_execution(
        executionArn=execution, error="Cancelled", cause="by the user"
    )
    found = described(execution)
    return {"status": found["status"], "told": bool(found.get("error") or found.get("cause"))}


@canary
def calls_an_unnamed_execution_none() -> str:
    states = boto3.client("stepfunctions")
    made = states.create_state_machine(
        name="unnamed", roleArn=ROLE, definition=json.dumps(machine(p=PASS))
    )
    started = states.start_execution(stateMachineArn=made["stateMachineArn"])
    return str(started["executionArn"].rpartition(":")[2])


@canary
def drops_the_cause_of_a_failure() -> bool:
    execution, token = _waiting()
    boto3.client("stepfunctions").send_task_failure(taskToken=token, error="E", cause="why")
    return "why" not in str(json.loads(ended(execution)["output"])["error"])


@canary
def looks_for_a_token_in_every_execution() -> bool:
    others = [_waiting() for _ in range(2)]
    with counted(CallbackPoolManager, "notify") as calls:
        boto3.client("stepfunctions").send_task_success(taskToken=others[-1][1], output="{}")
    return len(calls) > 1


@canary
def refuses_a_heartbeat() -> str:
    _, token = _waiting()
    try:
        boto3.client("stepfunctions").send_task_heartbeat(taskToken=token)
    except ClientError as exc:
        return str(exc.response["Error"]["Code"])
    return ""


@canary
def ignores_paging_of_a_history() -> dict[str, Any]:
    execution = start(machine(p=PASS))
    ended(execution)
    states = boto3.client("stepfunctions")
    page = states.get_execution_history(executionArn=execution, maxResults=1, reverseOrder=True)
    return {"events": len(page["events"]), "first": page["events"][0]["type"]}


@canary
def forgets_when_an_execution_timed_out() -> bool:
    execution = start(
        {**machine(w={"Type": "Wait", "Seconds": 60, "End": True}), "TimeoutSeconds": 1}
    )
    found = ended(execution)
    assert found["status"] == "TIMED_OUT", found
    return "stopDate" not in found


@canary
def gives_a_text_as_it_is() -> str:
    return str(ended(start(machine(p={**PASS, "Result": "text"})))["output"])


# step functions: other services


@canary
def fails_to_start_nested_executions() -> str:
    states = boto3.client("stepfunctions")
    child = states.create_state_machine(
        name="child", roleArn=ROLE, definition=json.dumps(machine(p=PASS))
    )["stateMachineArn"]
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child, "Input": {}},
        "End": True,
    }
    return str(ended(start(machine(c=call)))["status"])


@canary
def seconds_between_two_looks() -> float:
    return float(state_task_service_callback._DELAY_SECONDS_SYNC_CONDITION_CHECK)


def main() -> None:
    answers: dict[str, Any] = {}
    settings: Any = {
        "stepfunctions": {"execute_state_machine": True},
        "lambda": {"use_docker": False},
    }
    with mock_aws(config=settings), moto_server():
        boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}", Path="/")
        boto3.client("lambda").create_function(
            FunctionName="f", Runtime="python3.11", Role=ROLE, Handler="m.f", Code={"ZipFile": b"x"}
        )
        for name in sys.argv[1:] or CANARIES:
            began = time.monotonic()
            try:
                answers[name] = CANARIES[name]()
            except Exception as exc:  # noqa: BLE001  # one canary must not end the others
                answers[name] = f"{type(exc).__name__}: {exc}"
            if os.environ.get("SHOW_TIMES"):
                print(f"{time.monotonic() - began:6.2f} {name}", file=sys.stderr)
        print(json.dumps(answers), flush=True)
        os._exit(0)  # some of moto's threads never end


if __name__ == "__main__":
    main()
