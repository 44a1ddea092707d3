"""Dispatch ids, principals and owners."""

import re
import uuid
from hashlib import sha256

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ROLE = re.compile(r"(arn:[^:]+):iam::(\d*):role/(?:[^:]*/)?([^/:]+)")
_SESSION = re.compile(r"(arn:[^:]+):sts::(\d*):assumed-role/([^/]+)/(.+)")
_SSO_ROLE = re.compile(r"AWSReservedSSO_.+_[0-9a-f]{16}")


def new_dispatch_id() -> str:
    """A random dispatch id. It is also the name of the execution in Step Functions."""
    return str(uuid.uuid4())


def sub_dispatch_id(parent: str, node: int) -> str:
    """The id of the dispatch that a sublattice node becomes: always the same one, however often it is made."""
    return str(uuid.uuid5(uuid.UUID(parent), f"node {node}"))


def is_dispatch_id(text: str) -> bool:
    """Whether `text` has the form of a dispatch id."""
    return _UUID.fullmatch(text) is not None


def principal_of(arn: str, *, people: bool = True) -> str:
    """Who is behind an ARN that AWS names a caller by, or that a user writes for one; the same at every login.

    The session of an assumed role is whatever the caller wrote there, so the principal is the role, without its path,
    which AWS does not tell of a caller. Only in a session of IAM Identity Center (`AWSReservedSSO_*`) it is a name that
    Identity Center gave: that of the person who logged in. IAM users, the root user and federated users (whom
    the broker names) are what they are called.

    Args:
        arn: such as `arn:aws:sts::123456789012:assumed-role/lab/alice`.
        people: whether each person of an Identity Center role is a principal, instead of the role.

    """
    role = _ROLE.fullmatch(arn)
    if role is not None:
        return _role(role[1], role[2], role[3])
    session = _SESSION.fullmatch(arn)
    if session is None or (people and _SSO_ROLE.fullmatch(session[3])):
        return arn
    return _role(session[1], session[2], session[3])


def _role(start: str, account: str, name: str) -> str:
    return f"{start}:iam::{account}:role/{name}"


def owner_of(principal: str) -> str:
    """The short, key-safe name of a principal (an IAM ARN): 16 hex digits of its SHA-256."""
    return sha256(principal.encode()).hexdigest()[:16]


def digest_of(data: bytes) -> str:
    """The hex SHA-256 by which assets are addressed and checked."""
    return sha256(data).hexdigest()
