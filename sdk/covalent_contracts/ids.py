"""Dispatch ids and owners."""

import re
import uuid
from hashlib import sha256

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_dispatch_id() -> str:
    """A random dispatch id. It is also the name of the execution in Step Functions."""
    return str(uuid.uuid4())


def is_dispatch_id(text: str) -> bool:
    """Whether `text` has the form of a dispatch id."""
    return _UUID.fullmatch(text) is not None


def owner_of(principal: str) -> str:
    """The short, key-safe name of a principal (an IAM ARN): 16 hex digits of its SHA-256."""
    return sha256(principal.encode()).hexdigest()[:16]


def digest_of(data: bytes) -> str:
    """The hex SHA-256 by which assets are addressed and checked."""
    return sha256(data).hexdigest()
