"""One value as bytes: magic, header length, a JSON header that anyone may read, and the pickled body.

The header tells what the body is (type, a short representation, the Python that wrote it), so that the
control plane can show a value without ever unpickling it.
"""

import json
import struct
from dataclasses import dataclass

from covalent_contracts.errors import CorruptedObject, NewerWire

MAGIC = b"CVL"
WIRE = 1
_PREFIX = struct.Struct(">3sBI")


@dataclass(frozen=True)
class Header:
    """What may be known of a value without unpickling it."""

    type: str
    text: str
    python: str
    cloudpickle: str


def join(header: Header, body: bytes) -> bytes:
    """Put header and body together."""
    head = json.dumps(vars(header), separators=(",", ":")).encode()
    return _PREFIX.pack(MAGIC, WIRE, len(head)) + head + body


def split(data: bytes) -> tuple[Header, bytes]:
    """Take header and body apart.

    Raises:
        CorruptedObject: the bytes are not a value.
        NewerWire: they were written by a newer version.

    """
    try:
        magic, wire, size = _PREFIX.unpack_from(data)
    except struct.error as exc:
        raise CorruptedObject(f"{len(data)} bytes are too few for a stored value") from exc
    if magic != MAGIC:
        raise CorruptedObject("the bytes are not a stored value")
    if wire > WIRE:
        raise NewerWire(
            f"the value has wire version {wire}, this Covalent knows {WIRE}: upgrade it"
        )
    start = _PREFIX.size
    try:
        header = Header(**json.loads(data[start : start + size]))
    except (ValueError, TypeError) as exc:
        raise CorruptedObject("the header of a stored value is damaged") from exc
    return header, data[start + size :]
