"""Downloads: what is seen of them while they come, and how they stop."""

from __future__ import annotations

import gzip
from threading import Event
from typing import TYPE_CHECKING

import httpx
import pytest

import covalent as ct
from covalent._dispatch import progress
from covalent._dispatch.address import Endpoint
from covalent._dispatch.body import Stopped
from covalent._dispatch.connection import ATTEMPTS, Connection
from covalent._dispatch.download import fetch
from covalent._dispatch.reception import Watch
from covalent_contracts import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.unit.sdk.remote.conftest import ControlPlane

URL = "http://store.test/key"
PIECES = (b"some ", b"more ", b"bytes")


class Body(httpx.SyncByteStream):
    """Pieces, and then a broken connection if it is to break."""

    def __init__(self, pieces: Sequence[bytes], *, breaks: bool = False) -> None:
        self.pieces, self.breaks, self.is_closed = pieces, breaks, False

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.breaks:
            raise httpx.ReadError("reset")

    def close(self) -> None:
        self.is_closed = True


def connection(*answers: httpx.Response) -> Connection:
    rest = list(answers)
    transport = httpx.MockTransport(lambda _: rest.pop(0))
    return Connection(Endpoint("http://localhost:1"), transport, sleep=lambda _: None)


def got(watch: Watch, *answers: httpx.Response) -> bytes:
    return fetch(connection(*answers), URL, lambda: URL, watch)


def test_every_piece_is_told() -> None:
    told: list[int] = []
    body = Body(PIECES)
    assert got(Watch(told.append), httpx.Response(200, stream=body)) == b"some more bytes"
    assert told == [5, 5, 5]
    assert body.is_closed


def test_a_try_that_breaks_is_taken_back() -> None:
    told: list[int] = []
    broken = httpx.Response(200, stream=Body(PIECES[:2], breaks=True))
    assert got(Watch(told.append), broken, httpx.Response(200, content=b"all")) == b"all"
    assert told == [5, 5, -10, 3]


def test_what_always_breaks_is_unavailable() -> None:
    told: list[int] = []
    broken = [httpx.Response(200, stream=Body(PIECES, breaks=True)) for _ in range(ATTEMPTS)]
    with pytest.raises(errors.Unavailable, match="broke"):
        got(Watch(told.append), *broken)
    assert sum(told) == 0


def test_refusals_are_not_counted() -> None:
    told: list[int] = []
    late = httpx.Response(403, text="<Code>AccessDenied</Code>")
    assert got(Watch(told.append), late, httpx.Response(200, content=b"all")) == b"all"
    assert told == [3]


def test_a_packed_answer_is_unpacked_once() -> None:
    headers = {"Content-Encoding": "gzip"}
    answer = httpx.Response(200, content=gzip.compress(b"plain"), headers=headers)
    assert got(Watch(lambda _: None), answer) == b"plain"


def test_nobody_waits_for_the_rest_of_what_is_not_wanted() -> None:
    stop = Event()
    body = Body(PIECES)
    with pytest.raises(Stopped):
        got(Watch(lambda _: stop.set(), stop), httpx.Response(200, stream=body))
    assert body.is_closed


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str, list[int]]]:
    """The bars that a person would see: of how much, with which words, and how they went on."""
    shown: list[tuple[int, str, list[int]]] = []

    class Bar:
        def __init__(self, total: int, what: str) -> None:
            shown.append((total, what, []))

        def __enter__(self) -> Callable[[int], None]:
            return shown[-1][2].append

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.delenv("COVALENT_QUIET", raising=False)
    monkeypatch.setattr(progress, "SHOW_OVER", 1)
    monkeypatch.setattr(progress, "_bar", Bar)
    return shown


def test_a_large_result_shows_how_far_it_is(
    plane: ControlPlane, dispatched: str, bars: list[tuple[int, str, list[int]]]
) -> None:
    plane.run()
    assert ct.get_result(dispatched).result
    assert {what for _, what, _ in bars} == {"Downloading"}
    for total, _, advances in bars:
        assert sum(advances) == total > 0


def test_one_that_is_not_large_shows_nothing(
    plane: ControlPlane,
    dispatched: str,
    bars: list[tuple[int, str, list[int]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "SHOW_OVER", 32 * 1024 * 1024)
    plane.run()
    assert ct.get_result(dispatched).result
    assert bars == []
