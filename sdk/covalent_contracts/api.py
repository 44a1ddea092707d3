"""The requests and answers of the HTTP API, beside the manifest itself.

POST /api/v1/dispatches                     Manifest          -> 201 Registered
POST /api/v1/dispatches/{id}/start          (?run=false)      -> 202 Summary
POST /api/v1/dispatches/{id}/cancel         CancelRequest     -> 200 Cancelled (owner only)
GET  /api/v1/dispatches                     ?limit&cursor     -> 200 Listing
GET  /api/v1/dispatches/{id}                                  -> 200 Summary
GET  /api/v1/dispatches/{id}/manifest                         -> 200 Download
POST /api/v1/dispatches/{id}/nodes          NodesRequest      -> 200 Nodes
POST /api/v1/dispatches/{id}/assets         AssetsRequest     -> 200 Downloads
GET  /api/v1/dispatches/{id}/sharing                          -> 200 Sharing   (owner only)
PUT  /api/v1/dispatches/{id}/sharing        Sharing           -> 200 Sharing   (owner only)
POST /api/v1/tickets/renew                  Renewal           -> 200 Renewed   (whoever has the capability)
GET  /api/v1/health                                           -> 200 Health
GET  /api/v1/openapi.json

Errors are application/problem+json: `Problem`. Whom a dispatch is shared with may show it and read its manifest, nodes
and assets; all else is 404 for everyone but the owner.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from covalent_contracts.manifest import Digest, DispatchId
from covalent_contracts.status import Status

PREFIX = "/api/v1"
MAX_NODES_PER_REQUEST = 500
"""Nodes in one answer: 500 inline outputs of 4 KB, base64, stay under API Gateway's and Lambda's 6 MB."""
MAX_ASSETS_PER_REQUEST = 1000
MAX_TASKS_PER_REQUEST = 1000
MAX_READERS = 100
"""Principals that a dispatch can be shared with."""
GATEWAY = "gateway"
"""What `Problem.extra` has of an answer that API Gateway gave without asking the function: its type."""
GATEWAY_BYTES = 10 * 1024 * 1024
"""The largest request that API Gateway takes; the function behind it takes less."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True)


class Put(_Document):
    """Where and how to upload one object; the address is valid for this key, method and checksum only."""

    digest: Digest
    url: str
    headers: dict[str, str]


class Registered(_Document):
    """The dispatch is accepted once these objects are uploaded and it is started."""

    dispatch_id: DispatchId
    uploads: list[Put]


class Summary(_Document):
    """A dispatch. Times are microseconds since the epoch."""

    dispatch_id: DispatchId
    root_dispatch_id: DispatchId
    name: str
    status: Status
    created: int
    started: int | None = None
    ended: int | None = None
    error: str | None = None
    nodes: int
    execution: str | None = None
    """ARN of the Step Functions execution."""
    redispatch_of: DispatchId | None = None
    """The dispatch that this one repeats."""
    parent: DispatchId | None = None
    """The dispatch whose node `parent_node`, a sublattice, this one is."""
    parent_node: int | None = None


class CancelRequest(_Document):
    """What to cancel: these tasks (ids of electrons), or, with None, the dispatch as a whole."""

    task_ids: Annotated[list[int], Field(min_length=1, max_length=MAX_TASKS_PER_REQUEST)] | None = (
        None
    )


class Cancelled(_Document):
    """What came of it. `status` is that of the dispatch; `task_ids` are the tasks asked for that are CANCELLED now."""

    message: str
    status: Status
    task_ids: list[int] = []


class Listing(_Document):
    """Dispatches of the caller, newest first."""

    dispatches: list[Summary]
    cursor: str | None = None


class NodesRequest(_Document):
    """Which nodes to show; None means all, paged by `cursor`."""

    ids: Annotated[list[int], Field(max_length=MAX_NODES_PER_REQUEST)] | None = None
    cursor: int | None = None


class Value(_Document):
    """A recorded output: inline (base64) or at an address."""

    digest: Digest
    size: int
    type: str = ""
    inline: str | None = None
    url: str | None = None


class Download(_Document):
    """An address to GET one object from."""

    digest: Digest | None = None
    url: str


class NodeRecord(_Document):
    """What is recorded of one node. Times are microseconds since the epoch.

    Derived nodes (parameter, collection, postprocess) carry a status but no value: theirs follows from the manifest.
    """

    id: int
    name: str
    kind: str
    status: Status
    started: int | None = None
    ended: int | None = None
    value: Value | None = None
    error: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    stdout_url: str | None = None
    stderr_url: str | None = None
    sub_dispatch_id: DispatchId | None = None
    """The dispatch that a sublattice has become."""
    attachments: Download | None = None
    """What its code has left beside its output (`covalent_contracts.attachments`)."""


class Nodes(_Document):
    """Records in order of id; `cursor` is the next id to ask for when there are more."""

    nodes: list[NodeRecord]
    cursor: int | None = None


class AssetsRequest(_Document):
    """Objects (assets or packs) of the dispatch's manifest to download."""

    digests: Annotated[list[Digest], Field(max_length=MAX_ASSETS_PER_REQUEST)]


class Downloads(_Document):
    """Addresses in the order asked for."""

    downloads: list[Download]


Principal = Annotated[
    str, StringConstraints(pattern=r"^arn:[a-z-]+:(iam|sts)::[0-9]{12}:[^\s]+$", max_length=300)
]


class Sharing(_Document):
    """Who may read a dispatch too: ARNs of IAM users, of roles, or of sessions of IAM Identity Center's roles."""

    shared_with: Annotated[list[Principal], Field(max_length=MAX_READERS)]


class Renewal(_Document):
    """What a job far away shows to get a fresh ticket: the capability in its old one."""

    dispatch_id: DispatchId
    node: Annotated[int, Field(ge=0)]
    attempt: Annotated[int, Field(ge=0)]
    capability: Annotated[str, Field(min_length=1, max_length=200)]


class Renewed(_Document):
    """A fresh ticket (`covalent_contracts.ticket.Ticket`), and the address of the runner as one file."""

    program: str
    ticket: dict[str, Any]


class Health(_Document):
    """What the deployment is. `pythons` are the Python minor versions it has runners for, `runners` their functions.

    An older deployment tells no `region` and no `runners`.
    """

    version: str
    wire: int
    pythons: list[str]
    region: str = ""
    runners: list[str] = []


class Problem(_Document):
    """An error, as RFC 9457 has it. `code` is a class name of `covalent_contracts.errors`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    extra: dict[str, Any] = {}
