"""Who may call: the holder of the token, from this machine, and never a browser.

A page on the web can make a browser send requests to 127.0.0.1, also under a name of its own that resolves
there. It cannot know the token,
and the `Host` it sends is not one of ours.
"""

import re
from collections.abc import Container, Mapping
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs

from covalent_localstack.signatures import is_intact

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")
_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def is_local(environ: Mapping[str, Any], port: int) -> bool:
    """Whether the request names this machine and our port, and no web page sent it."""
    if "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE", "none") != "none":
        return False
    return environ.get("HTTP_HOST", "") in {f"{host}:{port}" for host in _HOSTS}


def has_bearer(environ: Mapping[str, Any], token: str) -> bool:
    """Whether the request carries the token as the API wants it."""
    scheme, _, given = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return scheme.lower() == "bearer" and _same(given.strip(), token)


def has_credential(
    environ: Mapping[str, Any], token: str, sessions: Container[str] = frozenset()
) -> bool:
    """Whether an AWS request is signed by who has the token, or presigned so and not expired.

    Args:
        environ: the request.
        token: the access key id of whoever may call.
        sessions: access key ids of the sessions of a role, which may sign too. They do not presign.

    """
    query = environ.get("QUERY_STRING", "")
    if "X-Amz-Credential=" in query:
        fields = parse_qs(query)
        key = fields["X-Amz-Credential"][0].split("/")[0]
        return _same(key, token) and not _expired(fields) and is_intact(environ, token)
    found = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    return found is not None and (_same(found[1], token) or found[1] in sessions)


def _expired(fields: Mapping[str, list[str]]) -> bool:
    try:
        signed = datetime.strptime(fields["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        life = timedelta(seconds=int(fields["X-Amz-Expires"][0]))
    except (KeyError, ValueError):
        return True
    return datetime.now(UTC) > signed + life


def _same(given: str, token: str) -> bool:
    return compare_digest(given.encode(), token.encode())
