"""Manifests as they were accepted, read from S3 once per process: they never change."""

from collections import Counter, OrderedDict
from threading import Lock

from covalent_contracts import keys
from covalent_contracts.errors import CorruptedObject
from covalent_contracts.ids import digest_of
from covalent_contracts.manifest import Manifest, Node
from covalent_control_plane import objects
from covalent_control_plane.aws import Aws

KEPT = 16
"""Manifests in memory; one of 10,000 electrons takes about 30 MB."""

_kept: OrderedDict[tuple[str, str], Manifest] = OrderedDict()
_lock = Lock()


def dump(manifest: Manifest) -> bytes:
    """The manifest as it is stored: the same bytes however it was formatted, always with its wire version."""
    stamped = manifest.model_copy(update={"wire": manifest.wire})
    return stamped.model_dump_json(exclude_unset=True).encode()


def electrons(manifest: Manifest) -> Counter[str]:
    """How many electrons a dispatch runs, by the name of their executor."""
    heavy = (node for node in manifest.nodes if node.kind.is_heavy and node.reused is None)
    return Counter(executor_of(manifest, node) for node in heavy)


def executor_of(manifest: Manifest, node: Node) -> str:
    """The name of an electron's executor."""
    return manifest.executors[node.executor].name if node.executor is not None else ""


def load(aws: Aws, dispatch_id: str, digest: str) -> Manifest:
    """The manifest of a dispatch.

    Raises:
        NotFound: it is not stored.
        CorruptedObject: it is not the one that was accepted.

    """
    with _lock:
        known = _kept.get((dispatch_id, digest))
    if known is not None:
        return known
    document = objects.read(aws, keys.manifest(dispatch_id))
    if digest_of(document) != digest:
        raise CorruptedObject(f"the manifest of dispatch {dispatch_id} was altered in the bucket")
    manifest = Manifest.model_validate_json(document)
    keep(manifest, digest)
    return manifest


def keep(manifest: Manifest, digest: str) -> None:
    """Remember a manifest; the one that was kept first is forgotten."""
    with _lock:
        _kept[manifest.dispatch_id, digest] = manifest
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
