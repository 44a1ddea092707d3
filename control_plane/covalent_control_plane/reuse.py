"""What a redispatch takes over of the dispatch before it: records of completed nodes, and the objects that they name.

It happens before the new dispatch appears, so whoever can see it, and whatever starts it, finds the records there.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from covalent_contracts import keys, records
from covalent_contracts.clock import now
from covalent_contracts.errors import Conflict, InvalidWorkflow, NotFound, Unavailable
from covalent_contracts.manifest import Manifest
from covalent_contracts.status import Status
from covalent_control_plane import objects, store
from covalent_control_plane.aws import Aws
from covalent_control_plane.items import DispatchItem, NodeItem

BATCH = 25
"""Records that one request writes."""
PATIENCE = 18.0
"""Seconds within which a batch may begin: API Gateway waits 29 s for the answer."""
_STREAMS = ("stdout", "stderr", "attachments")
"""What a record may have an object of, beside its output."""


def check(owner: str, manifest: Manifest) -> None:
    """Refuse a redispatch of what is not the owner's, and to reuse what is not there.

    Raises:
        NotFound: the dispatch to repeat is not there, or someone else's.
        InvalidWorkflow: it has no such node.
        Conflict: a node to reuse is not COMPLETED.

    """
    before = manifest.redispatch_of
    if before is None:
        return
    item = store.find(before)
    if item is None or item.owner != owner:
        raise NotFound(f"there is no dispatch {before}")
    wanted = set(_taken_over(manifest).values())
    _check_nodes(item, wanted)


def _check_nodes(item: DispatchItem, wanted: set[int]) -> None:
    beyond = [node for node in wanted if node >= item.nodes]
    if beyond:
        raise InvalidWorkflow(f"dispatch {item.dispatch_id} has no node {min(beyond)} to reuse")
    if not wanted:
        return
    completed = {each.node for each in store.outcomes(item.dispatch_id) if _is_completed(each)}
    lacking = wanted - completed
    if lacking:
        raise Conflict(
            f"node {min(lacking)} of dispatch {item.dispatch_id} is not COMPLETED and cannot be reused"
        )


def take_over(aws: Aws, manifest: Manifest, clock: Callable[[], float] = time.monotonic) -> None:
    """Write the records of reused nodes. Twice is the same as once; what was cut short goes on where it ended.

    Raises:
        Conflict: a record or an object to take over is gone.
        Unavailable: there are too many for one call; the next one goes on.

    """
    before = manifest.redispatch_of
    reused = _taken_over(manifest)
    if before is None or not reused:
        return
    latest = clock() + PATIENCE
    done = {each.node for each in store.outcomes(manifest.dispatch_id)}
    open_nodes = [node for node in reused if node not in done]
    found = store.nodes(before, {reused[node] for node in open_nodes})
    at = now()

    def copy(nodes: Sequence[int]) -> bool:
        if clock() > latest:
            return False
        made = [_made(manifest, node, _found(found, before, reused[node]), at) for node in nodes]
        for new, old in made:
            _copy_objects(aws, old, new)
        store.put_nodes(new for new, _ in made)
        return True

    if not all(list(aws.threads.map(copy, _batches(open_nodes)))):
        raise Unavailable(
            f"dispatch {manifest.dispatch_id} is still taking over results: start it again"
        )


def _batches(nodes: Sequence[int]) -> list[Sequence[int]]:
    return [nodes[start : start + BATCH] for start in range(0, len(nodes), BATCH)]


def _taken_over(manifest: Manifest) -> dict[int, int]:
    return {node.id: node.reused for node in manifest.nodes if node.reused is not None}


def _is_completed(record: NodeItem) -> bool:
    return record.state is Status.COMPLETED


def _found(found: Mapping[int, NodeItem], dispatch_id: str, node: int) -> NodeItem:
    record = found.get(node)
    if record is None or not _is_completed(record):
        raise Conflict(f"node {node} of dispatch {dispatch_id} is no longer there to be reused")
    return record


def _made(manifest: Manifest, node: int, old: NodeItem, at: int) -> tuple[NodeItem, NodeItem]:
    """The record of a node that takes over another one's, and that one."""
    dispatch_id = manifest.dispatch_id
    taken = {name: value for name, value in old.attribute_values.items() if name not in _OWN}
    streams = {f"{name}_key": _stream_key(dispatch_id, node, name, old) for name in _STREAMS}
    fields = taken | {name: key for name, key in streams.items() if key}
    pk, sk = records.dispatch_pk(dispatch_id), records.node_sk(node)
    return NodeItem(pk, sk, started=at, ended=at, **fields), old


_OWN = frozenset({"pk", "sk", "started", "ended"})
"""What a record does not hand on."""


def _stream_key(dispatch_id: str, node: int, name: str, old: NodeItem) -> str | None:
    key: str | None = getattr(old, f"{name}_key")
    return key and keys.stream(dispatch_id, node, name, key.rpartition("/")[2])


def _copy_objects(aws: Aws, old: NodeItem, new: NodeItem) -> None:
    for source, target in _objects(old, new):
        objects.copy(aws, source, target)


def _objects(old: NodeItem, new: NodeItem) -> Iterator[tuple[str, str]]:
    """Where the objects of a record lie, and where they are to lie."""
    if old.digest is not None and old.output is None:
        yield (
            keys.output(old.dispatch_id, old.node, old.digest),
            keys.output(new.dispatch_id, new.node, old.digest),
        )
    for name in _STREAMS:
        source, target = getattr(old, f"{name}_key"), getattr(new, f"{name}_key")
        if source and target:
            yield source, target
