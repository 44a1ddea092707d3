"""Presigned addresses to bytes. What will be unpickled is checked against its recorded digest first."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from covalent._dispatch.client import Client
from covalent._dispatch.connection import Connection
from covalent._dispatch.parallel import in_parallel
from covalent._dispatch.problems import is_expired
from covalent._dispatch.progress import shown
from covalent._dispatch.reception import Watch
from covalent_contracts.api import MAX_ASSETS_PER_REQUEST, Download
from covalent_contracts.errors import CorruptedObject, NotFound, Unavailable
from covalent_contracts.ids import digest_of
from covalent_contracts.manifest import Asset


@contextmanager
def watched(total: int) -> Iterator[Watch]:
    """Show how far the downloads in the block are, `total` bytes in all."""
    with shown(total, "Downloading") as advance:
        yield Watch(advance)


def fetch(
    connection: Connection, url: str, renew: Callable[[], str], watch: Watch | None = None
) -> bytes:
    """GET an object; where its address has expired, once more from the one that `renew` gives.

    A session may end sooner than its address, so every refusal counts as one.

    Args:
        connection: To the object store.
        url: Its address.
        renew: Gives a new address.
        watch: Is told how far it is.

    Raises:
        NotFound: the object is no longer stored.
        Unavailable: the object store does not give it.

    """
    response = connection.get(url, watch=watch)
    if is_expired(response):
        response = connection.get(renew(), watch=watch)
    if response.is_success:
        return response.content
    name = response.request.url.path
    if response.status_code == 404:
        raise NotFound(f"the object {name} is no longer stored")
    raise Unavailable(
        f"the object store did not give {name}: {response.status_code} {response.text[:200]}"
    )


def checked(data: bytes, digest: str, what: str) -> bytes:
    """The bytes, if they are those that were recorded.

    Raises:
        CorruptedObject: they are not; `what` says what they should have been.

    """
    if digest_of(data) != digest:
        raise CorruptedObject(
            f"{what} is damaged: {len(data)} bytes came whose SHA-256 is not {digest}"
        )
    return data


class Assets:
    """The uploaded objects of one dispatch: fetched once each, many at a time."""

    def __init__(
        self,
        client: Callable[[], Client],
        dispatch_id: str,
        objects: Mapping[str, bytes] | None = None,
        sizes: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """Fetch nothing yet.

        Args:
            client: Gives the control plane.
            dispatch_id: Whose objects these are.
            objects: Those that are here already, by digest.
            sizes: Gives the sizes of all of them, as far as they are known.

        """
        self._client = client
        self._dispatch_id = dispatch_id
        self._sizes = sizes
        self.objects = dict(objects or {})

    def load(self, assets: Iterable[Asset]) -> None:
        """Fetch the objects that hold these assets, as far as they are not here."""
        homes = {asset.pack or asset.digest for asset in assets}
        missing = sorted(homes - self.objects.keys())
        if not missing:
            return
        sizes = self._sizes()
        with watched(sum(sizes.get(digest, 0) for digest in missing)) as watch:
            for start in range(0, len(missing), MAX_ASSETS_PER_REQUEST):
                self._load(missing[start : start + MAX_ASSETS_PER_REQUEST], watch)

    def _load(self, digests: Sequence[str], watch: Watch) -> None:
        downloads = self._client().assets(self._dispatch_id, digests).downloads
        pairs = list(zip(digests, downloads, strict=True))
        for (digest, _), data in in_parallel(partial(self._fetch, watch), pairs, watch.stop):
            self.objects[digest] = data

    def read(self, asset: Asset) -> bytes:
        """The bytes of an asset.

        Raises:
            CorruptedObject: what is stored is not what was uploaded.

        """
        home = asset.pack or asset.digest
        if home not in self.objects:
            self.load([asset])
        data = self.objects[home]
        if asset.pack is None:
            return data
        part = data[asset.offset : asset.offset + asset.size]
        return checked(part, asset.digest, f"asset {asset.digest} of dispatch {self._dispatch_id}")

    def _fetch(self, watch: Watch, pair: tuple[str, Download]) -> bytes:
        digest, download = pair
        data = fetch(self._client().connection, download.url, lambda: self._renew(digest), watch)
        return checked(data, digest, f"object {digest} of dispatch {self._dispatch_id}")

    def _renew(self, digest: str) -> str:
        return self._client().assets(self._dispatch_id, [digest]).downloads[0].url
