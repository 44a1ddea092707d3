"""No answer is larger than Lambda may give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.control_plane.conftest import Api, Dispatched, asset, manifest, upload

from covalent_contracts.api import Download
from covalent_contracts.ids import digest_of
from covalent_contracts.quoted import quoted_size
from covalent_control_plane import answers
from covalent_control_plane.aws import Aws

DISPATCHES = "/api/v1/dispatches"


@given(sizes=st.lists(st.integers(0, 2000)), room=st.integers(0, 8000))
def test_what_fits_is_shown_and_one_always(sizes: list[int], room: int) -> None:
    documents = [Download(url="x" * size) for size in sizes]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "MOST", answers.FRAME + room)
        shown = answers.fitting(documents)
    assert list(shown) == documents[: len(shown)]
    assert len(shown) >= min(1, len(documents))
    taken = sum(quoted_size(each.model_dump_json()) + 1 for each in shown)
    assert taken <= room or len(shown) <= 1


def test_an_answer_that_is_too_large_is_a_problem(
    api: Api, dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = dispatched()
    monkeypatch.setattr(answers, "MOST", answers.FRAME + 200)
    answer = api.post(f"{DISPATCHES}/{identifier}/assets", {"digests": [asset()["digest"]] * 5})
    assert (answer.status, answer.body["code"]) == (422, "LimitExceeded")
    assert answer.body["extra"]["limit"] == "bytes per answer"


def test_a_listing_goes_on_where_it_had_to_stop(
    api: Api, dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [dispatched() for _ in range(5)]
    monkeypatch.setattr(answers, "MOST", answers.FRAME + 1200)
    found: list[str] = []
    query: dict[str, str] | None = {}
    while query is not None:
        page = api.get(DISPATCHES, query=query or None).body
        assert 1 <= len(page["dispatches"]) < 5
        found += [each["dispatch_id"] for each in page["dispatches"]]
        query = {"cursor": page["cursor"]} if page["cursor"] else None
    assert found == ids[::-1]


def test_many_uploads_are_asked_for_in_turns(
    aws: Aws, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = [f"object {number}".encode() for number in range(4)]
    extra = [{"digest": digest_of(each), "size": len(each)} for each in contents]
    document = manifest(uploads=[asset(), *extra])
    monkeypatch.setattr(answers, "MOST", answers.FRAME + 2500)
    start, rounds = f"{DISPATCHES}/{document['dispatch_id']}/start", 0
    while api.post(start).status != 202:
        registered = api.post(DISPATCHES, document).body
        known = {digest_of(each): each for each in contents}
        for put in registered["uploads"]:
            only = registered | {"uploads": [put]}
            upload(aws, only, known[put["digest"]]) if put["digest"] in known else upload(aws, only)
        rounds += 1
        assert rounds < 6
    assert rounds > 1
