"""What is recorded of one dispatch: asked for on first use, and kept from then on."""

from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple

from covalent._dispatch.client import Client, connect, parse_manifest
from covalent._dispatch.download import Assets, checked, fetch, watched
from covalent._dispatch.parallel import in_parallel
from covalent._dispatch.recent import recall
from covalent._dispatch.reception import Watch
from covalent._results_manager.waiting import settled
from covalent_contracts.api import (
    MAX_NODES_PER_REQUEST,
    Download,
    NodeRecord,
    NodesRequest,
    Summary,
    Value,
)
from covalent_contracts.errors import NotFound
from covalent_contracts.manifest import Manifest


class Part(NamedTuple):
    """Something of a node that may be too long for its record: `output`, `stdout`, `stderr` or `attachments`."""

    node: int
    what: str


class Record:
    """One dispatch as the control plane knows it.

    Pickling keeps what was read so far, as bytes; the rest is asked for again, where the reader's configuration
    says. Nothing is ever unpickled here.
    """

    def __init__(
        self, summary: Summary, client: Client | None = None, dispatcher_addr: str | None = None
    ) -> None:
        self.summary = summary
        self._client = client
        self._dispatcher_addr = dispatcher_addr
        sent = recall(summary.dispatch_id)
        self._manifest: Manifest | None = sent.manifest if sent else None
        self._objects: Mapping[str, bytes] = sent.objects if sent else {}
        self._nodes: dict[int, NodeRecord] = {}
        self._parts: dict[Part, bytes | None] = {}
        self._children: dict[int, Record] = {}

    @property
    def client(self) -> Client:
        """The control plane that knows the dispatch."""
        if self._client is None:
            self._client = connect(self._dispatcher_addr)
        return self._client

    @property
    def manifest(self) -> Manifest:
        """The graph as it was dispatched."""
        if self._manifest is None:
            self._manifest = self._read_manifest()
        return self._manifest

    @cached_property
    def assets(self) -> Assets:
        """What was uploaded with the dispatch."""
        return Assets(lambda: self.client, self.summary.dispatch_id, self._objects, self._sizes)

    def nodes(self, ids: Sequence[int]) -> list[NodeRecord]:
        """Records of nodes, in the order asked for; those not read before are asked for many at a time.

        Raises:
            NotFound: there is no such node.

        """
        for node in ids:
            if not 0 <= node < self.summary.nodes:
                raise NotFound(f"dispatch {self.summary.dispatch_id} has no node {node}")
        missing = [node for node in dict.fromkeys(ids) if node not in self._nodes]
        pages = [
            tuple(missing[start : start + MAX_NODES_PER_REQUEST])
            for start in range(0, len(missing), MAX_NODES_PER_REQUEST)
        ]
        for _, records in in_parallel(self._ask, pages):
            self._nodes.update((record.id, record) for record in records)
        return [self._nodes[node] for node in ids]

    def load(self, parts: Iterable[Part]) -> None:
        """Fetch what is not here yet of these parts; parts that do not exist are left out."""
        wanted = [part for part in dict.fromkeys(parts) if part not in self._parts]
        if not wanted:
            return
        self.nodes([part.node for part in wanted])
        remote = [part for part in wanted if self._url(part)]
        self._parts.update((part, self._inline(part)) for part in set(wanted).difference(remote))
        with watched(sum(map(self._size, remote))) as watch:
            for part, data in in_parallel(partial(self._fetch, watch), remote, watch.stop):
                self._parts[part] = data

    def read(self, part: Part) -> bytes | None:
        """The bytes of a part; None if there are none.

        Raises:
            CorruptedObject: the bytes are not those that were recorded.

        """
        self.load([part])
        return self._parts[part]

    def children(self, ids: Sequence[int]) -> "Mapping[int, Record]":
        """The dispatches that sublattices among these nodes have become, by node."""
        wanted = [node for node in ids if node not in self._children]
        records = ((record.id, record.sub_dispatch_id) for record in self.nodes(wanted))
        for (node, _), child in in_parallel(self._ask_child, [each for each in records if each[1]]):
            self._children[node] = child
        return {node: self._children[node] for node in ids if node in self._children}

    def __getstate__(self) -> dict[str, Any]:
        return {
            "dispatcher_addr": self._dispatcher_addr,
            "summary": self.summary.model_dump_json(),
            "manifest": self._manifest and self._manifest.model_dump_json(),
            "objects": dict(self.assets.objects),
            "nodes": [record.model_dump_json() for record in self._nodes.values()],
            "children": self._children,
            "parts": {tuple(part): data for part, data in self._parts.items()},
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        summary = Summary.model_validate_json(state["summary"])
        Record.__init__(self, summary, dispatcher_addr=state["dispatcher_addr"])
        records = (NodeRecord.model_validate_json(text) for text in state["nodes"])
        self._manifest = parse_manifest(state["manifest"]) if state["manifest"] else None
        self._objects = state["objects"]
        self._nodes = {record.id: record for record in records}
        self._parts = {Part(*key): data for key, data in state["parts"].items()}
        self._children = state.get("children", {})

    def _read_manifest(self) -> Manifest:
        dispatch_id = self.summary.dispatch_id
        download = self.client.manifest(dispatch_id)
        data = fetch(
            self.client.connection, download.url, lambda: self.client.manifest(dispatch_id).url
        )
        if download.digest:
            checked(data, download.digest, f"the manifest of dispatch {dispatch_id}")
        return parse_manifest(data)

    def _ask_child(self, wanted: tuple[int, str | None]) -> "Record":
        """The node may be final a moment before its own dispatch is: whoever ends that hears of it by an event."""
        node, child_id = wanted
        is_final = self._nodes[node].status.is_final
        summary = (
            settled(self.client, child_id or "")
            if is_final
            else self.client.summary(child_id or "")
        )
        return Record(summary, self._client, self._dispatcher_addr)

    def _ask(self, ids: Sequence[int]) -> list[NodeRecord]:
        """One page of records, in as many answers as the control plane makes of it."""
        found: dict[int, NodeRecord] = {}
        rest = list(ids)
        while rest:
            answer = self.client.nodes(self.summary.dispatch_id, NodesRequest(ids=rest))
            found.update((record.id, record) for record in answer.nodes)
            before, rest = rest, [node for node in rest if node not in found]
            if len(rest) == len(before):
                raise NotFound(
                    f"nodes {rest} of dispatch {self.summary.dispatch_id} have no record"
                )
        return list(found.values())

    def _inline(self, part: Part) -> bytes | None:
        record = self._nodes[part.node]
        if part.what == "output":
            value = record.value
            if value is None or value.inline is None:
                return None
            return self._checked(part, value.digest, b64decode(value.inline))
        if part.what == "attachments":
            return None
        text: str | None = getattr(record, part.what)
        return None if text is None else text.encode()

    def _url(self, part: Part) -> str | None:
        record = self._nodes[part.node]
        if part.what == "output":
            return record.value.url if record.value else None
        if part.what == "attachments":
            return record.attachments.url if record.attachments else None
        url: str | None = getattr(record, f"{part.what}_url")
        return url

    def _sizes(self) -> dict[str, int]:
        """What the manifest tells of objects, by digest."""
        return {each.digest: each.size for each in self.manifest.uploads}

    def _size(self, part: Part) -> int:
        """How long an output is; of other parts that is not known."""
        value = self._nodes[part.node].value
        return value.size if part.what == "output" and value else 0

    def _fetch(self, watch: Watch, part: Part) -> bytes:
        digest = self._digest(part)
        url = self._url(part) or ""
        data = fetch(self.client.connection, url, lambda: self._renew(part), watch)
        return data if digest is None else self._checked(part, digest, data)

    def _renew(self, part: Part) -> str:
        [self._nodes[part.node]] = self._ask([part.node])
        return self._url(part) or ""

    def _digest(self, part: Part) -> str | None:
        """What the bytes of a part must have; of streams that is not known."""
        record = self._nodes[part.node]
        described: dict[str, Value | Download | None] = {
            "output": record.value,
            "attachments": record.attachments,
        }
        found = described.get(part.what)
        return found.digest if found else None

    def _checked(self, part: Part, digest: str, data: bytes) -> bytes:
        names = {"output": "the output", "attachments": "what was left beside the output"}
        what = f"{names[part.what]} of node {part.node} of dispatch {self.summary.dispatch_id}"
        return checked(data, digest, what)
