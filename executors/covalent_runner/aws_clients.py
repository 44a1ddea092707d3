"""The AWS clients of the runner's store: how they retry, and what they need not do."""

from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config

from covalent_runner.aws_table import Table

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_dynamodb import DynamoDBClient

    from covalent_runner.aws_direct import Direct

THREADS = 16
"""Requests of one process at a time."""

_CONFIG = {
    "parameter_validation": False,
    "tcp_keepalive": True,
    "max_pool_connections": THREADS,
    "retries": {"mode": "standard", "total_max_attempts": 5},
    # Digests of our own are checked on every read.
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
    # botocore makes up its own anew for each call, which is a fifth of what the call costs.
    "user_agent": "covalent-runner",
}


def config() -> Config:
    """What all clients have in common."""
    return Config(**cast("Any", _CONFIG))


def table(session: "Session", name: str, *, direct: bool) -> Table:
    """The table; with `direct`, requests take the short way of `aws_direct` first."""
    client = session.client("dynamodb", config=config())
    return Table(client, name, _direct(session, client) if direct else None)


def renew(session: "Session", key: str, secret: str, token: str) -> None:
    """Give a session other credentials; its clients look at them for every request.

    Raises:
        RuntimeError: it has none to begin with.

    """
    held = session.get_credentials()
    if held is None:
        raise RuntimeError("the process was started without credentials, and never got any")
    held.access_key, held.secret_key, held.token = key, secret, token or None


def _direct(session: "Session", client: "DynamoDBClient") -> "Direct | None":
    try:
        from covalent_runner.aws_direct import Direct  # noqa: PLC0415  # if botocore has the parts
    except ImportError:
        return None
    return Direct(session, client)
