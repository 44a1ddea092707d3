"""EventBridge rules on the running stack."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from covalent_localstack import events, lambdas

Client = Callable[[str], Any]
ROLE = "arn:aws:iam::123456789012:role/covalent-machine"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:echo"


class Deliveries:
    """What was delivered to functions."""

    def __init__(self) -> None:
        import queue

        self.queue: queue.Queue[tuple[str, Any]] = queue.Queue()

    def invoke_later(self, function: Any, event: Any) -> None:
        if function.function_name == "echo":  # not the deployment's own finisher
            self.queue.put((function.function_name, event))

    def next(self) -> tuple[str, Any]:
        return self.queue.get(timeout=20)


@pytest.fixture
def delivered(aws: Any, monkeypatch: pytest.MonkeyPatch) -> Deliveries:
    made = Deliveries()
    runtime = lambdas.current()
    monkeypatch.setattr(runtime, "invoke_later", made.invoke_later)
    return made


@pytest.fixture
def rule(client: Client) -> Any:
    """Makes rules, which are gone at the end."""
    bus = client("events")
    made: list[str] = []

    def make(pattern: dict[str, Any], target: dict[str, Any], state: str = "ENABLED") -> None:
        name = f"r{uuid.uuid4().hex[:8]}"
        bus.put_rule(Name=name, EventPattern=json.dumps(pattern), State=state)
        bus.put_targets(Rule=name, Targets=[{"Id": "t", **target}])
        made.append(name)

    yield make
    for name in made:
        bus.remove_targets(Rule=name, Ids=["t"])
        bus.delete_rule(Name=name)


def put(client: Client, source: str, **detail: Any) -> None:
    entry = {"Source": source, "DetailType": "Test", "Detail": json.dumps(detail)}
    answer = client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0


def test_a_rule_reaches_a_function(client: Client, rule: Any, delivered: Deliveries) -> None:
    rule({"source": ["mine"]}, {"Arn": FUNCTION})
    put(client, "other", n=0)
    put(client, "mine", n=1)
    name, event = delivered.next()
    assert (name, event["source"], event["detail"]) == ("echo", "mine", {"n": 1})


def test_a_disabled_rule_reaches_nobody(client: Client, rule: Any, delivered: Deliveries) -> None:
    rule({"source": ["mine"]}, {"Arn": FUNCTION}, "DISABLED")
    rule({"source": ["mine"]}, {"Arn": FUNCTION, "Input": json.dumps({"fixed": True})})
    put(client, "mine")
    assert delivered.next() == ("echo", {"fixed": True})
    assert delivered.queue.empty()


def test_an_input_can_be_made_of_the_event(
    client: Client, rule: Any, delivered: Deliveries
) -> None:
    transformer = {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"number": <n>}'}
    rule({"source": ["mine"]}, {"Arn": FUNCTION, "InputTransformer": transformer})
    put(client, "mine", n=7)
    _, event = delivered.next()
    assert (json.loads(event) if isinstance(event, str) else event) == {"number": 7}


def test_a_rule_starts_a_machine(
    client: Client, rule: Any, delivered: Deliveries, tmp_path: Path
) -> None:
    """And the end of its execution is announced, which another rule hears."""
    states = client("stepfunctions")
    definition = {"StartAt": "p", "States": {"p": {"Type": "Pass", "End": True}}}
    name = f"m{uuid.uuid4().hex[:8]}"
    arn = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)[
        "stateMachineArn"
    ]
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [arn]}}
    rule(pattern, {"Arn": FUNCTION})
    rule({"source": ["mine"]}, {"Arn": arn, "RoleArn": ROLE})
    put(client, "mine", n=1)
    heard = [delivered.next()[1] for _ in range(2)]
    assert {event["detail-type"] for event in heard} == {"Step Functions Execution Status Change"}
    by_status = {event["detail"]["status"]: event["detail"] for event in heard}
    assert set(by_status) == {"RUNNING", "SUCCEEDED"}
    end = by_status["SUCCEEDED"]
    assert end["stateMachineArn"] == arn
    assert json.loads(end["input"])["detail"] == {"n": 1}
    assert end["startDate"] <= end["stopDate"]
    assert by_status["RUNNING"]["stopDate"] is None


def test_a_stopped_execution_is_announced(client: Client, rule: Any, delivered: Deliveries) -> None:
    states = client("stepfunctions")
    definition = {"StartAt": "w", "States": {"w": {"Type": "Wait", "Seconds": 60, "End": True}}}
    arn = states.create_state_machine(
        name=f"m{uuid.uuid4().hex[:8]}", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    pattern = {"source": ["aws.states"], "detail": {"status": ["ABORTED"]}}
    rule(pattern, {"Arn": FUNCTION})
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    states.stop_execution(executionArn=execution, error="E", cause="why")
    detail = delivered.next()[1]["detail"]
    assert (detail["executionArn"], detail["error"], detail["cause"]) == (execution, "E", "why")


def test_service_names_are_read_off_arns() -> None:
    assert events._service(FUNCTION) == "lambda"
