"""An AWS in this process (moto), a manifest to post, and the API as API Gateway calls it."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from tests.atomic import one_at_a_time

from covalent_contracts.ids import digest_of, new_dispatch_id
from covalent_control_plane import (
    application,
    interrupted,
    replies,
    routes,
    store,
    trigger_routes,
)
from covalent_control_plane.aws import Aws, connect
from covalent_control_plane.settings import Settings, TriggerNames

EVENTS = Path(__file__).parents[2] / "events"
ROLE = "arn:aws:iam::123456789012:role/covalent-machine"
ALICE = "arn:aws:iam::123456789012:user/alice"
BOB = "arn:aws:sts::123456789012:assumed-role/lab/bob@example.org"
LAB = "arn:aws:iam::123456789012:role/lab"
"""Who Bob is, whatever his session is called."""
BUCKET = "covalent-data"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "COVALENT_TABLE": "covalent",
    "COVALENT_BUCKET": BUCKET,
    "COVALENT_RUNNERS": json.dumps({"3.11": "covalent-runner-py311"}),
    "COVALENT_MACHINE_ROLE": ROLE,
}
ROUTES = {
    ("POST", "start"): "/api/v1/dispatches/{dispatch_id}/start",
}


@dataclass(frozen=True)
class Answer:
    """What API Gateway would send."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class Api:
    """The API, called with proxy events as API Gateway sends them."""

    def __init__(self, principal: str = ALICE) -> None:
        self.principal = principal
        self.template = json.loads((EVENTS / "api" / "show.json").read_text())

    def post(self, path: str, body: Any = None, **kwargs: Any) -> Answer:
        """POST a JSON document, or bytes as they are."""
        return self.call("POST", path, body, **kwargs)

    def put(self, path: str, body: Any = None, **kwargs: Any) -> Answer:
        """PUT a JSON document."""
        return self.call("PUT", path, body, **kwargs)

    def get(self, path: str, **kwargs: Any) -> Answer:
        """GET."""
        return self.call("GET", path, None, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> Answer:
        """DELETE."""
        return self.call("DELETE", path, None, **kwargs)

    def call(
        self,
        method: str,
        path: str,
        body: Any,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Call the application with the event for a request."""
        event = self.event(method, path, query, headers)
        if isinstance(body, bytes):
            event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        elif body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        answer = application.app(event, None)
        return Answer(answer["statusCode"], json.loads(answer["body"]), answer["headers"])

    def event(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """The event for a request."""
        event: dict[str, Any] = json.loads(json.dumps(self.template))
        resource, parameters = _match(path)
        context = event["requestContext"]
        context |= {"resourcePath": resource, "httpMethod": method, "path": f"/api{path}"}
        context["identity"]["userArn"] = self.principal
        event |= {"resource": resource, "path": path, "httpMethod": method}
        event |= {"pathParameters": parameters, "queryStringParameters": query}
        event["multiValueQueryStringParameters"] = query and {k: [v] for k, v in query.items()}
        event["headers"] |= headers or {}
        return event


def _match(path: str) -> tuple[str, dict[str, str] | None]:
    parts = path.removeprefix("/api/v1/").split("/")
    names = {"dispatches": "dispatch_id", "triggers": "trigger_id"}
    if parts[0] not in names or len(parts) == 1:
        return path, None
    name = names[parts[0]]
    identifier, parts[1] = parts[1], f"{{{name}}}"
    return "/api/v1/" + "/".join(parts), {name: identifier}


@pytest.fixture(scope="session")
def clients() -> Iterator[Aws]:
    """Clients that serve every test; building them is what takes time."""
    with pytest.MonkeyPatch.context() as patch:
        _set_environment(patch)
        yield connect(Settings.read(ENVIRONMENT))


def _set_environment(patch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith(("AWS_", "COVALENT_"))]:
        if name != "COVALENT_DISABLE_DASK":  # which is there for all tests
            patch.delenv(name)
    for name, value in ENVIRONMENT.items():
        patch.setenv(name, value)


@pytest.fixture
def aws(clients: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An empty AWS with a bucket and the table, which is the one that the application uses."""
    _set_environment(monkeypatch)
    for module in (routes, replies, trigger_routes, application, interrupted):
        monkeypatch.setattr(module, "aws", lambda: clients)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": False}}):
        clients.objects.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        store.create_table()
        yield clients


@pytest.fixture
def atomic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes that are atomic, as DynamoDB's are and moto's are not."""
    one_at_a_time(monkeypatch)


@pytest.fixture
def api(aws: Aws) -> Api:
    """The API as Alice calls it."""
    return Api()


CONTENT = b"pickled, as far as the control plane can tell"


def asset(content: bytes = CONTENT) -> dict[str, Any]:
    """An asset that is an object of its own."""
    return {"digest": digest_of(content), "size": len(content)}


def manifest(**changes: Any) -> dict[str, Any]:
    """A manifest: parameter -> first -> second, [first, second] collected, postprocess."""
    dispatch_id = new_dispatch_id()
    value = asset()
    function = {"kind": "function", "executor": "x", "function": value}
    nodes = [
        {"id": 0, "name": ":parameter:1", "kind": "parameter", "value": value},
        {"id": 1, "name": "first", **function},
        {"id": 2, "name": "second", **function},
        {"id": 3, "name": ":electron_list:", "kind": "collection", "value": value},
        {"id": 4, "name": "third", **function},
        {"id": 5, "name": ":postprocess:", "kind": "postprocess"},
    ]
    edges = [
        {"source": 0, "target": 1, "kind": "arg"},
        {"source": 1, "target": 2, "kind": "arg"},
        {"source": 1, "target": 3, "kind": "arg"},
        {"source": 2, "target": 3, "kind": "arg", "index": 1},
        {"source": 3, "target": 4, "kind": "arg"},
        {"source": 4, "target": 5, "kind": "wait"},
    ]
    document = {
        "wire": 1,
        "dispatch_id": dispatch_id,
        "root_dispatch_id": dispatch_id,
        "python": "3.11.7",
        "covalent": "0.1.0",
        "lattice": {"name": "workflow", "function": value, "inputs": value},
        "executors": {"x": {"name": "local", "attributes": {"log_stdout": None}}},
        "nodes": nodes,
        "edges": edges,
        "uploads": [value],
        "recipe": value,
    }
    return document | changes


def upload(aws: Aws, registered: dict[str, Any], content: bytes = CONTENT) -> None:
    """PUT what was asked for, by the address that was given."""
    import requests

    for put in registered["uploads"]:
        assert requests.put(put["url"], data=content, headers=put["headers"], timeout=5).ok


Dispatched = Callable[..., str]


@pytest.fixture
def dispatched(aws: Aws, api: Api) -> Dispatched:
    """Register, upload and start a dispatch; gives its id."""

    def dispatch(caller: Api = api, run: str = "true", **changes: Any) -> str:
        document = manifest(**changes)
        registered = caller.post("/api/v1/dispatches", document)
        assert registered.status == 201, registered.body
        upload(aws, registered.body)
        identifier = str(document["dispatch_id"])
        started = caller.post(f"/api/v1/dispatches/{identifier}/start", query={"run": run})
        assert started.status == 202, started.body
        return identifier

    return dispatch


REGION = "eu-west-1"
NAMES = TriggerNames(
    function=f"arn:aws:lambda:{REGION}:123456789012:function:covalent-fire",
    schedules="covalent-triggers",
    scheduler_role="arn:aws:iam::123456789012:role/covalent-scheduler",
    ticker_role="arn:aws:iam::123456789012:role/covalent-ticker",
)


@pytest.fixture
def triggers_on(aws: Aws) -> Iterator[TriggerNames]:
    """A deployment with triggers."""
    object.__setattr__(aws.settings, "triggers", NAMES)
    boto3.client("scheduler").create_schedule_group(Name=NAMES.schedules)
    yield NAMES
    object.__setattr__(aws.settings, "triggers", None)


def new_trigger(dispatch_id: str, overlap: str = "allow", **settings: Any) -> dict[str, Any]:
    """A trigger to post; by default one that is fired by hand."""
    return {
        "trigger_id": new_dispatch_id(),
        "dispatch_id": dispatch_id,
        "overlap": overlap,
        "settings": settings or {"kind": "manual"},
    }


def table() -> Any:
    """The table, as the runner writes it."""
    return boto3.resource("dynamodb").Table("covalent")
