"""The bucket as a ticket lets it be seen: some keys to read, one to write, all of them for a quarter of an hour."""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO, TypeVar

from covalent_contracts.ticket import BESIDE, Errand, Ticket

T = TypeVar("T")

THREADS = 8
TRIES = 6
TIMEOUT = 60
"""Seconds without a byte after which a request is given up."""
MARGIN = 60
"""Seconds before their end in which addresses are not used any more."""
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_EXPIRED = 403
_ABSENT = 404


class Unreachable(Exception):
    """What the ticket names cannot be read or written from here."""


class Addresses:
    """Reads and writes what a ticket names; one that is over is renewed."""

    def __init__(self, ticket: Ticket, folder: Path) -> None:
        self._ticket = ticket
        self._folder = folder

    @property
    def errand(self) -> Errand:
        """What is to be done."""
        return self._ticket.errand

    def objects(self, keys: Collection[str]) -> Mapping[str, bytes]:
        """Objects by key; those that do not exist are left out.

        Raises:
            Unreachable: something stands between this machine and the bucket.

        """
        self._renew_in_time()
        if len(keys) < 2:
            found = [self._get(key) for key in keys]
        else:
            with ThreadPoolExecutor(THREADS) as pool:
                found = list(pool.map(self._get, keys))
        return {key: data for key, data in zip(keys, found, strict=True) if data is not None}

    def put(self, verdict: BinaryIO) -> None:
        """Hand in the verdict.

        Raises:
            Unreachable: as above.

        """
        if self._ticket.put.startswith(BESIDE):
            self._leave(verdict, self._ticket.put.removeprefix(BESIDE))
            return
        size = verdict.seek(0, os.SEEK_END)

        def send() -> None:
            verdict.seek(0)
            headers = {"Content-Length": str(size)}
            request = urllib.request.Request(  # noqa: S310  # as the ticket has it
                self._ticket.put, data=verdict, headers=headers, method="PUT"
            )
            _answer(request)

        self._renew_in_time()
        self._insist("the result cannot be handed in", send)

    def _leave(self, verdict: BinaryIO, name: str) -> None:
        """Put it beside the ticket, where it is whole as soon as it is there."""
        unfinished = self._folder / f"{name}.part"
        with unfinished.open("wb") as file:
            copyfileobj(verdict, file)
        unfinished.replace(self._folder / name)

    def _get(self, key: str) -> bytes | None:
        if self._ticket.gets[key].startswith(BESIDE):
            path = self._folder / self._ticket.gets[key].removeprefix(BESIDE)
            return path.read_bytes() if path.exists() else None

        def ask() -> bytes | None:
            try:
                return _answer(urllib.request.Request(self._ticket.gets[key]))  # noqa: S310  # as above
            except urllib.error.HTTPError as exc:
                if exc.code == _ABSENT:
                    return None
                raise

        return self._insist(f"{key} cannot be read", ask)

    def _insist(self, failure: str, do: Callable[[], T]) -> T:
        """Do it, if need be several times: networks and S3 have bad moments, and addresses end."""
        for left in reversed(range(TRIES)):
            try:
                return do()
            except (OSError, http.client.HTTPException) as exc:
                code = exc.code if isinstance(exc, urllib.error.HTTPError) else None
                if not left or code not in (None, _EXPIRED, *_PASSING):
                    raise Unreachable(f"{failure} from {os.uname().nodename}: {exc}") from exc
                if code == _EXPIRED:
                    self._renew()
                else:
                    time.sleep(2.0 ** (TRIES - 1 - left))
        raise AssertionError("unreachable")

    def _renew_in_time(self) -> None:
        if self._ticket.until - time.time() < MARGIN:
            self._renew()

    def _renew(self) -> None:
        """Get a fresh ticket for the capability in this one."""
        old = self._ticket
        if not old.renewal:
            raise Unreachable("the job's ticket is over, and there is nobody to renew it")
        errand = old.errand
        body = {
            "dispatch_id": errand.dispatch_id,
            "node": errand.node,
            "attempt": errand.attempt,
            "capability": old.capability,
        }
        request = urllib.request.Request(  # noqa: S310  # as the ticket has it
            old.renewal,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        try:
            answer = json.loads(_answer(request))
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise Unreachable(f"the job's ticket is over and is not renewed: {exc}") from exc
        fresh = Ticket.load(json.dumps(answer["ticket"]).encode())
        self._ticket = replace(fresh, renewal=old.renewal)


def _answer(request: urllib.request.Request) -> bytes:
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310  # as the ticket has it
        return bytes(answer.read())
