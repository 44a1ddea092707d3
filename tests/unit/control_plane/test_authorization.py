"""Who gets which answer from which route. A route that is not in the table fails the test."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.unit.control_plane.conftest import (
    ALICE,
    BOB,
    CONTENT,
    LAB,
    Answer,
    Api,
    Dispatched,
    manifest,
    new_trigger,
)
from tests.unit.control_plane.test_tickets import give_ticket

from covalent_contracts.api import PREFIX
from covalent_contracts.ids import digest_of, owner_of
from covalent_control_plane import application
from covalent_control_plane.aws import Aws
from covalent_control_plane.aws import aws as clients

ERIN = "arn:aws:iam::123456789012:user/erin"
ONE = "/dispatches/{dispatch_id}"
TRIGGER = "/triggers/{trigger_id}"


@dataclass(frozen=True)
class Rights:
    """The status for each caller: nobody, a stranger, someone it is shared with, the owner."""

    nobody: int
    stranger: int
    reader: int
    owner: int


OPEN = Rights(200, 200, 200, 200)
SIGNED = Rights(403, 200, 200, 200)
READ = Rights(403, 404, 200, 200)
WRITE = Rights(403, 404, 404, 200)
TABLE = {
    ("GET", "/health"): OPEN,
    ("POST", "/tickets/renew"): OPEN,  # who has the capability, whoever that is
    ("GET", "/openapi.json"): SIGNED,
    ("GET", "/dispatches"): SIGNED,  # one's own
    ("POST", "/dispatches"): Rights(403, 409, 409, 201),  # that an id is taken cannot be hidden
    ("GET", ONE): READ,
    ("GET", f"{ONE}/manifest"): READ,
    ("POST", f"{ONE}/nodes"): READ,
    ("POST", f"{ONE}/assets"): READ,
    ("POST", f"{ONE}/start"): Rights(403, 404, 404, 202),
    ("POST", f"{ONE}/cancel"): WRITE,
    ("GET", f"{ONE}/sharing"): WRITE,
    ("PUT", f"{ONE}/sharing"): WRITE,
    ("GET", "/triggers"): SIGNED,  # one's own
    ("POST", "/triggers"): Rights(403, 404, 404, 201),
    ("GET", TRIGGER): WRITE,
    ("DELETE", TRIGGER): WRITE,
    ("POST", f"{TRIGGER}/fire"): Rights(403, 404, 404, 202),
}
BODIES: dict[str, Any] = {
    f"{ONE}/nodes": {"ids": [0, 1]},
    f"{ONE}/cancel": {},
    "/tickets/renew": {"node": 1, "attempt": 0, "capability": "a-capability"},
    f"{TRIGGER}/fire": {"event_id": "1"},
    f"{ONE}/assets": {"digests": [digest_of(CONTENT)]},
}
CALLERS = {"nobody": None, "stranger": ERIN, "reader": BOB, "owner": ALICE}
ROUTES = [
    (method, path.removeprefix(PREFIX))
    for path, methods in application.app.routes.items()
    for method in methods
]


@pytest.fixture(params=["by the owner", "by the deployment"])
def shared(
    request: pytest.FixtureRequest, aws: Aws, api: Api, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Alice shares what she dispatches with Bob's role, or the deployment does."""
    if request.param == "by the deployment":
        allowed = {owner_of(ALICE): frozenset({owner_of(LAB)})}
        object.__setattr__(aws.settings, "shared_with", allowed)
    yield
    object.__setattr__(aws.settings, "shared_with", {})


def _ask(caller: str | None, method: str, path: str, document: dict[str, Any]) -> Answer:
    url = PREFIX + path.replace("{dispatch_id}", document["dispatch_id"])
    body = BODIES.get(path)
    if path.startswith("/triggers"):
        new = new_trigger(document["dispatch_id"])
        if method == "POST" and path == "/triggers":
            body = new
        else:
            assert Api(ALICE).post(f"{PREFIX}/triggers", new).status == 201
            url = url.replace("{trigger_id}", new["trigger_id"])
    if path.endswith("/sharing") and method == "PUT":
        body = {"shared_with": [LAB]}
    if path == "/dispatches" and method == "POST":
        body = document
    if path == "/tickets/renew":
        body = {**BODIES[path], "dispatch_id": document["dispatch_id"]}
        give_ticket(clients(), document["dispatch_id"], 1, body["capability"])
    return Api(caller).call(method, url, body)  # type: ignore[arg-type]  # None: nobody is signed in


def test_every_route_has_its_rights() -> None:
    assert sorted(ROUTES) == sorted(TABLE)


@pytest.mark.parametrize("who", list(CALLERS))
@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.usefixtures("shared")
def test_who_gets_what(api: Api, dispatched: Dispatched, method: str, path: str, who: str) -> None:
    document = manifest()
    identifier = dispatched(**document)
    sharing = f"{PREFIX}/dispatches/{identifier}/sharing"
    assert api.put(sharing, {"shared_with": [BOB]}).status == 200
    answer = _ask(CALLERS[who], method, path, document)
    assert answer.status == getattr(TABLE[method, path], who), answer.body
    if answer.status >= 400:
        assert identifier not in json.dumps(answer.body) or answer.status in (404, 409)
        assert answer.body["code"] in ("Refused", "NotFound", "Conflict")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_what_is_not_shared_any_more_is_not_found(
    api: Api, dispatched: Dispatched, method: str, path: str
) -> None:
    document = manifest()
    sharing = f"{PREFIX}/dispatches/{dispatched(**document)}/sharing"
    assert api.put(sharing, {"shared_with": [LAB]}).status == 200
    assert api.put(sharing, {"shared_with": []}).body == {"shared_with": []}
    assert api.get(sharing).body == {"shared_with": []}
    answer = _ask(BOB, method, path, document)
    assert answer.status == TABLE[method, path].stranger


def test_a_foreign_dispatch_answers_as_one_that_is_not_there(
    api: Api, dispatched: Dispatched
) -> None:
    foreign, missing = dispatched(), manifest()["dispatch_id"]
    for method, path in ROUTES:
        if "{dispatch_id}" in path:
            told = [
                _ask(ERIN, method, path, {"dispatch_id": each}).body for each in (foreign, missing)
            ]
            assert told[0]["detail"].replace(foreign, missing) == told[1]["detail"]


def test_what_is_shared_is_not_listed(api: Api, dispatched: Dispatched) -> None:
    identifier = dispatched()
    api.put(f"{PREFIX}/dispatches/{identifier}/sharing", {"shared_with": [LAB]})
    assert Api(BOB).get(f"{PREFIX}/dispatches").body["dispatches"] == []
    (mine,) = api.get(f"{PREFIX}/dispatches").body["dispatches"]
    assert mine["dispatch_id"] == identifier


def test_readers_get_the_owners_objects(api: Api, dispatched: Dispatched) -> None:
    import requests

    base = f"{PREFIX}/dispatches/{dispatched()}"
    api.put(f"{base}/sharing", {"shared_with": [LAB]})
    found = Api(BOB).post(f"{base}/assets", {"digests": [digest_of(CONTENT)]}).body["downloads"]
    assert requests.get(found[0]["url"], timeout=5).content == CONTENT


def test_readers_are_kept_by_their_principals(api: Api, dispatched: Dispatched) -> None:
    sharing = f"{PREFIX}/dispatches/{dispatched()}/sharing"
    put = api.put(sharing, {"shared_with": [BOB, LAB, ALICE]})
    assert put.body == api.get(sharing).body == {"shared_with": [LAB, ALICE]}


@pytest.mark.parametrize(
    "readers", [["bob"], ["*"], [f"{ALICE} {BOB}"], [ALICE] * 101, "all", [f"{ALICE}\n"]]
)
def test_only_principals_can_be_shared_with(api: Api, dispatched: Dispatched, readers: Any) -> None:
    answer = api.put(f"{PREFIX}/dispatches/{dispatched()}/sharing", {"shared_with": readers})
    assert (answer.status, answer.body["code"]) == (400, "InvalidWorkflow")


def test_a_draft_is_visible_to_nobody_and_started_by_its_owner_only(api: Api) -> None:
    document = manifest()
    assert api.post(f"{PREFIX}/dispatches", document).status == 201
    for method, path in ROUTES:
        if "{dispatch_id}" in path and not path.endswith("/start"):
            assert _ask(ALICE, method, path, document).status == 404
    assert _ask(ERIN, "POST", f"{ONE}/start", document).status == 404
