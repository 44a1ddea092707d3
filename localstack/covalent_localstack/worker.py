"""The child process that runs Lambda handlers; the other end is `covalent_localstack.lambdas`.

Frames over an inherited socket, each a length (4 bytes, big endian) and a JSON document. Imports the standard library
only, so that a worker starts as fast as the interpreter does.
"""

import importlib
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

LENGTH = struct.Struct(">I")
MEMORY = "COVALENT_WORKER_MEMORY"
"""Bytes that a worker, and each of its children, may have."""
Handler = Callable[[Any, Any], Any]
Json = dict[str, Any]


@dataclass(frozen=True)
class Context:
    """What AWS Lambda passes as the second argument."""

    aws_request_id: str
    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    deadline: float
    function_version: str = "$LATEST"
    log_group_name: str = ""
    log_stream_name: str = ""
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is killed."""
        return max(int((self.deadline - time.time()) * 1000), 0)


def send(connection: socket.socket, document: Mapping[str, Any]) -> None:
    """Write one frame."""
    data = json.dumps(document).encode()
    connection.sendall(LENGTH.pack(len(data)) + data)


def receive(connection: socket.socket) -> Json:
    """Read one frame.

    Raises:
        EOFError: the other side is gone.

    """
    size = LENGTH.unpack(_read(connection, LENGTH.size))[0]
    document: Json = json.loads(_read(connection, size))
    return document


def _read(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError("the other side is gone")
        data += part
    return bytes(data)


def call(handler: str, event: Any, context: Context) -> Json:
    """Call a handler as Lambda does.

    Returns:
        {"result": the JSON text} or {"error": the error document of AWS}.

    """
    try:
        function = _find(handler)
    except Exception as exc:  # noqa: BLE001  # user modules raise anything at import
        return {"error": {**_error(exc, context), **_import_error(handler, exc)}}
    try:
        result = function(event, context)
    except Exception as exc:  # noqa: BLE001  # whatever a handler raises is its answer
        return {"error": _error(exc, context)}
    try:
        return {"result": json.dumps(result)}
    except (TypeError, ValueError) as exc:
        message = f"Unable to marshal response: {exc}"
        return {
            "error": {
                **_error(exc, context),
                "errorType": "Runtime.MarshalError",
                "errorMessage": message,
            }
        }


def _find(handler: str) -> Handler:
    module, _, name = handler.rpartition(".")
    function: Handler = getattr(importlib.import_module(module), name)
    return function


def _import_error(handler: str, exc: Exception) -> dict[str, str]:
    module, _, name = handler.rpartition(".")
    if isinstance(exc, ImportError):
        return {
            "errorType": "Runtime.ImportModuleError",
            "errorMessage": f"Unable to import module '{module}': {exc}",
        }
    if isinstance(exc, AttributeError):
        return {
            "errorType": "Runtime.HandlerNotFound",
            "errorMessage": f"Handler '{name}' missing on module '{module}'",
        }
    return {}


def _error(exc: BaseException, context: Context) -> Json:
    own = {__file__, importlib.__file__}
    frames = [f for f in traceback.extract_tb(exc.__traceback__) if f.filename not in own]
    return {
        "errorMessage": str(exc),
        "errorType": type(exc).__name__,
        "requestId": context.aws_request_id,
        "stackTrace": traceback.format_list(frames),
    }


def _die_with_parent(connection: socket.socket) -> None:
    """Kill this process group when the server is gone, even in the middle of a handler."""
    poll = select.poll()
    poll.register(connection, 0)  # POLLHUP is always reported
    poll.poll()
    os.killpg(0, signal.SIGKILL)


def serve(connection: socket.socket, preload: str) -> None:
    """Answer invocations until the server is gone."""
    if preload:
        try:
            _find(preload)
        except Exception:  # noqa: BLE001  # the invocation that needs it will tell
            traceback.print_exc()
    send(connection, {"ready": True})
    while True:
        message = receive(connection)
        os.environ.update(message["environment"])
        context = Context(**message["context"])
        answer = call(message["handler"], message["event"], context)
        sys.stdout.flush()
        sys.stderr.flush()
        send(connection, answer)


def main() -> None:
    """Run as a worker: `worker.py FD PRELOAD`."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.set_inheritable(False)
    if limit := int(os.environ.get(MEMORY, "0")):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    threading.Thread(target=_die_with_parent, args=(connection,), daemon=True).start()
    try:
        serve(connection, sys.argv[2])
    except (EOFError, ConnectionError):
        os._exit(0)


if __name__ == "__main__":
    main()
