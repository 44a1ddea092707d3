import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest

from covalent_contracts.ticket import VERDICT_FILE, Errand, Ticket, carried, ticket
from covalent_runner.remote import addresses
from covalent_runner.remote.addresses import Addresses, Unreachable

ERRAND = Errand("id", 0, 0, b"{}", {}, ("a", "b"), "verdict", "program", ())


@dataclass
class Store:
    """An object store on loopback: what it holds, and what it answers before it gives anything away."""

    objects: dict[str, bytes] = field(default_factory=lambda: {"/a": b"A", "/b": b"B"})
    refusals: list[int] = field(default_factory=list)
    renewals: list[dict[str, object]] = field(default_factory=list)
    address: str = ""

    def ticket(self, until: float = 1e12, renewal: bool = True) -> Ticket:
        made = ticket(ERRAND, lambda _, key: f"{self.address}/{key}", 0)
        made = replace(made, until=until, capability="secret")
        return replace(made, renewal=f"{self.address}/renew") if renewal else made


@pytest.fixture
def store() -> Iterator[Store]:
    held = Store()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = held.objects.get(self.path)
            self._answer(404 if found is None else 200, found or b"")

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not held.refusals:
                held.objects[self.path] = body
            self._answer(200, b"")

        def do_POST(self) -> None:
            held.renewals.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            fresh = json.loads(held.ticket().dump())
            self._answer(200, json.dumps({"program": "", "ticket": fresh}).encode())

        def _answer(self, status: int, body: bytes) -> None:
            status = held.refusals.pop(0) if held.refusals and self.command != "POST" else status
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield held
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, which nobody waits for."""
    found: list[float] = []
    monkeypatch.setattr("covalent_runner.remote.addresses.time.sleep", found.append)
    return found


def seen(given: Ticket) -> Addresses:
    return Addresses(given, Path("/nonexistent"))


def test_objects_are_read_and_those_that_do_not_exist_left_out(store: Store) -> None:
    del store.objects["/b"]
    assert seen(store.ticket()).objects(["a", "b"]) == {"a": b"A"}


def test_the_verdict_is_written(store: Store) -> None:
    seen(store.ticket()).put(BytesIO(b"verdict"))
    assert store.objects["/verdict"] == b"verdict"


def test_a_bad_moment_is_waited_out(store: Store, pauses: list[float]) -> None:
    store.refusals += [503, 500]
    seen(store.ticket()).put(BytesIO(b"verdict"))
    assert store.objects["/verdict"] == b"verdict"
    assert pauses == [1, 2]


def test_what_lasts_is_told(store: Store) -> None:
    store.refusals += [503] * addresses.TRIES
    with pytest.raises(Unreachable, match=r"the result cannot be handed in from .*503"):
        seen(store.ticket()).put(BytesIO(b"verdict"))


def test_what_will_not_pass_is_not_tried_again(store: Store, pauses: list[float]) -> None:
    store.refusals += [400]
    with pytest.raises(Unreachable, match="a cannot be read from"):
        seen(store.ticket()).objects(["a"])
    assert pauses == []


def test_a_ticket_is_renewed_before_it_ends(store: Store) -> None:
    old = store.ticket(until=time.time() + addresses.MARGIN - 1)
    far = seen(old)
    assert far.objects(["a"]) == {"a": b"A"}
    assert store.renewals == [
        {"dispatch_id": "id", "node": 0, "attempt": 0, "capability": "secret"}
    ]
    far.put(BytesIO(b"verdict"))
    assert len(store.renewals) == 1


def test_a_ticket_that_the_store_does_not_take_is_renewed(store: Store) -> None:
    store.refusals += [403]
    assert seen(store.ticket()).objects(["a"]) == {"a": b"A"}
    assert len(store.renewals) == 1


def test_a_ticket_that_cannot_be_renewed_is_told(store: Store) -> None:
    with pytest.raises(Unreachable, match="nobody to renew it"):
        seen(store.ticket(until=0, renewal=False)).objects(["a"])


def test_a_ticket_is_read_as_it_was_written(store: Store) -> None:
    assert Ticket.load(store.ticket().dump()) == store.ticket()


def test_a_job_that_was_brought_its_inputs_finds_them_beside_it(tmp_path: Path) -> None:
    (tmp_path / "input-1").write_bytes(b"B")
    there = Addresses(Ticket.load(carried(ERRAND).dump()), tmp_path)
    assert there.objects(["a", "b"]) == {"b": b"B"}
    there.put(BytesIO(b"verdict"))
    assert (tmp_path / VERDICT_FILE).read_bytes() == b"verdict"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["input-1", "verdict"]
