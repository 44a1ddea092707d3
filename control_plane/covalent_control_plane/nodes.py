"""What is recorded of a dispatch's nodes, merged with what follows for those that have no record of their own."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from covalent_contracts import keys
from covalent_contracts.api import (
    MAX_NODES_PER_REQUEST,
    Download,
    NodeRecord,
    Nodes,
    NodesRequest,
    Value,
)
from covalent_contracts.errors import InvalidWorkflow
from covalent_contracts.manifest import Manifest, Node, NodeKind
from covalent_contracts.status import Status
from covalent_control_plane import answers, dispatches, manifests, objects, store
from covalent_control_plane.aws import Aws
from covalent_control_plane.callers import Caller
from covalent_control_plane.items import DispatchItem, NodeItem

_DERIVED = (NodeKind.PARAMETER, NodeKind.COLLECTION, NodeKind.POSTPROCESS)


def nodes(aws: Aws, caller: Caller, dispatch_id: str, request: NodesRequest) -> Nodes:
    """Records of the nodes asked for, in order of id; as many as one answer can hold.

    Raises:
        NotFound: there is no such dispatch.
        InvalidWorkflow: it has no node of an id asked for.

    """
    dispatch = dispatches.readable(aws, caller, dispatch_id)
    manifest = manifests.load(aws, dispatch_id, dispatch.manifest)
    ids = _wanted(request, len(manifest.nodes))
    state = _read(dispatch, manifest, ids)
    shown = answers.fitting(_show(aws, state, manifest.nodes[node]) for node in ids)
    return Nodes(nodes=list(shown), cursor=_rest(request, ids, shown, len(manifest.nodes)))


@dataclass(frozen=True)
class State:
    """A dispatch, its manifest, and the records of some of its nodes."""

    dispatch: DispatchItem
    manifest: Manifest
    records: Mapping[int, NodeItem]

    def status(self, node: Node) -> Status:
        """Where a node stands."""
        match node.kind:
            case NodeKind.PARAMETER:
                return Status.COMPLETED if self._has_begun else Status.NEW_OBJECT
            case NodeKind.POSTPROCESS:
                return Status.COMPLETED if self._is_complete else Status.NEW_OBJECT
            case NodeKind.COLLECTION:
                return self._collected(node.id)
            case _:
                record = self.records.get(node.id)
                return Status.NEW_OBJECT if record is None else record.state

    @property
    def _is_complete(self) -> bool:
        return self.dispatch.state is Status.COMPLETED

    @property
    def _has_begun(self) -> bool:
        return not self.dispatch.state.may_become(Status.RUNNING)

    def _collected(self, node: int) -> Status:
        parts = (self.manifest.nodes[part] for part in self.parts(node))
        done = self._is_complete or all(self.status(part) is Status.COMPLETED for part in parts)
        return Status.COMPLETED if done else Status.NEW_OBJECT

    def parts(self, collection: int) -> Iterator[int]:
        """The nodes whose values a collection holds, through collections within it."""
        pending, seen = [collection], {collection}
        while pending:
            for source in self._sources.get(pending.pop(), ()):
                if source in seen:
                    continue
                seen.add(source)
                if self.manifest.nodes[source].kind is NodeKind.COLLECTION:
                    pending.append(source)
                else:
                    yield source

    @cached_property
    def _sources(self) -> Mapping[int, Sequence[int]]:
        found: dict[int, list[int]] = {}
        for edge in self.manifest.edges:
            if self.manifest.nodes[edge.target].kind is NodeKind.COLLECTION:
                found.setdefault(edge.target, []).append(edge.source)
        return found


def _wanted(request: NodesRequest, total: int) -> Sequence[int]:
    if request.ids is None:
        first = max(0, request.cursor or 0)
        return range(first, min(total, first + MAX_NODES_PER_REQUEST))
    wanted = sorted(set(request.ids))
    if wanted and not 0 <= wanted[0] <= wanted[-1] < total:
        raise InvalidWorkflow(f"the dispatch has nodes 0 to {total - 1} only")
    return wanted


def _read(dispatch: DispatchItem, manifest: Manifest, ids: Sequence[int]) -> State:
    """Read the records of nodes, and of those that collections among them depend on."""
    bare = State(dispatch, manifest, {})
    wanted = {node for node in ids if manifest.nodes[node].kind not in _DERIVED}
    found = store.nodes(dispatch.dispatch_id, wanted)
    if dispatch.state is not Status.COMPLETED:
        parts = {part for node in _collections(manifest, ids) for part in bare.parts(node)}
        beyond = {part for part in parts - wanted if manifest.nodes[part].kind not in _DERIVED}
        found |= store.nodes(dispatch.dispatch_id, beyond)
    return State(dispatch, manifest, found)


def _collections(manifest: Manifest, ids: Sequence[int]) -> Iterator[int]:
    return (node for node in ids if manifest.nodes[node].kind is NodeKind.COLLECTION)


def _show(aws: Aws, state: State, node: Node) -> NodeRecord:
    status = state.status(node)
    record = state.records.get(node.id)
    if node.kind in _DERIVED or record is None:
        return NodeRecord(id=node.id, name=node.name, kind=node.kind, status=status)
    return NodeRecord(
        id=node.id,
        name=node.name,
        kind=node.kind,
        status=status,
        started=record.started,
        ended=record.ended,
        value=_value(aws, state.dispatch.dispatch_id, record),
        error=record.error,
        stdout=record.stdout,
        stderr=record.stderr,
        stdout_url=_address(aws, record.stdout_key),
        stderr_url=_address(aws, record.stderr_key),
        attachments=_download(aws, record.attachments_key),
        sub_dispatch_id=record.sub_dispatch_id,
    )


def _value(aws: Aws, dispatch_id: str, record: NodeItem) -> Value | None:
    if record.digest is None or record.state is not Status.COMPLETED:
        return None
    key = keys.output(dispatch_id, record.node, record.digest)
    return Value(
        digest=record.digest,
        size=record.size or 0,
        type=record.kind or "",
        inline=None if record.output is None else b64encode(record.output).decode(),
        url=_address(aws, key) if record.output is None else None,
    )


def _address(aws: Aws, key: str | None) -> str | None:
    return None if key is None else objects.get_address(aws, key)


def _download(aws: Aws, key: str | None) -> Download | None:
    """An object whose key ends with its digest."""
    if key is None:
        return None
    return Download(digest=key.rpartition("/")[2], url=objects.get_address(aws, key))


def _rest(
    request: NodesRequest, ids: Sequence[int], shown: Sequence[NodeRecord], total: int
) -> int | None:
    """The first node that is still to be shown."""
    if len(shown) < len(ids):
        return ids[len(shown)]
    after = ids[-1] + 1 if ids else total
    return after if request.ids is None and after < total else None
