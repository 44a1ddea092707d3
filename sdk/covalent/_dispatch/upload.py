"""Objects to presigned addresses, in parallel. Addresses that grow old are renewed on the way."""

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event, Lock
from urllib.parse import parse_qs, urlsplit

import httpx

from covalent._dispatch.body import Body
from covalent._dispatch.connection import Connection
from covalent._dispatch.parallel import in_parallel
from covalent._dispatch.problems import is_expired
from covalent._dispatch.progress import Advance, shown
from covalent_contracts.api import Put
from covalent_contracts.errors import Unavailable

MARGIN = 30
"""Seconds before its end at which an address is no longer used: the request needs time to get there."""


class AddressExpired(Unavailable):
    """The object store does not accept a presigned address, nor a new one."""


class Addresses:
    """Where each object is to be put; asked for again once they have grown old. Threads may share it."""

    def __init__(
        self,
        puts: Sequence[Put],
        renew: Callable[[], Sequence[Put]] | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._renew = renew
        self._clock = clock
        self._lock = Lock()
        self._take(puts)

    def of(self, digest: str) -> Put | None:
        """Where to put an object; None if the store has it by now."""
        with self._lock:
            if self._clock() >= self._end:
                self._ask()
            return self._puts.get(digest)

    def instead_of(self, refused: Put) -> Put | None:
        """Another address after the store has refused this one; None if the store has the object by now."""
        with self._lock:
            if self._puts.get(refused.digest) == refused:
                self._ask()
            return self._puts.get(refused.digest)

    def _ask(self) -> None:
        if self._renew is not None:
            self._take(self._renew())

    def _take(self, puts: Sequence[Put]) -> None:
        self._puts = {put.digest: put for put in puts}
        valid = min((lifetime(put.url) for put in puts), default=float("inf"))
        self._end = self._clock() + valid - min(MARGIN, valid / 2)


def upload(
    connection: Connection,
    puts: Sequence[Put],
    objects: Mapping[str, bytes],
    renew: Callable[[], Sequence[Put]] | None = None,
) -> None:
    """Put every object where it was asked for.

    Args:
        connection: To the object store.
        puts: What the control plane asked for.
        objects: The bytes, by digest.
        renew: Gives new addresses for what is still missing.

    Raises:
        AddressExpired: an address is no longer valid, nor is a new one.
        Unavailable: the object store refused the bytes, or does not answer.

    """
    addresses = Addresses(puts, renew)
    stop = Event()
    with shown(sum(len(objects[put.digest]) for put in puts), "Uploading") as advance:

        def send(put: Put) -> None:
            _send(connection, addresses, put.digest, objects[put.digest], (advance, stop))

        for _ in in_parallel(send, puts, stop):
            pass


def lifetime(url: str) -> float:
    """Seconds for which a presigned address is valid, as it says itself; for ever if it does not."""
    query = {key.lower(): value for key, value in parse_qs(urlsplit(url).query).items()}
    [text] = query.get("x-amz-expires", [""])[:1]
    return float(text) if text.isdecimal() else float("inf")


def _send(
    connection: Connection,
    addresses: Addresses,
    digest: str,
    data: bytes,
    watched: tuple[Advance, Event],
) -> None:
    body = Body(data, *watched)
    put = addresses.of(digest)
    if put is None:
        return
    response = _put(connection, put, body)
    if is_expired(response):
        put = addresses.instead_of(put)
        if put is None:
            return
        response = _put(connection, put, body)
    if not response.is_success:
        raise _refused(response, digest, len(data))


def _put(connection: Connection, put: Put, body: Body) -> httpx.Response:
    headers = httpx.Headers(put.headers)
    # Else httpx would send it in chunks, which S3 does not take.
    headers["Content-Length"] = str(len(body))
    return connection.put(put.url, body, headers)


def _refused(response: httpx.Response, digest: str, size: int) -> Unavailable:
    kind = AddressExpired if is_expired(response) else Unavailable
    return kind(
        f"the object store did not take object {digest} ({size} bytes): "
        f"{response.status_code} {response.text[:200]}"
    )
