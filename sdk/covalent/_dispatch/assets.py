"""Pickled values on their way to S3: each kept once, small ones together in packs."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from covalent_contracts.ids import digest_of
from covalent_contracts.manifest import Asset, Upload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PACKED_BELOW = 64 * 1024
"""Bytes from which an asset is an object of its own."""
PACK_LENGTH = 1024 * 1024
"""Bytes that a pack may have: a runner reads one asset of it with a ranged GET."""


@dataclass(frozen=True)
class Sealed:
    """Where every asset lies, and the objects to upload, by digest."""

    assets: Mapping[str, Asset]
    objects: Mapping[str, bytes]

    @property
    def uploads(self) -> list[Upload]:
        """The objects as the manifest lists them."""
        return [Upload(digest=digest, size=len(data)) for digest, data in self.objects.items()]


class Assets:
    """Collects assets in order of creation, so that equal workflows give equal objects."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}

    def add(self, data: bytes) -> str:
        """Keep an asset.

        Returns:
            Its digest.

        """
        digest = digest_of(data)
        self._data.setdefault(digest, data)
        return digest

    def seal(self) -> Sealed:
        """Pack what has been added."""
        assets: dict[str, Asset] = {}
        objects: dict[str, bytes] = {}
        for group in _grouped(self._data.items()):
            packed = len(group[0][1]) < PACKED_BELOW
            whole = b"".join(data for _, data in group)
            home = digest_of(whole) if packed else group[0][0]
            objects[home] = whole
            offset = 0
            for digest, data in group:
                assets[digest] = Asset(
                    digest=digest, size=len(data), pack=home if packed else None, offset=offset
                )
                offset += len(data)
        return Sealed(MappingProxyType(assets), MappingProxyType(objects))


def _grouped(items: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """Assets that share an object: a large one alone, small ones until the pack is full."""
    pack: list[tuple[str, bytes]] = []
    length = 0
    for digest, data in items:
        if len(data) >= PACKED_BELOW:
            yield [(digest, data)]
            continue
        if length + len(data) > PACK_LENGTH:
            yield pack
            pack, length = [], 0
        pack.append((digest, data))
        length += len(data)
    if pack:
        yield pack
