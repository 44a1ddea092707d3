"""What a runner far away is told of a try, and what it hands back: it has no credentials of AWS.

errand   what to do, by keys of the bucket. The bridge stores it; only the deployment can read it.
ticket   an errand with an address for each key. It travels with the job, and is secret: for a quarter of an hour
         whoever has it can read what the electron reads and write what became of it. A fresh one is to be had for the
         capability in it, as long as the try runs.
verdict  what became of the try: its length, JSON about the parts, and the parts, one object that is there or is not.
"""

import json
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, Literal

from covalent_contracts.errors import CorruptedObject, NewerWire

WIRE = 1
TICKETS = "/api/v1/tickets/renew"
"""The path at which the API gives a fresh ticket for a capability."""
LIFETIME = 900
"""Seconds for which the addresses of a ticket are good; AWS may sign for longer, we do not."""
_LENGTH = struct.Struct(">I")

Sign = Callable[[Literal["GET", "PUT"], str], str]
"""Gives the address at which one method may be used on one key."""


@dataclass(frozen=True)
class Known:
    """A recorded output that the electron reads: its digest, and its bytes if they live in the record."""

    digest: str
    size: int
    kind: str
    inline: bytes | None = None


@dataclass(frozen=True)
class Errand:
    """One try of an electron.

    page: the page of sheets, with this electron's alone (`covalent_contracts.sheet`). inputs: the outputs that it
    reads, by node. reads: keys of the objects that it reads. verdict: the key of what it writes. program: that of the
    runner. seals: the SHA-256 of each capability for which a fresh ticket is given.
    """

    dispatch_id: str
    node: int
    attempt: int
    page: bytes
    inputs: Mapping[int, Known]
    reads: tuple[str, ...]
    verdict: str
    program: str
    seals: tuple[str, ...]

    def dump(self) -> bytes:
        """As JSON."""
        return json.dumps({"wire": WIRE, **_written(self)}, separators=(",", ":")).encode()

    @classmethod
    def load(cls, data: bytes) -> "Errand":
        """Read what `dump` has written.

        Raises:
            NewerWire: a newer version has.

        """
        return _errand(_document(data))


@dataclass(frozen=True)
class Ticket:
    """An errand with addresses.

    gets: where to read each key. put: where to write the verdict. until: seconds since the epoch at which they end.
    Where the job has all that it needs beside it (`carried`), they are names of files.
    renewal: the address to which the capability is posted for a fresh ticket; "" if there is none.
    """

    errand: Errand
    gets: Mapping[str, str]
    put: str
    until: float
    renewal: str = ""
    capability: str = field(default="", repr=False)

    def dump(self) -> bytes:
        """As JSON."""
        fields = {name: value for name, value in vars(self).items() if name != "errand"}
        document = {"wire": WIRE, "errand": _written(self.errand), **fields}
        return json.dumps(document, separators=(",", ":")).encode()

    @classmethod
    def load(cls, data: bytes) -> "Ticket":
        """Read what `dump` has written.

        Raises:
            NewerWire: a newer version has.

        """
        document = _document(data)
        return cls(**(document | {"errand": _errand(document["errand"])}))


BESIDE = "file:"
"""What an address begins with that is the name of a file beside the ticket, not an address of the bucket."""
TICKET_FILE = "ticket.json"
VERDICT_FILE = "verdict"
"""How ticket and verdict are called in a job's folder."""
NEVER = 1e12
"""Seconds since the epoch, in some 30,000 years."""


def carried(errand: Errand) -> Ticket:
    """A ticket for a job that has its inputs beside it, named by number, and leaves its verdict there."""
    gets = {key: f"{BESIDE}{name}" for key, name in names_of(errand).items()}
    return Ticket(errand, gets, BESIDE + VERDICT_FILE, NEVER)


def names_of(errand: Errand) -> Mapping[str, str]:
    """The names of the files that lie beside such a ticket, by key."""
    return {key: f"input-{number}" for number, key in enumerate(errand.reads)}


def ticket(
    errand: Errand, sign: Sign, now: float, renewal: str = "", capability: str = ""
) -> Ticket:
    """Give an errand its addresses."""
    return Ticket(
        errand,
        {key: sign("GET", key) for key in errand.reads},
        sign("PUT", errand.verdict),
        now + LIFETIME,
        renewal,
        capability,
    )


Role = Literal["output", "before", "after", "stdout", "stderr", "attachments"]


@dataclass(frozen=True)
class Part:
    """A part of a verdict: the output, a light node's value (or why it has none), a stream, what was left beside it."""

    role: Role
    size: int
    digest: str
    node: int = -1
    error: str = ""


@dataclass(frozen=True)
class Verdict:
    """What became of a try: an output, or `error` with the exception's class name as `reason`."""

    parts: tuple[Part, ...]
    error: str = ""
    reason: str = ""

    def head(self) -> bytes:
        """What stands in front of the parts."""
        document = {"wire": WIRE, **asdict(self)}
        text = json.dumps(document, separators=(",", ":")).encode()
        return _LENGTH.pack(len(text)) + text

    @classmethod
    def read(cls, file: BinaryIO) -> tuple["Verdict", Iterator[tuple[Part, bytes]]]:
        """Read a verdict, and then its parts one by one.

        Raises:
            CorruptedObject: it is cut short.
            NewerWire: a newer version has written it.

        """
        (size,) = _LENGTH.unpack(_exactly(file, _LENGTH.size))
        document = _document(_exactly(file, size))
        parts = tuple(Part(**part) for part in document.pop("parts"))
        found = cls(parts, **document)
        return found, ((part, _exactly(file, part.size)) for part in parts)


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise CorruptedObject("what became of the try was cut short on its way")
    return data


def _document(data: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(data)
    if document.pop("wire") > WIRE:
        raise NewerWire(f"the job is of a newer Covalent than this one, which knows {WIRE}")
    return document


def _written(errand: Errand) -> dict[str, Any]:
    inputs = {
        node: vars(known)
        | {"inline": None if known.inline is None else b64encode(known.inline).decode()}
        for node, known in errand.inputs.items()
    }
    return vars(errand) | {"page": errand.page.decode(), "inputs": inputs}


def _errand(fields: Mapping[str, Any]) -> Errand:
    inputs = {int(node): _known(known) for node, known in fields["inputs"].items()}
    page, reads, seals = fields["page"].encode(), tuple(fields["reads"]), tuple(fields["seals"])
    return Errand(**{**fields, "inputs": inputs, "page": page, "reads": reads, "seals": seals})


def _known(fields: Mapping[str, Any]) -> Known:
    inline = fields["inline"]
    return Known(**{**fields, "inline": None if inline is None else b64decode(inline)})
