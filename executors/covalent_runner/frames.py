"""JSON documents over a socket, each with its length (4 bytes, big endian) in front."""

import json
import socket
import struct
from typing import Any

LENGTH = struct.Struct(">I")
LONGEST = 32 * 1024 * 1024
"""Bytes of a document: user code can write to the socket too, and shall not fill our memory."""


def send(connection: socket.socket, document: Any) -> None:
    """Write one document."""
    data = json.dumps(document).encode()
    connection.sendall(LENGTH.pack(len(data)) + data)


def receive(connection: socket.socket) -> Any:
    """Read one document.

    Raises:
        EOFError: the other side is gone.
        ValueError: it is too long, or not JSON.

    """
    size = LENGTH.unpack(_read(connection, LENGTH.size))[0]
    if size > LONGEST:
        raise ValueError(f"a document of {size} bytes")
    return json.loads(_read(connection, size))


def _read(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(min(size - len(data), 1 << 20))
        if not part:
            raise EOFError("the other side is gone")
        data += part
    return bytes(data)
