"""What the runner needs of the outside world, in its own words."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from covalent_contracts.sheet import Page
from covalent_contracts.status import Status


@dataclass(frozen=True)
class Output:
    """A recorded output. `inline` holds its bytes if they live in the record, else they are an object."""

    digest: str
    size: int
    kind: str
    inline: bytes | None = None


@dataclass(frozen=True)
class Record:
    """What is recorded of a node that has started."""

    status: Status
    started: int | None = None
    attempt: int = 0
    failures: int = 0
    output: Output | None = None
    error: str = ""
    ended: int | None = None
    alive: int | None = None


@dataclass(frozen=True)
class Claim:
    """Whether this try may run, and what the record says now.

    `token` tells this claim from every other; who concludes a try that ran elsewhere has none.
    """

    won: bool
    record: Record
    token: str = ""


@dataclass(frozen=True)
class Outcome:
    """The last word on a node.

    `streams` are record attributes: stdout, stderr (text) or stdout_key, stderr_key; and attachments_key. `started` is
    for nodes that nobody claims.
    """

    node: int
    status: Status
    ended: int
    started: int | None = None
    output: Output | None = None
    error: str = ""
    failures: int = 0
    streams: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gate:
    """The gate in front of a node."""

    node: int
    arrived: frozenset[int] = frozenset()
    needs: int | None = None
    token: str = ""
    failed: bool = False

    @property
    def is_open(self) -> bool:
        """Whether every parent has arrived."""
        return self.needs is not None and len(self.arrived) >= self.needs


@dataclass(frozen=True)
class Dispatch:
    """How a dispatch of so many nodes stands.

    `has_failed` and `has_cancelled` tell what became of nodes before the status does.
    """

    status: Status
    nodes: int
    has_failed: bool = False
    has_cancelled: bool = False


class Objects(Protocol):
    """Immutable objects."""

    def objects(self, keys: Collection[str]) -> Mapping[str, bytes]:
        """Objects by key; those that do not exist are left out."""


class Store(Objects, Protocol):
    """The record, the objects, and the machine that waits."""

    def page(self, dispatch_id: str, page: int) -> Page:
        """One page of sheets."""

    def event(self, dispatch_id: str) -> bytes | None:
        """The event that a trigger has started the dispatch for, as JSON; None if no trigger has."""

    def put(self, key: str, body: bytes | BinaryIO) -> None:
        """Store an object."""

    def put_once(self, key: str, body: bytes) -> None:
        """Store an object, unless there is one of this key."""

    def records(self, dispatch_id: str, nodes: Collection[int]) -> Mapping[int, Record]:
        """The records of those nodes that have one."""

    def claim(self, dispatch_id: str, node: int, attempt: int, now: int) -> Claim:
        """Become the one that runs this attempt, unless as late an attempt was claimed or the node is final."""

    def hand_over(
        self, dispatch_id: str, node: int, claim: Claim, streams: Mapping[str, str]
    ) -> bool:
        """Make a sublattice DISPATCHING, unless the claim is no longer ours."""

    def dispatch(self, dispatch_id: str) -> Dispatch:
        """How a dispatch stands.

        Raises:
            LookupError: there is none, or it may not be read here.

        """

    def commit(
        self,
        dispatch_id: str,
        outcome: Outcome,
        lights: Sequence[Outcome] = (),
        claim: Claim | None = None,
    ) -> bool:
        """Write the outcome and those of hosted lights at once, unless the node is final already.

        `claim` is the caller's own; a report has none.
        """

    def commit_each(self, dispatch_id: str, outcomes: Sequence[Outcome]) -> Sequence[bool]:
        """Write each outcome unless its node is final already; side by side, not at once."""

    def record_light(self, dispatch_id: str, outcome: Outcome) -> bool:
        """Write the outcome of a light node that several electrons may compute, unless one of them has."""

    def note_failure(self, dispatch_id: str, outcome: Outcome, attempt: int) -> bool:
        """Record a failed try that will be retried, unless a later attempt was claimed."""

    def mark_failed(self, dispatch_id: str) -> None:
        """Set `has_failed` on the dispatch."""

    def mark_cancelled(self, dispatch_id: str) -> None:
        """Set `has_cancelled` on the dispatch."""

    def is_cancelled(self, dispatch_id: str, node: int) -> bool:
        """Whether the node, or the dispatch as a whole, was cancelled."""

    def show_life(self, dispatch_id: str, node: int, claim: Claim, now: int) -> None:
        """Record that a try still runs, while the claim is ours."""

    def set_job_handle(self, dispatch_id: str, node: int, handle: str) -> None:
        """Record by which name another place knows a node that runs."""

    def park(self, dispatch_id: str, node: int, needs: int, token: str) -> Gate:
        """Put the task token into the gate of `node`; return the gate as it is then."""

    def arrive(self, dispatch_id: str, arrivals: Mapping[int, Collection[int]]) -> Sequence[Gate]:
        """Let parents arrive, given by the nodes with the gates; return the gates as they are then."""

    def doom(self, dispatch_id: str, nodes: Collection[int]) -> Sequence[Gate]:
        """Mark the gates of `nodes` as failed; return them as they are then."""

    def release(self, token: str) -> None:
        """Let the waiting state go on; a token that is used up is ignored."""

    def beat(self, token: str) -> bool:
        """Tell the waiting state that its job lives; False if it does not wait any more."""

    def refuse(self, token: str, error: str, cause: str) -> None:
        """Let the waiting state fail; a token that is used up is ignored."""
