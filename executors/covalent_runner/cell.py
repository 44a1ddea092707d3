"""The process that user code runs in: one owner's, with the credentials of one dispatch at a time.

It was started with none (`guard`), and gets them with the first electron of each dispatch.
"""

import os
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any

from covalent_contracts import envelope
from covalent_runner import confinement, frames
from covalent_runner.errors import ElectronFailed, UpstreamFailed
from covalent_runner.lambda_handler import handle, store

if TYPE_CHECKING:
    from covalent_runner.run import Remaining

_EXPECTED = (ElectronFailed, UpstreamFailed)


def main(descriptor: int) -> None:
    """Work off what the guard sends, until it is gone."""
    connection = socket.socket(fileno=descriptor)
    connection.set_inheritable(False)
    confinement.die_with_parent()
    try:
        while True:
            message = frames.receive(connection)
            frames.send(connection, {"id": message["id"], **_answer(message)})
    except (EOFError, ConnectionError):
        os._exit(0)


def _answer(message: Mapping[str, Any]) -> dict[str, Any]:
    try:
        if "credentials" in message:
            _work_with(*message["credentials"])
        found = handle(store(), envelope.parse(message["event"]), _remaining(message["seconds"]))
    except Exception as exc:  # noqa: BLE001  # whatever it is, the guard raises it again
        if not isinstance(exc, _EXPECTED):
            traceback.print_exc()
        answer: dict[str, Any] = {"error": [type(exc).__name__, str(exc)]}
    else:
        answer = {"found": found}
    sys.stdout.flush()
    sys.stderr.flush()
    return answer


def _work_with(key: str, secret: str, token: str) -> None:
    """Use these credentials from now on. They are user code's too, for whatever AWS client it makes."""
    os.environ["AWS_ACCESS_KEY_ID"] = key
    os.environ["AWS_SECRET_ACCESS_KEY"] = secret
    if token:
        os.environ["AWS_SESSION_TOKEN"] = token
    store().work_with(key, secret, token)


def _remaining(seconds: float | None) -> "Remaining":
    if seconds is None:
        return lambda: inf
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()
