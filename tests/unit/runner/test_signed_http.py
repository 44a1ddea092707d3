"""Requests that the guard signs itself: as botocore would, and patient."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from covalent_runner import electron_role, signed_http
from covalent_runner.signed_http import Credentials, Refused, Request

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
DISPATCH = "6f5902ac-2372-4d3c-a3ad-9d2f0c0e5a11"
OTHER = "99999999-2222-3333-4444-555555555555"


@dataclass
class Service:
    """Says what it is told to say, one after the other."""

    says: list[tuple[int, bytes]] = field(default_factory=list)
    heard: list[tuple[str, str, bytes]] = field(default_factory=list)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            service.heard.append((self.command, self.path, body))
            status, said = service.says.pop(0)
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = answer  # noqa: N815  # the base class' names

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    yield service
    server.shutdown()
    server.server_close()


SAFE = st.lists(st.text("abcXYZ019-_~", min_size=1, max_size=9), min_size=1).map("/".join)


@given(path=SAFE, body=st.binary(max_size=50), token=st.sampled_from(["", "a+b/c="]))
def test_it_signs_as_botocore_does(path: str, body: bytes, token: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_REGION", "eu-west-1")
        patch.setattr(time, "strftime", lambda *_: "20260101T010203Z")
        request = Request("sts", "POST", f"/{path}", body)
        ours = signed_http._headers(request, request.path, "h", Credentials("k", SECRET, token))
    theirs = AWSRequest("POST", f"https://h/{path}", dict(ours), body)
    del theirs.headers["authorization"], theirs.headers["user-agent"]
    theirs.context["timestamp"] = "20260101T010203Z"
    signer = SigV4Auth(BotocoreCredentials("k", SECRET, token or None), "sts", "eu-west-1")
    canonical = signer.canonical_request(theirs)
    assert ours["authorization"].endswith(
        signer.signature(signer.string_to_sign(theirs, canonical), theirs)
    )


def test_it_asks_again_while_there_is_hope(service: Service) -> None:
    service.says = [(503, b""), (400, b"<Code>Throttling</Code>"), (200, b"yes")]
    pauses: list[float] = []
    found = signed_http.send(Request("s3", "GET", "/a"), Credentials("k", SECRET), pauses.append)
    assert (found, len(pauses)) == (b"yes", 2)


def test_it_gives_up(service: Service) -> None:
    service.says = [(503, b"busy")] * signed_http.TRIES
    with pytest.raises(Refused, match="503: busy"):
        signed_http.send(Request("s3", "GET", "/a"), Credentials("k", SECRET), lambda _: None)
    service.says = [(403, b"AccessDenied")]
    with pytest.raises(Refused, match="AccessDenied"):
        signed_http.send(Request("s3", "GET", "/a"), Credentials("k", SECRET), lambda _: None)


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("eu-west-1", "https://sts.eu-west-1.amazonaws.com"),
        ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com"),
    ],
)
def test_endpoints(monkeypatch: pytest.MonkeyPatch, region: str, address: str) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_REGION", region)
    assert signed_http._endpoint("sts") == address


ASSUMED = b"""<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId>
<SecretAccessKey>s/+</SecretAccessKey><SessionToken>t==</SessionToken></Credentials></AssumeRoleResult>
</AssumeRoleResponse>"""


def test_a_role_is_taken_with_the_tags_of_the_dispatch(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COVALENT_BUCKET", "bucket")
    service.says = [(200, b'{"owner": "0123456789abcdef"}'), (200, ASSUMED)]
    given = electron_role.issue("arn:aws:iam::1:role/p-electron", DISPATCH, 300, OTHER)
    assert given.credentials == Credentials("ASIA1", "s/+", "t==")
    assert given.owner == "0123456789abcdef"
    (_, sheet, _), (_, _, asked) = service.heard
    assert sheet == f"/bucket/dispatches/{DISPATCH}/sheets/1.json"
    assert f"Tags.member.1.Key=dispatch&Tags.member.1.Value={DISPATCH}".encode() in asked
    assert b"Tags.member.2.Key=owner&Tags.member.2.Value=0123456789abcdef" in asked
    assert f"Tags.member.3.Key=sublattice&Tags.member.3.Value={OTHER}".encode() in asked


@pytest.mark.parametrize("status", [403, 404])
def test_a_dispatch_that_is_not_there(
    service: Service, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("COVALENT_BUCKET", "bucket")
    service.says = [(status, b"<Code>NoSuchKey</Code>")]
    with pytest.raises(LookupError, match="has no sheets 0"):
        electron_role.issue("arn:aws:iam::1:role/p-electron", DISPATCH, 0, DISPATCH)
