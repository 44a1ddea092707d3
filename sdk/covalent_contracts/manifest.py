"""What the SDK posts: a transport graph as JSON, with its assets named by digest.

The control plane checks it, keeps it and compiles it; it is also what `Result` rebuilds the graph from.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from covalent_contracts.errors import NewerWire

WIRE = 1

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
DispatchId = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeKind(StrEnum):
    """What a node is. Function and sublattice nodes are heavy, the others light."""

    FUNCTION = "function"
    SUBLATTICE = "sublattice"
    PARAMETER = "parameter"
    COLLECTION = "collection"
    ITEM = "item"
    ATTRIBUTE = "attribute"
    OPERATOR = "operator"
    POSTPROCESS = "postprocess"

    @property
    def is_heavy(self) -> bool:
        """Whether the node becomes a state of its own."""
        return self in (NodeKind.FUNCTION, NodeKind.SUBLATTICE)

    @property
    def is_recorded(self) -> bool:
        """Whether the node has an item of its own once it has started; the others follow from the manifest."""
        return self not in (NodeKind.PARAMETER, NodeKind.COLLECTION, NodeKind.POSTPROCESS)


class Asset(_Document):
    """Pickled bytes: an object of their own, or `size` bytes at `offset` of the object `pack`."""

    digest: Digest
    size: Annotated[int, Field(ge=0)]
    pack: Digest | None = None
    offset: Annotated[int, Field(ge=0)] = 0


class Upload(_Document):
    """An object that the dispatch needs in the bucket: an asset too large to be packed, or a pack."""

    digest: Digest
    size: Annotated[int, Field(ge=0)]


OWN = "own"
"""The name of every executor of a class of the user's own; its attribute `short_name` tells which one it is."""


class Executor(_Document):
    """An executor as the user configured it: short name and attributes (JSON)."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    attributes: dict[str, Any] = {}

    @property
    def known_as(self) -> str:
        """The name that its user knows it by."""
        return str(self.attributes.get("short_name", OWN)) if self.name == OWN else self.name


class Node(_Document):
    """A node of the transport graph.

    function: heavy nodes: the pickled callable.
    value:    parameter, collection, postprocess: the pickled value, electrons in it replaced by node ids.
    op:       attribute: its name; operator: a name as in `covalent_contracts.sheet.Light`.
    hooks:    what runs around the electron (`covalent_contracts.hooks`), pickled.
    executor: key into `Manifest.executors`.
    own_executor: function nodes whose executor is the user's own class, or one that needs the SDK to run an electron:
        the pickled executor object.
    needs_sdk: whether function or hooks name Covalent itself, so that they run only where the SDK is.
    reused:   the node of dispatch `Manifest.redispatch_of` whose record is taken over; this one does not run.
    """

    id: Annotated[int, Field(ge=0)]
    name: Annotated[str, Field(max_length=1024)]
    kind: NodeKind
    executor: str | None = None
    function: Asset | None = None
    hooks: Asset | None = None
    own_executor: Asset | None = None
    value: Asset | None = None
    op: str = ""
    needs_sdk: bool = False
    reused: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Node":
        if self.kind.is_heavy and (self.function is None or self.executor is None):
            raise ValueError(f"node {self.id} ({self.name}) needs a function and an executor")
        if self.kind in (NodeKind.PARAMETER, NodeKind.COLLECTION) and self.value is None:
            raise ValueError(f"node {self.id} ({self.name}) needs a value")
        if self.reused is not None and not self.kind.is_recorded:
            raise ValueError(f"node {self.id} ({self.name}) has no record that could be reused")
        return self


class Edge(_Document):
    """A dependency. `wait` edges carry no data; the others say where the value goes.

    To a heavy node: `arg` (position `index`) or `kwarg` (parameter `name`).
    To a light node: `arg`, operands by `index`.
    """

    source: Annotated[int, Field(ge=0)]
    target: Annotated[int, Field(ge=0)]
    kind: Literal["arg", "kwarg", "wait"]
    name: str = ""
    index: int = 0


class LatticeInfo(_Document):
    """The lattice itself: what `Result.lattice` and `Result.inputs` give back, and a redispatch builds on."""

    name: Annotated[str, Field(max_length=1024)]
    doc: str = ""
    function: Asset
    inputs: Asset


class Manifest(_Document):
    """One dispatch."""

    wire: int = WIRE
    dispatch_id: DispatchId
    root_dispatch_id: DispatchId
    python: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+")]
    covalent: str
    lattice: LatticeInfo
    executors: dict[str, Executor]
    nodes: list[Node]
    edges: list[Edge]
    uploads: list[Upload]
    recipe: Asset
    """The value that the lattice returns, electrons in it replaced by node ids."""
    redispatch_of: DispatchId | None = None
    """The dispatch that this one repeats, with or without changes."""

    @model_validator(mode="before")
    @classmethod
    def _not_newer(cls, document: Any) -> Any:
        """Speak of the version, not of the fields that it added."""
        wire = document.get("wire") if isinstance(document, dict) else None
        if isinstance(wire, int) and wire > WIRE:
            raise NewerWire(
                f"the manifest has wire version {wire}, this Covalent knows {WIRE}: upgrade it"
            )
        return document

    @model_validator(mode="after")
    def _whole(self) -> "Manifest":
        if [node.id for node in self.nodes] != list(range(len(self.nodes))):
            raise ValueError("node ids must count from 0 without gaps")
        for edge in self.edges:
            if max(edge.source, edge.target) >= len(self.nodes):
                raise ValueError(f"edge {edge.source} -> {edge.target} leads to a missing node")
        for node in self.nodes:
            if node.executor is not None and node.executor not in self.executors:
                raise ValueError(
                    f"node {node.id} names executor {node.executor!r}, which is missing"
                )
            if node.reused is not None and self.redispatch_of is None:
                raise ValueError(f"node {node.id} is reused, but nothing is redispatched")
        self._check_assets()
        return self

    def _check_assets(self) -> None:
        objects = {upload.digest: upload.size for upload in self.uploads}
        for asset in self.assets():
            home = asset.pack or asset.digest
            if home not in objects:
                raise ValueError(f"asset {asset.digest} lies in {home}, which is not uploaded")
            if asset.offset + asset.size > objects[home]:
                raise ValueError(f"asset {asset.digest} reaches past the end of {home}")

    def assets(self) -> Iterator[Asset]:
        """Every asset that the manifest names."""
        yield from (self.lattice.function, self.lattice.inputs, self.recipe)
        for node in self.nodes:
            parts = (node.function, node.hooks, node.own_executor, node.value)
            yield from (each for each in parts if each)
