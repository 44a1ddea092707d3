import base64
from collections.abc import Mapping
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.control_plane.conftest import (
    ALICE,
    BOB,
    BUCKET,
    CONTENT,
    ROLE,
    Api,
    Dispatched,
    asset,
    manifest,
    upload,
)

from covalent_contracts import keys, sheet
from covalent_contracts.ids import digest_of, owner_of
from covalent_contracts.manifest import Manifest
from covalent_control_plane import items, objects, store
from covalent_control_plane.aws import Aws
from covalent_control_plane.registration import register
from covalent_step_functions import quotas

DISPATCHES = "/api/v1/dispatches"


def test_registering_stores_what_an_execution_needs_and_shows_nothing(aws: Aws, api: Api) -> None:
    document = manifest()
    identifier = document["dispatch_id"]
    answer = api.post(DISPATCHES, document)
    assert (answer.status, answer.body["dispatch_id"]) == (201, identifier)
    page = sheet.load(objects.read(aws, keys.sheets(identifier, 0)))
    assert page.owner == owner_of(ALICE)
    assert sorted(page.sheets) == [1, 2, 4]
    assert b"StartAt" in objects.read(aws, keys.machines(identifier))
    assert api.get(f"{DISPATCHES}/{identifier}").status == 404
    assert api.get(DISPATCHES).body["dispatches"] == []


def test_an_address_is_for_one_key_one_method_one_content(api: Api) -> None:
    (put,) = api.post(DISPATCHES, manifest()).body["uploads"]
    url = urlsplit(put["url"])
    query = parse_qs(url.query)
    assert url.path.endswith(keys.asset(owner_of(ALICE), digest_of(CONTENT)))
    assert int(query["X-Amz-Expires"][0]) <= 900
    assert query["X-Amz-SignedHeaders"] == ["content-length;host;x-amz-checksum-sha256"]
    checksum = base64.b64encode(bytes.fromhex(digest_of(CONTENT))).decode()
    assert put["headers"] == {
        "Content-Length": str(len(CONTENT)),
        "x-amz-checksum-sha256": checksum,
    }


def test_only_what_s3_lacks_or_has_truncated_is_asked_for(aws: Aws, api: Api) -> None:
    whole, cut, absent = (f"object {name}".encode() for name in ("whole", "cut", "absent"))
    for content, kept in ((whole, len(whole)), (cut, 3)):
        key = keys.asset(owner_of(ALICE), digest_of(content))
        aws.objects.put_object(Bucket=BUCKET, Key=key, Body=content[:kept])
    uploads = [asset(), *(asset(each) for each in (whole, cut, absent))]
    registered = api.post(DISPATCHES, manifest(uploads=uploads)).body
    asked = [put["digest"] for put in registered["uploads"]]
    assert asked == [digest_of(each) for each in (CONTENT, cut, absent)]


def test_the_same_manifest_twice_is_the_same_as_once(aws: Aws, api: Api) -> None:
    document = manifest()
    first = api.post(DISPATCHES, document)
    upload(aws, first.body)
    again = api.post(DISPATCHES, dict(reversed(document.items())))
    assert (again.status, again.body["uploads"]) == (201, [])


def test_a_started_dispatch_may_be_registered_again(dispatched: Dispatched, api: Api) -> None:
    document = manifest()
    dispatched(**document)
    assert api.post(DISPATCHES, document).status == 201


@pytest.mark.parametrize("started", [False, True])
def test_an_id_belongs_to_its_first_manifest(
    aws: Aws, api: Api, dispatched: Dispatched, started: bool
) -> None:
    document = manifest()
    if started:
        dispatched(**document)
    else:
        api.post(DISPATCHES, document)
    before = objects.read(aws, keys.manifest(document["dispatch_id"]))
    other = document | {"covalent": "0.2.0"}
    for caller, posted in ((api, other), (Api(BOB), document)):
        answer = caller.post(DISPATCHES, posted)
        assert (answer.status, answer.body["code"]) == (409, "Conflict")
    assert objects.read(aws, keys.manifest(document["dispatch_id"])) == before


def _stored(aws: Aws) -> dict[str, bytes]:
    listed = aws.objects.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {each["Key"]: objects.read(aws, each["Key"]) for each in listed}


def test_who_registers_at_the_same_moment_and_loses_overwrites_nothing(
    aws: Aws, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = manifest()
    api.post(DISPATCHES, document)
    before = _stored(aws)
    # It looked before the other wrote.
    monkeypatch.setattr(store, "find_registered", lambda _: None)
    for caller, posted in ((api, document | {"covalent": "0.2.0"}), (Api(BOB), document)):
        answer = caller.post(DISPATCHES, posted)
        assert (answer.status, answer.body["code"]) == (409, "Conflict")
    assert _stored(aws) == before


@pytest.mark.parametrize("done", [0, 1])
def test_a_registration_that_was_cut_off_cannot_be_started_and_is_made_good(
    aws: Aws, api: Api, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    document = manifest(uploads=[asset(), *(asset(str(each).encode()) for each in range(3))])
    start = f"{DISPATCHES}/{document['dispatch_id']}/start"
    write, written = objects.write, count()

    def cut_off(aws: Aws, documents: Mapping[str, bytes]) -> None:
        if next(written) == done:
            raise TimeoutError
        write(aws, documents)

    with monkeypatch.context() as patch:
        patch.setattr(objects, "write", cut_off)
        with pytest.raises(TimeoutError):
            register(aws, owner_of(ALICE), Manifest.model_validate(document))
    assert api.post(start).status == 404
    upload(aws, api.post(DISPATCHES, document).body)
    identifier = document["dispatch_id"]
    wanted = {keys.manifest(identifier), keys.machines(identifier), keys.sheets(identifier, 0)}
    assert wanted <= set(_stored(aws))


def test_the_wire_version_is_stored_even_where_it_was_left_out(aws: Aws, api: Api) -> None:
    document = manifest()
    del document["wire"]
    api.post(DISPATCHES, document)
    assert b'"wire":1' in objects.read(aws, keys.manifest(document["dispatch_id"]))


def test_values_of_none_survive_in_the_stored_manifest(aws: Aws, api: Api) -> None:
    document = manifest()
    api.post(DISPATCHES, document)
    stored = objects.read(aws, keys.manifest(document["dispatch_id"]))
    loaded = Manifest.model_validate_json(stored)
    assert loaded.executors["x"].attributes == {"log_stdout": None}


def _cycle() -> dict[str, Any]:
    document = manifest()
    document["edges"].append({"source": 4, "target": 1, "kind": "wait"})
    return document


def _dangling() -> dict[str, Any]:
    document = manifest()
    document["edges"].append({"source": 1, "target": 77, "kind": "wait"})
    return document


def _elsewhere() -> dict[str, Any]:
    return manifest(recipe=asset(b"never uploaded"))


@pytest.mark.parametrize(
    ("document", "code", "told"),
    [
        (_cycle(), "InvalidWorkflow", "c"),
        (_dangling(), "InvalidWorkflow", "missing node"),
        (_elsewhere(), "InvalidWorkflow", "not uploaded"),
        (manifest(executors={"x": {"name": "abacus"}}), "UnknownExecutor", "abacus"),
        (manifest(executors={}), "InvalidWorkflow", "missing"),
        (manifest(python="3.4.1"), "UnsupportedPython", "3.11"),
        (manifest(wire=2), "NewerWire", "upgrade"),
        (manifest(wire=2, novelty=True), "NewerWire", "upgrade"),
        (manifest(novelty=True), "InvalidWorkflow", "novelty"),
        (manifest(dispatch_id="../../etc"), "InvalidWorkflow", "dispatch_id"),
        ({}, "InvalidWorkflow", "Field required"),
        ([], "InvalidWorkflow", "document"),
        ('{"nodes": ', "InvalidWorkflow", "JSON"),
        ("null", "InvalidWorkflow", "document"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_kept(
    aws: Aws, api: Api, document: Any, code: str, told: str
) -> None:
    answer = api.post(DISPATCHES, document)
    assert (answer.status, answer.body["code"]) == (400, code)
    assert told in answer.body["detail"]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "Contents" not in aws.objects.list_objects_v2(Bucket=BUCKET)
    assert list(items.DispatchItem.scan()) == []


@pytest.mark.parametrize(
    ("uploads", "limit", "number"),
    [
        (
            [asset(), *(asset(str(each).encode()) for each in range(quotas.UPLOADS.number))],
            "uploads per dispatch",
            quotas.UPLOADS.number,
        ),
        (
            [asset(), {"digest": "0" * 64, "size": quotas.UPLOAD.number + 1}],
            "size of an upload",
            quotas.UPLOAD.number,
        ),
    ],
)
def test_a_limit_is_refused_by_name_and_number(
    api: Api, uploads: list[Any], limit: str, number: int
) -> None:
    answer = api.post(DISPATCHES, manifest(uploads=uploads))
    assert (answer.status, answer.body["code"]) == (422, "LimitExceeded")
    assert answer.body["extra"] == {"limit": limit, "number": number}


def test_the_machine_runs_in_the_deployments_role(aws: Aws, dispatched: Dispatched) -> None:
    dispatched()
    (machine,) = aws.states.list_state_machines()["stateMachines"]
    described = aws.states.describe_state_machine(stateMachineArn=machine["stateMachineArn"])
    assert described["roleArn"] == ROLE
    assert described["name"].startswith("covalent-")
