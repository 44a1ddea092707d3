"""Presigned addresses: one key, one method, one checksum, as signed.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

_ENVIRON = {"content-length": "CONTENT_LENGTH", "content-type": "CONTENT_TYPE"}


def is_intact(environ: Mapping[str, Any], secret: str) -> bool:
    """Whether a presigned request is the one that was signed with `secret`."""
    pairs = [each.partition("=")[::2] for each in environ["QUERY_STRING"].split("&")]
    query = dict(pairs)
    try:
        scope = query["X-Amz-Credential"].replace("%2F", "/").split("/", 1)[1]
        given, signed = query.pop("X-Amz-Signature"), query["X-Amz-SignedHeaders"]
        request = _canonical(environ, query, signed.replace("%3B", ";"))
        text = "\n".join(
            ("AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, sha256(request.encode()).hexdigest())
        )
    except (KeyError, IndexError):
        return False
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(key.hex(), given)


def _canonical(environ: Mapping[str, Any], query: Mapping[str, str], signed: str) -> str:
    """The request as it is signed.

    Raises:
        KeyError: a signed header is missing.

    """
    headers = "".join(f"{name}:{_header(environ, name)}\n" for name in signed.split(";"))
    return "\n".join(
        (
            environ["REQUEST_METHOD"],
            environ["RAW_URI"].partition("?")[0],
            "&".join(f"{name}={value}" for name, value in sorted(query.items())),
            headers,
            signed,
            "UNSIGNED-PAYLOAD",
        )
    )


def _header(environ: Mapping[str, Any], name: str) -> str:
    field = _ENVIRON.get(name, f"HTTP_{name.upper().replace('-', '_')}")
    return " ".join(str(environ[field]).split())
