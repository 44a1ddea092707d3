"""What handlers read from a request: who calls, and the body, decompressed within bounds and checked."""

import json
import zlib
from collections.abc import Mapping
from typing import TypeVar

from chalice.app import Request
from pydantic import BaseModel, ValidationError

from covalent_contracts.errors import InvalidWorkflow, LimitExceeded, NewerWire, NotFound, Refused
from covalent_contracts.ids import is_dispatch_id
from covalent_contracts.manifest import WIRE, Manifest
from covalent_control_plane.callers import Caller
from covalent_control_plane.registration import upgrade

MAX_BODY = 32 * 1024 * 1024
"""Bytes of a request after decompression: some 50,000 nodes, far beyond what an execution can hold."""
GZIP = "application/gzip"
"""The media type of packed JSON. API Gateway hands it over as it came: a manifest takes a tenth of what Lambda allows,
where one with `Content-Encoding: gzip` arrives unpacked and must fit into 6 MB, which some 8,000 electrons fill."""
MAX_LISTED = 100
DEFAULT_LISTED = 20
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib: gzip header, largest window

Document = TypeVar("Document", bound=BaseModel)


class TooLarge(LimitExceeded):
    """The request itself is over a limit, not the workflow in it."""


def caller(request: Request, *, people: bool) -> Caller:
    """Who calls: derived from the principal that API Gateway has authenticated, from nothing else.

    Args:
        request: the request.
        people: as in `covalent_contracts.ids.principal_of`.

    Raises:
        Refused: nobody was authenticated.

    """
    principal = (request.context.get("identity") or {}).get("userArn")
    if not principal:
        raise Refused("the request is not signed by an AWS principal")
    return Caller.of(principal, people=people)


def address(request: Request) -> str:
    """Where a request was sent to, as its sender has it."""
    headers = request.headers
    host, scheme = headers.get("host", ""), headers.get("x-forwarded-proto", "http")
    return f"{scheme}://{host}{request.context.get('path', '')}"


def dispatch_id(text: str) -> str:
    """Check a dispatch id in a path.

    Raises:
        NotFound: it is not one.

    """
    return _identifier(text, "dispatch")


def trigger_id(text: str) -> str:
    """Check a trigger id in a path; raises as `dispatch_id`."""
    return _identifier(text, "trigger")


def _identifier(text: str, what: str) -> str:
    if not is_dispatch_id(text):
        raise NotFound(f"there is no {what} {text[:64]}")
    return text


def body(request: Request, document: type[Document]) -> Document:
    """Read and check a JSON body.

    Raises:
        ValidationError: it is not what it must be.
        TooLarge: it is over the limit.

    """
    return document.model_validate_json(_content(request), strict=True)


def manifest(request: Request) -> Manifest:
    """Read and check a manifest.

    Raises:
        ValidationError: it is malformed.
        NewerWire: it is newer than this control plane, which is why it may look malformed.

    """
    content = _content(request)
    try:
        return Manifest.model_validate_json(content, strict=True)
    except ValidationError:
        _check_wire(content)
        raise


def is_true(request: Request, name: str, *, otherwise: bool) -> bool:
    """Read a boolean query parameter.

    Raises:
        InvalidWorkflow: it is neither `true` nor `false`.

    """
    text = parameter(request, name)
    if text is None:
        return otherwise
    if text.lower() not in ("true", "false"):
        raise InvalidWorkflow(f"the parameter {name} is either true or false")
    return text.lower() == "true"


def limit(request: Request) -> int:
    """Read how many dispatches to list.

    Raises:
        InvalidWorkflow: it is not a number from 1 to 100.

    """
    text = parameter(request, "limit")
    if text is None:
        return DEFAULT_LISTED
    if not text.isdecimal() or not 1 <= int(text) <= MAX_LISTED:
        raise InvalidWorkflow(f"the parameter limit is a number from 1 to {MAX_LISTED}")
    return int(text)


def parameter(request: Request, name: str) -> str | None:
    """A query parameter, or None."""
    return None if request.query_params is None else request.query_params.get(name)


def _content(request: Request) -> bytes:
    raw = request.raw_body
    content = raw if isinstance(raw, bytes) else raw.encode()
    # API Gateway decompresses what has a Content-Encoding, and leaves the header.
    if _is_packed(request) and content[:2] == _GZIP_MAGIC:
        content = _decompressed(content)
    if len(content) > MAX_BODY:
        raise _too_large()
    return content


def _is_packed(request: Request) -> bool:
    headers: Mapping[str, str] = request.headers
    encoding, kind = headers.get("content-encoding", ""), headers.get("content-type", "")
    return encoding.lower() == "gzip" or kind.partition(";")[0].strip().lower() == GZIP


def _decompressed(content: bytes) -> bytes:
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = stream.decompress(content, MAX_BODY + 1)
    except zlib.error as exc:
        raise InvalidWorkflow("the body is not valid gzip") from exc
    if len(plain) > MAX_BODY:
        raise _too_large()
    if not stream.eof:
        raise InvalidWorkflow("the gzip body is truncated")
    return plain


def _too_large() -> TooLarge:
    return TooLarge(
        f"the request has more than {MAX_BODY} bytes", limit="bytes per request", number=MAX_BODY
    )


def _check_wire(content: bytes) -> None:
    try:
        document = json.loads(content)
    except ValueError:
        return
    wire = document.get("wire") if isinstance(document, Mapping) else None
    if isinstance(wire, int) and wire > WIRE:
        raise NewerWire(upgrade(wire))
