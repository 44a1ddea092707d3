"""Objects to presigned addresses: in pieces, renewed on the way, with progress where a person looks."""

from __future__ import annotations

import threading
import tracemalloc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from covalent._dispatch import progress
from covalent._dispatch.address import Endpoint, resolve
from covalent._dispatch.body import PIECE, Body, Stopped
from covalent._dispatch.client import Client
from covalent._dispatch.connection import Connection
from covalent._dispatch.download import fetch
from covalent._dispatch.submit import send
from covalent._dispatch.upload import Addresses, AddressExpired, lifetime, upload
from covalent._shared_files.config import set_config
from covalent_contracts import errors
from covalent_contracts.api import Put
from covalent_step_functions import quotas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.sdk.remote.conftest import ControlPlane
    from tests.unit.sdk.remote.gateway import Gateway

    from covalent._dispatch.packaging import Package

LIMIT = 900


def put_of(digest: str, version: int = 0) -> Put:
    url = f"http://store.test/{digest}?X-Amz-Expires={LIMIT}&version={version}"
    return Put(digest=digest, url=url, headers={})


@dataclass
class Store:
    """Takes objects at addresses of the newest version only."""

    version: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)
    refusals: list[httpx.Response] = field(default_factory=list)
    asked: int = 0

    def handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.params["version"] != str(self.version):
            return httpx.Response(403, text="<Code>AccessDenied</Code><Message>Request has expired")
        if self.refusals:
            return self.refusals.pop(0)
        assert request.headers["Content-Length"] == str(len(request.content))
        assert "Transfer-Encoding" not in request.headers
        self.objects[request.url.path.strip("/")] = request.content
        return httpx.Response(200)

    def renew(self) -> Sequence[Put]:
        self.asked += 1
        return [put_of(digest, self.version) for digest in OBJECTS if digest not in self.objects]

    @property
    def connection(self) -> Connection:
        transport = httpx.MockTransport(self.handle)
        return Connection(Endpoint("http://localhost:1"), transport, sleep=lambda _: None)


A, B, C, D = ("abcd"[each] * 64 for each in range(4))
OBJECTS = {A: b"a" * (PIECE * 2 + 7), B: b"b" * PIECE, C: b"", D: b"d"}


def test_every_object_arrives_whole() -> None:
    store = Store()
    upload(store.connection, store.renew(), OBJECTS)
    assert store.objects == OBJECTS


def test_old_addresses_are_renewed_once_for_all() -> None:
    store = Store()
    puts = store.renew()
    store.version = 1
    upload(store.connection, puts, OBJECTS, store.renew)
    assert store.objects == OBJECTS
    assert store.asked <= 1 + len(OBJECTS)


def test_a_session_that_ends_before_its_addresses_is_an_expired_address() -> None:
    store = Store(refusals=[httpx.Response(400, text="<Error><Code>ExpiredToken</Code></Error>")])
    upload(store.connection, [put_of(A)], OBJECTS, store.renew)
    assert store.objects[A] == OBJECTS[A]


def test_a_body_that_came_too_slowly_is_sent_again() -> None:
    store = Store(refusals=[httpx.Response(400, text="<Error><Code>RequestTimeout</Code></Error>")])
    upload(store.connection, [put_of(A)], OBJECTS)
    assert store.objects[A] == OBJECTS[A]


def test_new_addresses_that_are_refused_too_end_it() -> None:
    store = Store(version=7)
    with pytest.raises(AddressExpired, match="Request has expired"):
        upload(store.connection, [put_of(A)], OBJECTS, lambda: [put_of(A)])


def test_what_somebody_else_has_uploaded_meanwhile_is_left_out() -> None:
    store = Store(version=7)
    upload(store.connection, [put_of(A)], OBJECTS, list)
    assert not store.objects


def test_an_address_is_not_used_to_its_last_second() -> None:
    now = [0.0]
    fresh = [put_of(A, 1)]
    addresses = Addresses([put_of(A)], lambda: fresh, lambda: now[0])
    now[0] = LIMIT - 31
    assert addresses.of(A) == put_of(A)
    now[0] = LIMIT - 29
    assert addresses.of(A) == put_of(A, 1)
    fresh = []
    now[0] += LIMIT
    assert addresses.of(A) is None


def test_many_threads_renew_once() -> None:
    asked = []

    def renew() -> list[Put]:
        asked.append(1)
        return [put_of(each, 1) for each in OBJECTS]

    addresses = Addresses([put_of(each) for each in OBJECTS], renew)
    threads = [
        threading.Thread(target=addresses.instead_of, args=(put_of(each),)) for each in OBJECTS
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [1]


@pytest.mark.parametrize(
    ("url", "seconds"),
    [
        ("https://b.s3.amazonaws.com/k?X-Amz-Date=20260101T000000Z&X-Amz-Expires=900", 900),
        ("https://b.s3.amazonaws.com/k?x-amz-expires=60", 60),
        ("https://b.s3.amazonaws.com/k", float("inf")),
        ("https://b.s3.amazonaws.com/k?X-Amz-Expires=soon", float("inf")),
    ],
)
def test_how_long_an_address_lives(url: str, seconds: float) -> None:
    assert lifetime(url) == seconds


def test_a_broken_try_takes_its_progress_back() -> None:
    seen: list[int] = []
    body = Body(b"x" * (PIECE * 3), seen.append, threading.Event())
    pieces = iter(body)
    next(pieces)
    next(pieces)
    assert b"".join(body) == b"x" * (PIECE * 3)
    assert seen[1] < 0
    assert sum(seen) == PIECE * 3


def test_a_stopped_upload_sends_no_more() -> None:
    stop = threading.Event()
    pieces = iter(Body(b"x" * (PIECE * 3), lambda _: None, stop))
    next(pieces)
    stop.set()
    with pytest.raises(Stopped):
        next(pieces)


def test_the_first_failure_stops_the_others() -> None:
    """The large object waits for the small one's failure, then must not go on."""
    failed = threading.Event()
    stopped = []

    def handle(request: httpx.Request) -> httpx.Response:
        raise AssertionError("replaced")

    class Transport(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == f"/{D}":
                failed.set()
                return httpx.Response(400, text="<Code>BadDigest</Code>")
            assert isinstance(request.stream, httpx.SyncByteStream)
            failed.wait(30)
            try:
                while True:
                    for _ in request.stream:
                        pass
            except Stopped:
                stopped.append(True)
                raise

    connection = Connection(Endpoint("http://localhost:1"), Transport(), sleep=lambda _: None)
    with pytest.raises(errors.Unavailable, match="BadDigest"):
        upload(connection, [put_of(A), put_of(D)], OBJECTS)
    assert stopped


def test_a_hundred_megabytes_are_not_copied(gateway: Gateway) -> None:
    """Over a real socket: what is held beside the object itself is a few pieces."""
    data = bytes(100 * 1024 * 1024)
    taken: list[int] = []

    def count(method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        taken.append(len(body))
        return httpx.Response(200)

    gateway.answer = count  # type: ignore[method-assign]  # the plane would keep and hash it
    put = Put(digest=A, url=f"{gateway.url}/store/a", headers={})
    connection = Connection(Endpoint(gateway.url))
    tracemalloc.start()
    try:
        connection.put(
            put.url,
            Body(data, lambda _: None, threading.Event()),
            {"Content-Length": str(len(data))},
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken == [len(data)]
    assert peak < 2.2 * len(
        data
    )  # the server of the test, in this process, reads it into one piece


def test_a_download_is_renewed_once() -> None:
    store = Store(version=1, objects={})
    served = {"1": httpx.Response(200, content=b"x")}
    denied = httpx.Response(403, text="<Message>Request has expired</Message>")
    transport = httpx.MockTransport(lambda request: served.get(request.url.params["v"], denied))
    connection = Connection(Endpoint("http://localhost:1"), transport)
    assert fetch(connection, "http://s/?v=0", lambda: "http://s/?v=1") == b"x"
    with pytest.raises(errors.Unavailable, match="Request has expired"):
        fetch(connection, "http://s/?v=0", lambda: "http://s/?v=0")
    assert not store.asked


def test_a_dispatch_whose_addresses_expire_again_and_again_gets_through(
    client: Client, plane: ControlPlane, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each object finds its first address expired: a line so slow that every one grows old."""
    given: set[str] = set()
    whole = plane.presigned

    def presigned(key: str) -> str:
        url = whole(key)
        if key not in given:
            given.add(key)
            plane.expired.add(url)
        return url

    monkeypatch.setattr(plane, "presigned", presigned)
    send(client, package)
    assert plane.objects == dict(package.objects)


def test_limits_of_aws_hold_before_anything_is_sent(
    gateway: Gateway, package: Package, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.setattr(quotas, "REQUEST", quotas.Quota("request", 10, "bytes", "a test", "less"))
    with pytest.raises(errors.LimitExceeded, match="request"):
        send(Client(Connection(resolve("prod"))), package)
    assert not gateway.plane.log
    send(client, package)  # a local server has no such limit
    assert gateway.plane.log


class Terminal:
    """Progress with a terminal of its own, or none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch
        monkeypatch.setattr(progress, "SHOW_OVER", 10)
        monkeypatch.setenv("TERM", "xterm")

    def attach(self) -> None:
        """In the test itself: its stderr is not that of its fixtures."""
        self._monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    def shown(self, total: int = 100, *, is_there: bool = True) -> str:
        if is_there:
            self.attach()
        with progress.shown(total, "Uploading") as advance:
            advance(total)
        out, err = self._capsys.readouterr()
        assert not out
        return err


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    for name in ("COVALENT_QUIET", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return Terminal(monkeypatch, capsys)


def test_progress_shows_on_a_terminal(terminal: Terminal) -> None:
    assert "Uploading" in terminal.shown(100)
    assert not terminal.shown(5)


def test_no_progress_without_a_terminal(terminal: Terminal) -> None:
    assert not terminal.shown(100, is_there=False)


@pytest.mark.parametrize(
    ("value", "is_quiet"), [("1", True), ("true", True), ("0", False), ("", False)]
)
def test_quiet_by_the_environment(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, value: str, is_quiet: bool
) -> None:
    monkeypatch.setenv("COVALENT_QUIET", value)
    assert bool(terminal.shown(100)) is not is_quiet


@pytest.mark.parametrize("value", [True, "true"])
def test_quiet_by_the_configuration(terminal: Terminal, value: object) -> None:
    set_config("dispatcher.quiet", value)
    assert not terminal.shown(100)


def test_one_bar_at_a_time(terminal: Terminal) -> None:
    with progress.shown(100, "First"):
        assert "Uploading" not in terminal.shown(100)
    assert "Uploading" in terminal.shown(100)


def test_a_large_dispatch_shows_its_upload(
    terminal: Terminal,
    client: Client,
    package: Package,
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal.attach()
    send(client, package)
    assert "Uploading" in capsys.readouterr().err
