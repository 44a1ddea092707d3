from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from covalent._dispatch.address import Endpoint
from covalent._dispatch.client import Client, connect, parse_manifest
from covalent._dispatch.connection import ATTEMPTS, Connection
from covalent._dispatch.problems import Overloaded
from covalent._shared_files.config import set_config
from covalent_contracts import api, errors
from covalent_contracts.status import Status

if TYPE_CHECKING:
    from tests.unit.sdk.remote.conftest import ControlPlane

    from covalent._dispatch.packaging import Package

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def client_of(*responses: httpx.Response | Exception, token: str | None = "t") -> Client:
    """A client whose requests get these, one after the other."""
    rest = list(responses)

    def handle(request: httpx.Request) -> httpx.Response:
        given = rest.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    endpoint = Endpoint("http://localhost:48008", token)
    return Client(Connection(endpoint, httpx.MockTransport(handle), sleep=lambda _: None))


def problem(status: int, code: str, **extra: object) -> httpx.Response:
    document = {"title": "t", "status": status, "detail": "why", "code": code, "extra": extra}
    return httpx.Response(status, json=document)


def test_every_route(client: Client, plane: ControlPlane, package: Package) -> None:
    dispatch_id = package.manifest.dispatch_id
    registered = client.register(package.manifest)
    assert {put.digest for put in registered.uploads} == set(package.objects)
    plane.objects.update(package.objects)
    assert client.start(dispatch_id).status is Status.RUNNING
    assert client.summary(dispatch_id).nodes == 6
    assert [each.dispatch_id for each in client.dispatches(limit=3, cursor="c").dispatches] == [
        dispatch_id
    ]
    assert dict(plane.requests[-1].url.params) == {"limit": "3", "cursor": "c"}
    assert client.manifest(dispatch_id).url.startswith("http://store.test/")
    assert [node.id for node in client.nodes(dispatch_id, api.NodesRequest(ids=[3, 1])).nodes] == [
        3,
        1,
    ]
    digests = list(package.objects)
    assert [each.digest for each in client.assets(dispatch_id, digests).downloads] == digests
    assert client.health().wire == 1
    assert client.openapi() == {"openapi": "3.1.0"}


@pytest.mark.parametrize(
    "kind",
    [
        errors.InvalidWorkflow,
        errors.UnknownExecutor,
        errors.UnsupportedPython,
        errors.NotFound,
        errors.Conflict,
        errors.Refused,
        errors.NewerWire,
        errors.CorruptedObject,
    ],
)
def test_a_problem_is_the_error_that_the_control_plane_raised(
    kind: type[errors.CovalentError],
) -> None:
    with pytest.raises(kind, match="why") as caught:
        client_of(problem(400, kind.__name__)).health()
    assert type(caught.value) is kind


def test_a_limit_keeps_its_name_and_number() -> None:
    response = problem(422, "LimitExceeded", limit="nodes", number=25_000)
    with pytest.raises(errors.LimitExceeded, match="why") as caught:
        client_of(response).health()
    assert (caught.value.limit, caught.value.number) == ("nodes", 25_000)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.InvalidWorkflow),
        (403, errors.Refused),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (413, errors.LimitExceeded),
        (418, errors.CovalentError),
    ],
)
@pytest.mark.parametrize("code", ["", "SomethingNewer", "annotations"])
def test_an_answer_without_a_known_code_goes_by_its_status(
    status: int, kind: type[errors.CovalentError], code: str
) -> None:
    response = problem(status, code) if code else httpx.Response(status, text="<html>")
    with pytest.raises(kind) as caught:
        client_of(response).health()
    assert type(caught.value) is kind


def test_a_refused_token_names_the_file_it_came_from(tmp_path: object) -> None:
    with pytest.raises(errors.Refused, match=r"covalent\.conf"):
        client_of(problem(401, "Refused")).health()


def test_no_token_no_header(plane: ControlPlane) -> None:
    connection = Connection(Endpoint("http://localhost:48008"), httpx.MockTransport(plane.handle))
    with pytest.raises(errors.Refused, match="no token was sent"):
        Client(connection).health()
    assert "Authorization" not in plane.requests[0].headers


@pytest.mark.parametrize(
    "fault",
    [
        httpx.Response(429),
        httpx.Response(503, headers={"Retry-After": "2"}),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("closed"),
        httpx.ReadTimeout("slow"),
    ],
)
def test_what_passes_is_tried_again(
    client: Client, plane: ControlPlane, pauses: list[float], fault: httpx.Response | Exception
) -> None:
    plane.faults = [fault, fault]
    assert client.health().wire == 1
    assert len(pauses) == 2
    if isinstance(fault, httpx.Response) and "Retry-After" in fault.headers:
        assert min(pauses) >= 2


def test_a_lasting_fault_is_unavailable(
    client: Client, plane: ControlPlane, pauses: list[float]
) -> None:
    plane.faults = [httpx.Response(502, text="bad gateway")] * ATTEMPTS
    with pytest.raises(Overloaded, match="bad gateway"):
        client.health()
    assert len(pauses) == ATTEMPTS - 1
    plane.faults = [problem(500, "CovalentError")] * ATTEMPTS
    with pytest.raises(Overloaded, match="why"):
        client.health()
    plane.faults = [httpx.ReadError("reset")] * ATTEMPTS
    with pytest.raises(errors.Unavailable, match="reset"):
        client.health()


def test_no_server_names_the_command_and_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = Client(Connection(Endpoint(f"http://127.0.0.1:{port}")))
    with pytest.raises(errors.Unavailable, match="covalent start") as caught:
        client.health()
    assert "dispatcher.address" in str(caught.value)
    assert "dispatcher_addr" in str(caught.value)
    assert str(port) in str(caught.value)


def test_another_server_at_the_address_is_named() -> None:
    with pytest.raises(errors.Unavailable, match=r"dispatcher\.address"):
        client_of(*[httpx.Response(200, text="<html>hello</html>")] * 2).health()


def test_an_answer_of_another_version_tells_both(client: Client, plane: ControlPlane) -> None:
    health = api.Health(version="9.9", wire=1, pythons=[])
    plane.faults = [
        httpx.Response(200, json={"listed": []}),
        httpx.Response(200, text=health.model_dump_json()),
    ]
    with pytest.raises(
        errors.Unavailable, match=r"it says 9\.9, wire 1; this is .*covalent doctor"
    ):
        client.dispatches()


def test_a_large_manifest_is_compressed(
    client: Client, plane: ControlPlane, package: Package
) -> None:
    nodes = [
        package.manifest.nodes[0].model_copy(update={"id": each, "name": f"node {each}"})
        for each in range(1000)
    ]
    client.register(package.manifest.model_copy(update={"nodes": nodes}))
    [request] = plane.requests
    assert request.headers["Content-Encoding"] == "gzip"
    assert len(request.content) < len(gzip.decompress(request.content)) / 5
    client.register(package.manifest)
    assert "Content-Encoding" not in plane.requests[-1].headers


def test_a_manifest_of_a_newer_version_asks_for_an_upgrade(package: Package) -> None:
    document = json.loads(package.manifest.model_dump_json()) | {"wire": 99, "surprise": 1}
    with pytest.raises(errors.NewerWire, match="99"):
        parse_manifest(json.dumps(document).encode())


def test_calls_in_one_process_share_connections() -> None:
    set_config("dispatcher.token", "one")
    first = connect()
    assert connect("localhost:48008") is first
    assert connect("localhost:1") is not first
    set_config("dispatcher.token", "two")
    assert connect() is not first
    assert connect().connection.endpoint.token == "two"


def test_a_forked_child_opens_its_own_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = connect()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert connect() is not parent


def test_nothing_heavy_is_loaded_before_a_dispatch() -> None:
    code = (
        "import sys; from covalent._dispatcher_plugins import dispatch; from covalent._workflow.lattice import lattice;"
        "from covalent._results_manager.results_manager import get_result;"
        "dispatch(lattice(len)); print(*sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not {"httpx", "pydantic", "networkx", "rich", "boto3", "botocore"} & set(
        shown.stdout.split()
    )
