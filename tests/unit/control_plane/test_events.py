"""What AWS hands to our functions, one recorded event per route, rule and kind of state: accepted, and of its shape.

botocore's models tell the shapes where AWS publishes them: an API request is what TestInvokeMethod takes, an event what
PutEvents takes, the detail of an execution's event what DescribeExecution gives.
"""

import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from moto.events.models import EventPattern
from tests.unit.control_plane.conftest import BUCKET, CONTENT, EVENTS, Dispatched, asset, manifest
from tests.unit.control_plane.test_tickets import give_ticket

from covalent_contracts import envelope, keys, pickling
from covalent_contracts.api import PREFIX
from covalent_contracts.ids import owner_of
from covalent_contracts.status import Status
from covalent_control_plane import application, finish, store
from covalent_control_plane.aws import Aws
from covalent_control_plane.openapi import Operation
from covalent_control_plane.routes import OPERATIONS
from covalent_runner import lambda_handler
from covalent_runner.aws_store import AwsStore

DISPATCH_ID = "00000000-0000-4000-8000-000000000000"
BY_NAME = {each.handler.__name__: each for each in OPERATIONS}
RULES = ("finish", "restart", "sweep")
KINDS = ("run", "wait", "report", "lost")


def read(*path: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(EVENTS.joinpath(*path).with_suffix(".json").read_text())
    return event


def names(folder: str) -> list[str]:
    return sorted(Path(file).stem for file in (EVENTS / folder).iterdir())


def shape(service: str, name: str, side: str = "input") -> Any:
    """What an operation of AWS takes or gives."""
    model = botocore.session.get_session().get_service_model(service).operation_model(name)
    return getattr(model, f"{side}_shape")


def check(service: str, name: str, **request: Any) -> None:
    """Whether AWS would take the request."""
    report = ParamValidator().validate(request, shape(service, name))
    assert not report.has_errors(), report.generate_report()


class Context:
    """Lambda's."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def test_there_is_an_event_for_every_route_rule_and_kind_of_state() -> None:
    assert names("api") == sorted(BY_NAME)
    assert names("eventbridge") == sorted(RULES)
    assert sorted(each.name for each in application.app.event_sources) == sorted(RULES)
    assert sorted(each.name for each in application.app.pure_lambda_functions) == [
        "adopt",
        "answer",
        "fire",
    ]
    assert names("fire") == ["s3", "schedule", "tick"]
    assert names("step_functions") == sorted(KINDS)


def as_uploaded(aws: Aws, event: dict[str, Any], content: bytes = CONTENT) -> None:
    """Put the object where the caller of the event is asked to put it."""
    arn = event["requestContext"]["identity"]["userArn"]
    owner = owner_of(
        arn.replace("sts", "iam").replace("assumed-role/lab/bob@example.org", "role/lab")
    )
    key = keys.asset(owner, str(asset(content)["digest"]))
    aws.objects.put_object(Bucket=BUCKET, Key=key, Body=content)


def _before(operation: Operation) -> tuple[str, ...]:
    """The requests that must have been made before one."""
    if operation.handler.__name__ in ("register", "health"):
        return ()
    of_trigger = ("register_trigger",) if "{trigger_id}" in operation.path else ()
    return ("register", "start", *of_trigger)


@pytest.mark.parametrize("operation_", OPERATIONS, ids=list(BY_NAME))
def test_the_app_answers_the_event_of_every_route(aws: Aws, operation_: Operation) -> None:
    event = read("api", operation_.handler.__name__)
    before = _before(operation_)
    for name in before:
        as_uploaded(aws, read("api", name))
        answer = application.app(read("api", name), Context())
        assert answer["statusCode"] < 300, answer["body"]
    if operation_.handler.__name__ == "renew_ticket":
        give_ticket(aws, DISPATCH_ID, 1, "a-capability")
    answer = application.app(event, Context())
    assert answer["statusCode"] == operation_.status, answer["body"]
    assert set(answer) <= {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
    if operation_.answer is not None:
        operation_.answer.model_validate_json(answer["body"])


@pytest.mark.parametrize("name", BY_NAME)
def test_a_request_is_as_api_gateway_sends_it(name: str) -> None:
    event, route = read("api", name), BY_NAME[name]
    context = event["requestContext"]
    assert set(event) == set(read("api", "show"))
    assert set(context["identity"]) == set(read("api", "show")["requestContext"]["identity"])
    assert event["resource"] == context["resourcePath"]
    assert f"/{context['stage']}{event['resource']}" == PREFIX + route.path
    assert event["httpMethod"] == context["httpMethod"] == route.method
    assert context["path"] == f"/{context['stage']}{event['path']}"
    assert event["path"] == event["resource"].format(**event["pathParameters"] or {})
    assert (context["identity"]["userArn"] is None) == route.is_public
    check(
        "apigateway",
        "TestInvokeMethod",
        restApiId=context["apiId"],
        resourceId=context["resourceId"],
        httpMethod=event["httpMethod"],
        pathWithQueryString=event["path"],
        headers=event["headers"],
        multiValueHeaders=event["multiValueHeaders"],
        **({"body": event["body"]} if event["body"] else {}),
    )


@pytest.mark.parametrize(
    ("path", "resource", "stage"),
    [("/workflows/v1/health", "/v1/health", "api"), (f"{PREFIX}/health", f"{PREFIX}/health", "x")],
)
@pytest.mark.usefixtures("aws")
def test_the_base_path_of_a_domain_does_not_matter(path: str, resource: str, stage: str) -> None:
    """The stage is `api`, and then missing in the resource; else it is not a part of the path."""
    event = read("api", "health")
    event["path"] = event["requestContext"]["path"] = path
    event["resource"] = event["requestContext"]["resourcePath"] = resource
    event["requestContext"]["stage"] = stage
    assert application.app(event, Context())["statusCode"] == 200


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE", "PATCH"])
def test_a_method_that_is_not_served_is_refused(method: str) -> None:
    """API Gateway knows no such route and answers itself; should one get through, the app refuses it."""
    event = read("api", "show")
    event["httpMethod"] = event["requestContext"]["httpMethod"] = method
    assert application.app(event, Context())["statusCode"] == 405


@pytest.mark.parametrize("name", RULES)
def test_an_event_is_as_eventbridge_delivers_it(name: str) -> None:
    event = read("eventbridge", name)
    told = {"version", "id", "detail-type", "source", "account", "time", "region", "resources"}
    assert set(event) == told | {"detail"}
    entry = {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Resources": event["resources"],
        "Time": event["time"],
    }
    check("events", "PutEvents", Entries=[entry])


def test_the_rule_of_the_finisher_matches_its_event() -> None:
    pattern = EventPattern.load(json.dumps(finish.PATTERN))
    event = read("eventbridge", "finish")
    assert pattern.matches_event(event)
    event["detail"]["status"] = "RUNNING"
    assert not pattern.matches_event(event)


def test_the_detail_is_what_describe_execution_gives() -> None:
    detail = read("eventbridge", "finish")["detail"]
    members = shape("stepfunctions", "DescribeExecution", "output").members
    assert set(detail) <= set(members)
    for name in ("status", "redriveStatus"):
        assert detail[name] in members[name].enum
    assert set(finish.ENDED) < set(members["status"].enum)


@pytest.mark.parametrize("name", RULES)
def test_the_function_of_a_rule_takes_its_event(
    dispatched: Dispatched, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = dispatched(dispatch_id=DISPATCH_ID, root_dispatch_id=DISPATCH_ID)
    event = read("eventbridge", name)
    if name == "finish":
        item = store.find(identifier)
        assert item is not None
        event["detail"]["stateMachineArn"] = f"arn:aws:states:eu-west-1:1:x:{item.machine}"
    answer = getattr(application, name)(event, Context())
    expected: dict[str, dict[str, Any]] = {
        "finish": {"dispatch_id": DISPATCH_ID, "status": "COMPLETED"},
        "restart": {"started": 0, "failed": 0},
        "sweep": {"deleted": 0, "failed": 0},
    }
    assert answer == expected[name]


def real(document: Any, content: bytes) -> Any:
    """A manifest whose every asset is `content`."""
    if isinstance(document, dict) and "digest" in document:
        return asset(content)
    if isinstance(document, dict):
        return {name: real(each, content) for name, each in document.items()}
    return [real(each, content) for each in document] if isinstance(document, list) else document


@pytest.fixture
def running(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dispatch that the payloads are about, with functions that can be called."""
    content = pickling.dumps(len)
    document = real(manifest(dispatch_id=DISPATCH_ID, root_dispatch_id=DISPATCH_ID), content)
    event = read("api", "register")
    as_uploaded(aws, event, content)
    event |= {"body": json.dumps(document), "isBase64Encoded": False}
    del event["headers"]["Content-Encoding"]
    for each in (event, read("api", "start")):
        answer = application.app(each, Context())
        assert answer["statusCode"] < 300, answer["body"]
    monkeypatch.setattr(lambda_handler, "store", lambda: AwsStore("covalent", BUCKET))


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("kind", KINDS)
def test_the_runner_takes_the_payload_of_every_state(kind: str) -> None:
    payload = read("step_functions", kind)
    if kind == "run":
        with pytest.raises(Exception, match="failed with TypeError"):  # it was called
            lambda_handler.handler(payload, Context())
    else:
        lambda_handler.handler(payload, Context())
    status = {item.node: item.state for item in store.nodes_in(DISPATCH_ID, Status.FAILED)}
    assert set(status) == {"run": {1}, "wait": set(), "report": {2}, "lost": {1}}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_payload_is_what_its_state_makes(kind: str) -> None:
    made = {
        "run": envelope.run_payload(1),
        "wait": envelope.wait_payload(4, 2),
        "report": envelope.report_payload([2]),
        "lost": envelope.lost_payload([[1, 2], [4]]),
    }[kind]
    payload = read("step_functions", kind)
    assert {name.removesuffix(".$") for name in made} == set(payload)
    fixed = {name: value for name, value in made.items() if not name.endswith(".$")}
    assert fixed == {name: payload[name] for name in fixed}
    check("lambda", "Invoke", FunctionName="covalent-runner-py311", Payload=json.dumps(payload))
    if "error" in payload:
        error = shape("stepfunctions", "SendTaskFailure").members
        assert {name.lower() for name in payload["error"]} == set(error) & {"error", "cause"}
