"""What moto does without our repairs; `test_canaries.py` runs this file in a process of its own.

Each function looks at one defect and returns what it saw. Prints the answers as one line of JSON.
"""

import datetime
import json
import logging
import math
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
from moto.events.models import EventsBackend, Rule
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser import utils as parser_utils
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
    state_task_service_sfn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackPoolManager
from moto.stepfunctions.parser.asl.eval.states import States
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client, json_path
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import (
    StepFunctionsParserBackend,
    stepfunctions_parser_backends,
)

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


def nested(arn: str, **fields: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": arn, "Input": {}},
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
def parses_a_result_path_every_time() -> bool:
    with counted(result_path, "parse") as calls:
        for _ in range(2):
            ended(start(machine(p={**PASS, "Result": 1, "ResultPath": "$.one"})))
    return len(calls) >= 2


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
def tells_of_an_end_before_there_is_an_output() -> tuple[str, str]:
    told: list[tuple[str, str]] = []
    stock = BaseExecutionWorkerCommunication._reflect_execution_status

    def reflect(self: Any) -> None:
        def look(_: States) -> None:
            found = self.execution.to_describe_output()
            told.append((found["status"], found["output"]))

        with mock.patch.object(States, "get_input", look):
            stock(self)

    with mock.patch.object(BaseExecutionWorkerCommunication, stock.__name__, reflect):
        start(machine(p=PASS))
        until(lambda: told)
    return told[0]


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
    return str(ended(start(machine(c=nested(child, End=True))))["status"])


@canary
def seconds_between_two_looks() -> float:
    return float(state_task_service_callback._DELAY_SECONDS_SYNC_CONDITION_CHECK)


@canary
def asks_over_http_for_nested_executions() -> bool:
    states = boto3.client("stepfunctions")
    child = states.create_state_machine(
        name="asked", roleArn=ROLE, definition=json.dumps(machine(p=PASS))
    )["stateMachineArn"]
    with counted(state_task_service_sfn, "boto_client_for") as calls:
        ended(start(machine(c=nested(child, End=True))))
    return len(calls) > 0


@canary
def leaves_a_nested_execution_running() -> bool:
    """The task times out. Nested executions only start with parameters that we have put right."""
    from covalent_localstack import service_integrations as ours

    states: Any = boto3.client("stepfunctions")
    wait = machine(w={"Type": "Wait", "Seconds": 60, "End": True})
    child = states.create_state_machine(name="left", roleArn=ROLE, definition=json.dumps(wait))
    arn = child["stateMachineArn"]
    with (
        mock.patch.object(StateTaskService, "_normalise_parameters", ours._normalise_parameters),
        mock.patch.object(StateTaskService, "_normalise_response", ours._normalise_response),
    ):
        task = nested(arn, TimeoutSeconds=1, Catch=CATCH, End=True)
        error = json.loads(ended(start(machine(c=task, caught=PASS)))["output"])["error"]
    assert error["Error"] == "States.Timeout", error
    (found,) = states.list_executions(stateMachineArn=arn)["executions"]
    return bool(found["status"] == "RUNNING")


@canary
def starts_two_executions_of_one_name() -> int:
    """Two requests that both get to the check before either starts."""
    states = boto3.client("stepfunctions")
    arn = states.create_state_machine(
        name="twice", roleArn=ROLE, definition=json.dumps(machine(p=PASS))
    )["stateMachineArn"]
    both = threading.Barrier(2)
    check = StateMachine._handle_name_input_idempotency

    def slowly(self: Any, *args: Any) -> Any:
        found = check(self, *args)
        both.wait(PATIENCE)
        return found

    def begin() -> None:
        with suppress(ClientError, threading.BrokenBarrierError):
            boto3.client("stepfunctions").start_execution(stateMachineArn=arn, name="n", input="{}")

    with mock.patch.object(StateMachine, "_handle_name_input_idempotency", slowly):
        threads = [threading.Thread(target=begin) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    return len(states.list_executions(stateMachineArn=arn)["executions"])


# step functions: what was stopped


@canary
def waits_on_for_a_token_of_a_stopped_branch() -> bool:
    before = set(threading.enumerate())
    waits = threading.Event()

    def work(event: Any) -> None:
        if "token" in event:
            waits.set()
        else:
            waits.wait(PATIENCE)

    with handler(work):
        waiting = machine(w=task("lambda:invoke.waitForTaskToken", End=True))
        fail = machine(t=task(Next="f"), f={"Type": "Fail", "Error": "Mine"})
        both = {"Type": "Parallel", "Branches": [waiting, fail], "End": True}
        assert ended(start(machine(both=both)))["status"] == "FAILED"
        time.sleep(0.5)
    left = set(threading.enumerate()) - before
    return any("BranchWorker" in each.name for each in left)


@canary
def runs_what_was_stopped_as_it_started() -> str:
    go = threading.Event()
    parse = ExecutionWorker._get_evaluation_entrypoint

    def slowly(self: Any) -> Any:
        go.wait(PATIENCE)
        return parse(self)

    with mock.patch.object(ExecutionWorker, "_get_evaluation_entrypoint", slowly):
        execution = start(machine(p=PASS))
        backend = stepfunctions_parser_backends["123456789012"]["us-east-1"]
        with suppress(AttributeError):
            backend.stop_execution(execution)
        go.set()
        return str(ended(execution)["status"])


# step functions: maps


def inline(count: int, **states: Any) -> dict[str, Any]:
    rows = {"Type": "Pass", "Result": list(range(count)), "ResultPath": "$.rows", "Next": "m"}
    fan = {
        "Type": "Map",
        "ItemsPath": "$.rows",
        "ItemSelector": {"row.$": "$$.Map.Item.Value"},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **machine(**states)},
        "End": True,
    }
    return machine(r=rows, m=fan)


def distributed(count: int, state: dict[str, Any], **fields: Any) -> dict[str, Any]:
    definition = inline(count, p=state)
    fan = definition["States"]["m"]
    fan["ItemProcessor"]["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    fan.update(fields)
    return definition


@canary
def runs_every_iteration_at_once() -> int:
    return _threads(inline(60, p=PASS)) - _threads(inline(50, p=PASS))


@canary
def copies_the_input_for_every_iteration() -> bool:
    whole = {"rows": list(range(10))}
    copied: list[Any] = []
    reset = States.reset

    def watch(self: Any, input_value: Any) -> None:
        if input_value == whole:
            copied.append(self)
        reset(self, input_value)

    with mock.patch.object(States, "reset", watch):
        ended(start(inline(10, p=PASS)))
    return len(copied) >= 10


@canary
def refuses_batches() -> bool:
    try:
        start(distributed(2, PASS, ItemBatcher={"MaxItemsPerBatch": 2}))
    except ClientError as exc:
        return "ItemBatcher" in str(exc)
    return False


@canary
def hides_failed_items() -> dict[str, Any]:
    found = ended(start(distributed(1, {"Type": "Fail", "Error": "Mine"})))
    return {"status": found["status"], "output": found.get("output")}


@canary
def runs_every_item_at_once() -> int:
    return _threads(distributed(60, PASS)) - _threads(distributed(50, PASS))


@canary
def takes_items_for_the_parent() -> bool:
    look = {**PASS, "Parameters": {"id.$": "$$.Execution.Id"}}
    found = ended(start(distributed(1, look)))
    return bool(json.loads(found["output"])[0]["id"] == found["executionArn"])


@canary
def looks_for_a_map_run_in_every_execution() -> bool:
    states: Any = boto3.client("stepfunctions")
    execution = ended(start(distributed(1, PASS)))["executionArn"]
    (found,) = states.list_map_runs(executionArn=execution)["mapRuns"]
    with counted(StepFunctionsParserBackend, "_get_executions") as calls:
        states.describe_map_run(mapRunArn=found["mapRunArn"])
    return len(calls) > 0


# step functions: waits


@canary
def ends_a_wait_early() -> bool:
    moment = math.ceil(time.time()) + 10
    text = datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    wait = Timestamp.__new__(Timestamp)
    wait.string = mock.Mock()
    seconds = wait._get_wait_seconds(mock.Mock(stack=[text]))
    return bool(seconds < moment - time.time())


@canary
def waits_on_although_it_was_stopped() -> bool:
    env = mock.Mock(program_state_event=threading.Event(), is_running=lambda: False)
    began = time.monotonic()
    WaitFunction._wait_interval(mock.Mock(), env, 0.5)
    return time.monotonic() - began >= 0.5


# events, schedules and what s3 tells


@contextmanager
def seen_by_rules() -> Iterator[list[Any]]:
    """The events that a rule on everything is shown."""
    events: Any = boto3.client("events")
    events.put_rule(Name="all", EventPattern=json.dumps({"account": ["123456789012"]}))
    shown: list[Any] = []
    with mock.patch.object(Rule, "send_to_targets", lambda _, event, **__: shown.append(event)):
        yield shown
    events.delete_rule(Name="all")


@canary
def tells_the_time_as_a_number() -> bool:
    entry: Any = {"Source": "me", "DetailType": "x", "Detail": "{}"}
    with seen_by_rules() as shown:
        boto3.client("events").put_events(Entries=[entry])
    return isinstance(shown[0]["time"], float)


def telling_bucket() -> Any:
    client: Any = boto3.client("s3")
    client.create_bucket(Bucket="telling")
    client.put_bucket_notification_configuration(
        Bucket="telling", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    return client


@canary
def names_all_changes_alike() -> int:
    client = telling_bucket()
    with seen_by_rules() as shown:
        for key in ("a", "b"):
            client.put_object(Bucket="telling", Key=key, Body=b"")
    return len({(each["id"], each["detail"]["object"]["sequencer"]) for each in shown})


@canary
def tells_of_tags_that_nobody_added() -> bool:
    client = telling_bucket()
    with seen_by_rules() as shown:
        client.put_object(Bucket="telling", Key="a", Body=b"")
    return "Object Tags Added" in [each["detail-type"] for each in shown]


@canary
def is_silent_about_event_bridge() -> bool:
    found = telling_bucket().get_bucket_notification_configuration(Bucket="telling")
    return "EventBridgeConfiguration" not in found


@canary
def never_calls_what_is_scheduled() -> int:
    called: list[Any] = []
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=0.3)
    schedules: Any = boto3.client("scheduler")
    with handler(called.append):
        schedules.create_schedule(
            Name="s",
            ScheduleExpression=f"at({moment.strftime('%Y-%m-%dT%H:%M:%S')})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "RoleArn": ROLE},
        )
        time.sleep(1.5)
    return len(called)


# jobs of batch, tasks of ecs


@contextmanager
def spelt_right() -> Iterator[None]:
    """Tasks that call other services work only with parameters that we have put right."""
    from covalent_localstack import service_integrations as ours

    with (
        mock.patch.object(StateTaskService, "_normalise_parameters", ours._normalise_parameters),
        mock.patch.object(StateTaskService, "_normalise_response", ours._normalise_response),
    ):
        yield


def batch() -> Any:
    """The backend, with a queue `q` and a definition `d`."""
    from moto.batch.models import batch_backends

    from covalent_localstack import batch as ours

    backend = batch_backends["123456789012"]["us-east-1"]
    if backend.get_job_queue("q") is None:
        ours._make_queue(backend, "q")
        ours._make_definition(backend, "d")
    return backend


def job(**options: Any) -> Any:
    backend = batch()
    backend.submit_job("job", "d", "q", {}, **options)
    return list(backend._jobs.values())[-1]


@contextmanager
def unstarted() -> Iterator[None]:
    from moto.batch.models import Job

    with mock.patch.object(Job, "start", mock.Mock()):
        yield


@canary
def fails_a_job_without_docker() -> str:
    submitted = job()
    until(lambda: submitted.job_stopped)
    return str(submitted.status.value)


@canary
def tells_no_exit_code() -> bool:
    with unstarted():
        submitted = job()
    submitted.exit_code = 3
    submitted._mark_stopped(success=False)
    return "exitCode" not in submitted.describe()["container"]


@canary
def forgets_the_retry_strategy() -> bool:
    batch()
    client: Any = boto3.client("batch")
    strategy = {"attempts": 3}
    with unstarted():
        client.submit_job(jobName="job", jobQueue="q", jobDefinition="d", retryStrategy=strategy)
    made = list(batch()._jobs.values())[-1]
    return not any("retry" in name for name in vars(made))


def array() -> Any:
    """An array of two jobs that have not begun."""
    backend = batch()
    with unstarted():
        _, id_, _ = backend.submit_job("array", "d", "q", {"size": 2})
    return backend.get_job_by_id(id_)


@canary
def never_ends_an_array() -> str:
    submitted = array()
    for each in submitted._child_jobs:
        each._mark_stopped(success=False)
    found = batch().describe_jobs([submitted.job_id])
    return str(found[0]["status"])


@canary
def leaves_the_jobs_of_an_array_running() -> list[bool]:
    submitted = array()
    batch().terminate_job(submitted.job_id, "enough")
    return [each.stop for each in submitted._child_jobs]


@canary
def lists_the_jobs_of_an_array_beside_it() -> int:
    submitted = array()
    listed = batch().list_jobs("q", None)
    return sum(each.job_id.startswith(submitted.job_id) for each in listed)


def refusal(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as exc:
        return str(exc.response["Error"]["Code"])
    return ""


@canary
def wants_a_queue_that_was_made() -> str:
    client: Any = boto3.client("batch")
    return refusal(lambda: client.submit_job(jobName="name", jobQueue="none", jobDefinition="none"))


@canary
def wants_a_role_for_batch() -> str:
    client: Any = boto3.client("batch")
    machines = {"type": "FARGATE", "maxvCpus": 1, "subnets": [], "securityGroupIds": []}
    return refusal(
        lambda: client.create_compute_environment(
            computeEnvironmentName="name", type="MANAGED", computeResources=machines
        )
    )


def run_task() -> dict[str, Any]:
    """The parameters of RunTask, for a cluster and a definition that are there."""
    client: Any = boto3.client("ecs")
    client.create_cluster(clusterName="c")
    client.register_task_definition(
        family="d",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "one", "image": "here", "memory": 512}],
    )
    subnet = boto3.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}}
    return {
        "cluster": "c",
        "taskDefinition": "d",
        "launchType": "FARGATE",
        "networkConfiguration": network,
    }


@canary
def ends_a_task_by_looking_at_it() -> str:
    client: Any = boto3.client("ecs")
    (started,) = client.run_task(**run_task())["tasks"]
    (found,) = client.describe_tasks(cluster="c", tasks=[started["taskArn"]])["tasks"]
    return str(found["lastStatus"])


@canary
def wants_memory_of_each_container() -> bool:
    from moto.ecs.models import EC2ContainerServiceBackend

    open_share = mock.Mock(container_definitions=[{"name": "one", "image": "here"}])
    try:
        EC2ContainerServiceBackend._calculate_task_resource_requirements(open_share)
    except TypeError:
        return True
    return False


@canary
def wants_a_cluster_that_was_made() -> str:
    client: Any = boto3.client("ecs")
    return refusal(lambda: client.run_task(**{**run_task(), "cluster": "none"}))


@canary
def leaves_a_job_running() -> bool:
    batch()
    submit = {
        "Type": "Task",
        "Resource": "arn:aws:states:::batch:submitJob.sync",
        "Parameters": {"JobName": "left", "JobQueue": "q", "JobDefinition": "d"},
        "TimeoutSeconds": 1,
        "Catch": CATCH,
        "End": True,
    }
    with spelt_right(), unstarted():
        error = json.loads(ended(start(machine(s=submit, caught=PASS)))["output"])["error"]
    assert error["Error"] == "States.Timeout", error
    return not list(batch()._jobs.values())[-1].stop


def running(**parameters: Any) -> dict[str, Any]:
    """A machine that runs a task of ECS."""
    spelt = {name[0].upper() + name[1:]: value for name, value in run_task().items()}
    vpc = spelt["NetworkConfiguration"].pop("awsvpcConfiguration")
    network = {"Subnets": vpc["subnets"], "SecurityGroups": []}
    spelt["NetworkConfiguration"] = {"AwsvpcConfiguration": network}
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Parameters": {**spelt, **parameters},
        "Catch": CATCH,
        "End": True,
    }
    return machine(s=state, caught=PASS)


@canary
def takes_a_failed_task_for_a_good_one() -> str:
    from moto.ecs.models import Container

    make = Container.__init__

    def failed(self: Any, *args: Any) -> None:
        make(self, *args)
        self.exitCode = 1

    definition = running()
    del definition["States"]["s"]["Catch"], definition["States"]["caught"]
    with spelt_right(), mock.patch.object(Container, "__init__", failed):
        return str(ended(start(definition))["status"])


@canary
def hides_what_ecs_refuses() -> str:
    with spelt_right():
        found = ended(start(running(Cluster="none")))
    return str(json.loads(found["output"])["error"]["Error"])


def run_instance(**options: Any) -> str:
    ec2: Any = boto3.client("ec2")
    made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, **options)
    return str(made["Instances"][0]["InstanceId"])


@canary
def runs_no_user_data() -> bool:
    """Nothing in moto's model of an instance could run it."""
    from moto.ec2.models import instances

    run_instance(UserData="#!/bin/sh\nexit")
    return not {"subprocess", "threading"} & vars(instances).keys()


@canary
def starts_an_instance_twice() -> int:
    return len({run_instance(ClientToken="the-same") for _ in range(2)})


@canary
def misspells_an_error_of_ec2() -> str:
    wrong = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ec2:runInstances",
        "Parameters": {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1, "SubnetId": "subnet-0"},
        "Catch": CATCH,
        "End": True,
    }
    with spelt_right():
        found = ended(start(machine(a=wrong, caught=PASS)))
    return str(json.loads(found["output"])["error"]["Error"])


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
