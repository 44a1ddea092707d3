"""What building a sublattice gives, on its way from the SDK's part in a runner to the runner itself."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Built:
    """The manifest of a dispatch as JSON, and the objects that it names, by the SHA-256 of their bytes."""

    manifest: bytes
    objects: Mapping[str, bytes]
