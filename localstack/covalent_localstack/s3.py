"""S3: the objects of our bucket are files, and their checksums are checked.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- a PUT whose body does not match its `x-amz-checksum-sha256` is accepted -> 400, as S3
- an object is held in memory three times while it is written -> goes to a file as it arrives
- a presigned address is good for any key, method and checksum -> for what was signed (`signatures`)

Plain GET, HEAD, PUT and DELETE of objects in the bucket are answered here; the rest (lists, copies, multipart,
tags, ...) by moto on the
same keys.
"""

import base64
import threading
import time
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from moto.core.utils import utcfromtimestamp
from moto.s3.models import FakeKey, S3Backend, s3_backends

from covalent_localstack.environment import ACCOUNT, BUCKET, REGION
from covalent_localstack.http_server import Environ
from covalent_localstack.journal import Journal, Stored, Written
from covalent_localstack.patching import replace
from covalent_localstack.server import Answer

PIECE = 1 << 20
_PLAIN_QUERY = frozenset({"x-id", "response-content-type", "response-content-disposition"})
_MOTO_HEADERS = (
    "HTTP_X_AMZ_COPY_SOURCE",
    "HTTP_IF_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_X_AMZ_TAGGING",
)
_KEPT = {"CONTENT_TYPE": "Content-Type", "HTTP_X_AMZ_CHECKSUM_SHA256": "x-amz-checksum-sha256"}


class DiskKey(FakeKey):  # type: ignore[misc]  # moto has no types here
    """A key of moto whose content is a file."""

    def __init__(self, stored: Stored) -> None:
        self._stored: Stored | None = None
        super().__init__(stored.key, b"", ACCOUNT, REGION, bucket_name=BUCKET, etag=stored.etag)
        self.dispose()
        self._stored = stored
        self.contentsize = stored.size
        self.last_modified = utcfromtimestamp(stored.modified)
        self.set_metadata(dict(stored.headers))

    @property
    def stored(self) -> Stored:
        """Where the content is."""
        assert self._stored is not None  # noqa: S101  # only unset inside __init__
        return self._stored

    @property
    def value(self) -> bytes:
        """The content."""
        return self.stored.path.read_bytes() if self._stored else b""

    @value.setter
    def value(self, _: bytes) -> None:
        """Content is written through the journal only."""


class ObjectStore:
    """The objects of our bucket, in the journal and in moto."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._lock = threading.Lock()
        self._bucket = s3_backends[ACCOUNT]["aws"].get_bucket(BUCKET)
        for stored in journal.objects():
            self._bucket.keys.setlist(stored.key, [DiskKey(stored)])

    def find(self, key: str) -> DiskKey | None:
        """The key, if there is such an object."""
        found = self._bucket.keys.getlist(key, [])
        return found[-1] if found and isinstance(found[-1], DiskKey) else None

    def put(
        self, key: str, written: Written, headers: Mapping[str, str], *, only_new: bool
    ) -> DiskKey | None:
        """Make a received body an object; None if `only_new` and there is one already."""
        with self._lock:
            if only_new and self.find(key):
                self.journal.discard(written)
                return None
            made = DiskKey(self.journal.store(key, written, time.time(), headers))
            self._bucket.keys.setlist(key, [made])
        return made

    def delete(self, key: str) -> None:
        """Delete an object, if it is there."""
        with self._lock:
            if self._bucket.keys.getlist(key, []):
                self._bucket.keys.pop(key)
            self.journal.remove(key)

    def adopt(self, key: str, value: bytes, headers: Mapping[str, str]) -> DiskKey:
        """Take over an object that moto itself has written."""
        made = self.put(key, self.journal.receive([value]), headers, only_new=False)
        assert made is not None  # noqa: S101  # only_new is False
        return made

    def __call__(self, environ: Environ) -> Answer | None:
        """Answer a plain object request of our bucket; None for anything else."""
        key = _plain_key(environ)
        if key is None:
            return None
        match environ["REQUEST_METHOD"]:
            case "GET" | "HEAD":
                return self._get(environ, key)
            case "PUT":
                return self._put(environ, key)
            case "DELETE":
                self.delete(key)
                return 204, [], []
        return None

    def _get(self, environ: Environ, key: str) -> Answer | None:
        if "HTTP_IF_NONE_MATCH" in environ:
            return None
        found = self.find(key)
        if found is None:
            return _error(404, "NoSuchKey", "The specified key does not exist.")
        stored = found.stored
        headers = {
            "ETag": f'"{stored.etag}"',
            "Last-Modified": formatdate(stored.modified, usegmt=True),
            "Accept-Ranges": "bytes",
            "Content-Type": "binary/octet-stream",
            **stored.headers,
        }
        span = _range(environ.get("HTTP_RANGE", ""), stored.size)
        if span is None:
            return _error(416, "InvalidRange", "The requested range is not satisfiable")
        start, end = span
        headers["Content-Length"] = str(end - start)
        status = 200
        if "HTTP_RANGE" in environ:
            status = 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
            headers.pop("x-amz-checksum-sha256", None)
        if environ["REQUEST_METHOD"] == "HEAD":
            return status, list(headers.items()), []
        try:
            return status, list(headers.items()), _pieces(stored.path, start, end)
        except FileNotFoundError:  # replaced between lookup and opening
            return self._get(environ, key)

    def _put(self, environ: Environ, key: str) -> Answer:
        length = int(environ["CONTENT_LENGTH"])
        written = self.journal.receive(_body(environ, length))
        refusal = _refusal(environ, written, length)
        if refusal is not None:
            self.journal.discard(written)
            return refusal
        headers = {name: environ[field] for field, name in _KEPT.items() if environ.get(field)}
        headers |= {
            field[5:].replace("_", "-").lower(): value
            for field, value in environ.items()
            if field.startswith("HTTP_X_AMZ_META_")
        }
        only_new = environ.get("HTTP_IF_NONE_MATCH") == "*"
        if self.put(key, written, headers, only_new=only_new) is None:
            return _error(412, "PreconditionFailed", "The object is there already.")
        return 200, [("ETag", f'"{written.md5}"')], []


def _plain_key(environ: Environ) -> str | None:
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    bucket, _, key = path[1:].partition("/")
    if bucket != BUCKET or not key or any(name in environ for name in _MOTO_HEADERS):
        return None
    if "STREAMING" in environ.get("HTTP_X_AMZ_CONTENT_SHA256", ""):
        return None
    names = parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
    plain = all(name in _PLAIN_QUERY or name.lower().startswith("x-amz-") for name in names)
    return key if plain else None


def _body(environ: Environ, length: int) -> Iterable[bytes]:
    source = environ["wsgi.input"]
    while length > 0 and (piece := source.read(min(PIECE, length))):
        length -= len(piece)
        yield piece


def _refusal(environ: Environ, written: Written, length: int) -> Answer | None:
    if written.size != length:
        return _error(400, "IncompleteBody", "The body is shorter than its Content-Length.")
    promised = environ.get("HTTP_X_AMZ_CHECKSUM_SHA256") or _signed_checksum(environ)
    if promised and base64.b64encode(written.sha256).decode() != promised:
        return _error(400, "BadDigest", "The SHA256 you specified did not match the body.")
    md5 = environ.get("HTTP_CONTENT_MD5")
    if md5 and base64.b64encode(bytes.fromhex(written.md5)).decode() != md5:
        return _error(400, "BadDigest", "The Content-MD5 you specified did not match the body.")
    return None


def _signed_checksum(environ: Environ) -> str:
    """The checksum where the presigner put it into the query."""
    query = parse_qs(environ["QUERY_STRING"])
    found = [values[0] for name, values in query.items() if name.lower() == "x-amz-checksum-sha256"]
    return found[0] if found else ""


def _range(text: str, size: int) -> tuple[int, int] | None:
    """First and one past the last byte of a `Range` header; None if it cannot be satisfied."""
    if not text.startswith("bytes=") or "," in text:
        return 0, size
    first, _, last = text.removeprefix("bytes=").partition("-")
    if not first:
        return max(size - int(last), 0), size
    start, end = int(first), min(int(last) + 1, size) if last else size
    return (start, end) if start < size else None


def _pieces(path: Path, start: int, end: int) -> Iterable[bytes]:
    file = path.open("rb")
    file.seek(start)

    def read() -> Iterable[bytes]:
        left = end - start
        with file:
            while left > 0 and (data := file.read(min(PIECE, left))):
                left -= len(data)
                yield data

    return read()


def _error(status: int, code: str, message: str) -> Answer:
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return status, [("Content-Type", "application/xml")], [text.encode()]


_stock_put = S3Backend.put_object
_stock_delete = S3Backend.delete_object
_stores: list[ObjectStore] = []


def use(store: ObjectStore | None) -> None:
    """Keep what moto itself writes to our bucket in `store`."""
    _stores[:] = [store] if store else []


def _put_object(self: Any, bucket_name: str, key_name: str, value: bytes, **options: Any) -> Any:
    made = _stock_put(self, bucket_name, key_name, value, **options)
    if not _stores or bucket_name != BUCKET:
        return made
    content = made.value
    made.dispose()
    return _stores[0].adopt(key_name, content, {})


def _delete_object(self: Any, bucket_name: str, key_name: str, *args: Any, **options: Any) -> Any:
    answer = _stock_delete(self, bucket_name, key_name, *args, **options)
    if _stores and bucket_name == BUCKET:
        _stores[0].delete(key_name)
    return answer


def install() -> None:
    """Repair moto."""
    replace(S3Backend, "put_object", _put_object)
    replace(S3Backend, "delete_object", _delete_object)
