"""Files of web servers: GET to download, PUT to upload, both streamed."""

import http.client
import netrc
import shutil
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from covalent_runner.transfers import objects
from covalent_runner.transfers.errors import EndFailed, explained
from covalent_runner.transfers.places import Place

TIMEOUT = 60.0
"""Seconds without a byte."""
_SAFE = "/:?#[]@!$&'()*+,;=%~"
_CURES = {
    401: "it wants a user and a password, which ~/.netrc of the machine that the electron runs on may hold",
    403: "it is not public",
    404: "check the address",
    405: "the server takes no uploads by PUT",
    410: "check the address",
}


@dataclass(frozen=True)
class Web:
    """To or from a web server."""

    def copy(self, source: Place, target: Place) -> None:
        """Copy a file; a web server tells nobody what is in a folder."""
        address = source.path if source.remote else target.path
        if source.remote and target.folder:
            name = unquote(urlsplit(source.path).path.rpartition("/")[2]) or "index.html"
            target = Place(str(Path(target.path, name)))
        objects.copy(_Server(), address, source, target)


class _Server:
    """Objects whose keys are addresses."""

    def keys(self, prefix: str) -> Iterator[str]:
        raise EndFailed("remote", f"cannot be listed: {prefix} is on a web server; name each file")

    def fetch(self, key: str, file: Path) -> None:
        with _opened(urllib.request.Request(_encoded(key))) as answer, file.open("wb") as out:  # noqa: S310
            shutil.copyfileobj(answer, out, objects.CHUNK)
            expected = answer.headers.get("Content-Length")
            if expected is not None and out.tell() != int(expected):
                raise EndFailed(
                    "source",
                    f"ended after {out.tell()} of {expected} bytes: the connection broke; try again",
                )

    def send(self, file: Path, key: str) -> None:
        size = file.stat().st_size
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        with file.open("rb") as body:
            request = urllib.request.Request(_encoded(key), body, headers, method="PUT")  # noqa: S310
            with _opened(request):
                pass


def _encoded(address: str) -> str:
    return quote(address, safe=_SAFE)


@contextmanager
def _opened(request: urllib.request.Request) -> Iterator[http.client.HTTPResponse]:
    if urlsplit(request.full_url).scheme not in ("http", "https"):
        raise EndFailed("remote", "is no address of a web server")
    if authorization := _authorization(request.host):
        request.add_unredirected_header("Authorization", authorization)
    with (
        explained("remote", _reason),
        urllib.request.urlopen(request, timeout=TIMEOUT) as answer,  # noqa: S310  # http and https only
    ):
        yield answer


def _authorization(host: str) -> str | None:
    """What ~/.netrc says for a host, as curl -n and others have it."""
    try:
        known = netrc.netrc().hosts.get(host.rpartition("@")[2].partition(":")[0])
    except (OSError, netrc.NetrcParseError):
        return None
    if known is None:
        return None
    return "Basic " + b64encode(f"{known[0]}:{known[2]}".encode()).decode()


def _reason(exc: Exception) -> str | None:
    match exc:
        case urllib.error.HTTPError():
            cure = f": {_CURES[exc.code]}" if exc.code in _CURES else ""
            return f"cannot be had, the server answers {exc.code} {exc.reason}{cure}"
        case urllib.error.URLError():
            return f"cannot be reached: {exc.reason}"
        case TimeoutError():
            return f"sent nothing for {TIMEOUT:.0f} seconds"
        case http.client.HTTPException() | ConnectionError():
            return f"broke the connection: {exc or type(exc).__name__}"
        case _:
            return None
