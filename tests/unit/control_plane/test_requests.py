import gzip
import json
import zlib
from typing import Any

import pytest
from tests.unit.control_plane.conftest import Api, manifest

from covalent_control_plane import requests

DISPATCHES = "/api/v1/dispatches"
GZIP = {"Content-Encoding": "gzip"}


def test_a_compressed_manifest_is_read(api: Api) -> None:
    body = gzip.compress(json.dumps(manifest()).encode())
    assert api.post(DISPATCHES, body, headers=GZIP).status == 201


@pytest.mark.parametrize("kind", ["application/gzip", "Application/GZIP; q=1"])
def test_packed_json_is_a_media_type_of_its_own(api: Api, kind: str) -> None:
    body = gzip.compress(json.dumps(manifest()).encode())
    assert api.post(DISPATCHES, body, headers={"Content-Type": kind}).status == 201


def test_another_media_type_is_refused(api: Api) -> None:
    assert api.post(DISPATCHES, b"{}", headers={"Content-Type": "text/plain"}).status == 415


def test_a_manifest_in_base64_is_read(api: Api) -> None:
    assert api.post(DISPATCHES, json.dumps(manifest()).encode()).status == 201


def test_what_api_gateway_has_decompressed_is_read(api: Api) -> None:
    assert api.post(DISPATCHES, manifest(), headers=GZIP).status == 201


def test_a_bomb_is_not_unpacked(api: Api) -> None:
    packer = zlib.compressobj(9, wbits=31)
    zeros = b" " * 2**20
    body = b"".join(packer.compress(zeros) for _ in range(64)) + packer.flush()
    assert len(body) < 100_000
    answer = api.post(DISPATCHES, body, headers=GZIP)
    assert (answer.status, answer.body["code"]) == (413, "LimitExceeded")
    assert answer.body["extra"] == {"limit": "bytes per request", "number": requests.MAX_BODY}


def test_a_request_that_is_too_large_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MAX_BODY", 100)
    assert api.post(DISPATCHES, manifest()).status == 413


@pytest.mark.parametrize(
    "body", [gzip.compress(b"{}" * 999, mtime=0)[:-9], b"\x1f\x8b" + b"x" * 99, b"", b"\xff\xfe"]
)
def test_a_broken_body_is_refused(api: Api, body: bytes) -> None:
    answer = api.post(DISPATCHES, body, headers=GZIP)
    assert (answer.status, answer.body["code"]) == (400, "InvalidWorkflow")


@pytest.mark.parametrize("principal", [None, ""])
def test_nobody_is_refused(api: Api, principal: Any) -> None:
    api.principal = principal
    for call in (api.get(DISPATCHES), api.post(DISPATCHES, manifest())):
        assert (call.status, call.body["code"]) == (403, "Refused")


def test_run_is_true_or_false(api: Api) -> None:
    path = f"{DISPATCHES}/{manifest()['dispatch_id']}/start"
    assert api.post(path, query={"run": "perhaps"}).status == 400
