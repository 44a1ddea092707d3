"""Tickets of jobs far away: renewed for who has the capability, as long as the try runs."""

import json
from typing import Any

import pytest
from tests.unit.control_plane.conftest import ALICE, BUCKET, Api, Dispatched
from tests.unit.control_plane.test_finish import _record

from covalent_contracts import keys
from covalent_contracts.ids import digest_of, owner_of
from covalent_contracts.ticket import TICKETS, Errand, Ticket
from covalent_control_plane import store
from covalent_control_plane.aws import Aws


def give_ticket(
    aws: Aws,
    identifier: str,
    node: int,
    *capabilities: str,
    attempt: int = 0,
    reads: tuple[str, ...] = (),
    verdict: str = "",
) -> None:
    """Have a node run a try of which a job elsewhere has tickets with these capabilities."""
    seals = tuple(digest_of(each.encode()) for each in capabilities)
    where = identifier, node, attempt
    item = store.find(identifier)
    reads = (*reads, keys.asset(item.owner if item else "", "a"))
    errand = Errand(*where, b"{}", {}, reads, verdict or keys.verdict(*where), "programs/p", seals)
    aws.objects.put_object(Bucket=BUCKET, Key=keys.errand(*where), Body=errand.dump())
    _record(identifier, node, "RUNNING", attempt=attempt)


@pytest.fixture
def asked(aws: Aws, dispatched: Dispatched) -> dict[str, Any]:
    """What the job of node 1, which runs its second try, asks."""
    identifier = dispatched()
    give_ticket(aws, identifier, 1, "first", "second", attempt=1)
    return {"dispatch_id": identifier, "node": 1, "attempt": 1, "capability": "second"}


def test_whoever_has_the_capability_gets_fresh_addresses(api: Api, asked: dict[str, Any]) -> None:
    api.principal = None  # type: ignore[assignment]  # nobody is signed in
    headers = {"Host": "api.example.org", "X-Forwarded-Proto": "https"}
    answer = api.post(TICKETS, asked, headers=headers)
    assert answer.status == 200, answer.body
    ticket = Ticket.load(json.dumps(answer.body["ticket"]).encode())
    assert list(ticket.gets) == [keys.asset(owner_of(ALICE), "a")]
    assert f"/{keys.verdict(asked['dispatch_id'], 1, 1)}?" in ticket.put
    assert "/programs/p?" in answer.body["program"]
    assert ticket.capability == "second"
    assert ticket.renewal == f"https://api.example.org/api{TICKETS}"
    for address in (ticket.put, answer.body["program"], *ticket.gets.values()):
        assert "X-Amz-Expires=900" in address


@pytest.mark.parametrize(
    "change",
    [
        {"capability": "third"},
        {"capability": digest_of(b"second")},
        {"attempt": 0},
        {"attempt": 2},
        {"node": 2},
        {"dispatch_id": "00000000-0000-0000-0000-000000000000"},
    ],
    ids=str,
)
def test_others_are_refused_alike(api: Api, asked: dict[str, Any], change: dict[str, Any]) -> None:
    answer = api.post(TICKETS, asked | change)
    assert answer.status == 403
    assert answer.body["detail"] == "no try that runs was given this capability"


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "CANCELLED"])
def test_a_try_that_is_over_gets_none(api: Api, asked: dict[str, Any], status: str) -> None:
    _record(asked["dispatch_id"], 1, status, attempt=1)
    assert api.post(TICKETS, asked).status == 403


@pytest.mark.parametrize("body", [{}, {"dispatch_id": "../x", "node": 0, "attempt": 0}])
def test_what_is_no_question_is_told_so(api: Api, body: dict[str, Any]) -> None:
    assert api.post(TICKETS, body).status == 400


@pytest.mark.parametrize(
    "forged",
    [
        {"reads": ("assets/someone/secret",)},
        {"reads": ("dispatches/00000000-0000-0000-0000-000000000000/nodes/1/output/x",)},
        {"reads": ("sweep/machines.json",)},
        {"verdict": "dispatches/00000000-0000-0000-0000-000000000000/manifest.json"},
    ],
    ids=str,
)
def test_an_errand_of_other_peoples_objects_is_not_signed(
    aws: Aws, api: Api, asked: dict[str, Any], forged: dict[str, Any]
) -> None:
    give_ticket(aws, asked["dispatch_id"], 1, "second", attempt=1, **forged)
    answer = api.post(TICKETS, asked)
    assert answer.status == 403
    assert answer.body["detail"] == "the errand names objects that are not this electron's"
