"""What items look like in the single DynamoDB table.

pk            sk            what                                     written by
D#<id>        DISPATCH      a dispatch                               control plane; the runner sets has_failed
D#<id>        DRAFT         a manifest whose assets are on their way control plane (expires by ttl)
D#<id>        N#<0000012>   a node that has started, or was cancelled   runner; control plane
D#<id>        G#<0000012>   the gate in front of node 12             runner
T#<id>        TRIGGER       a trigger                                control plane
T#<id>        E#<hash>      an event that it has seen                control plane (expires by ttl)
T#<id>        W#<time>#..   a run that waits for the one before      control plane

A node that has not started has no item: thousands of electrons cost nothing until they run. Parameters and
collections never have one; their state follows from what they are made of.

Dispatch attributes: owner, created, status, name, root_dispatch_id, nodes (their number), manifest (digest),
machine (name), execution (ARN), started, ended (microseconds since the epoch), error, has_failed (set by the
runner, never reset), has_cancelled (the same for a node that was cancelled), electrons (their number by
executor), redispatch_of (the dispatch that it repeats), shared_with (principals who may read it too), asked (when
its start was asked for), fired_by (the trigger and event that had the registered dispatch started), wakes (the
trigger whose queue goes on when it ends), and only while it is STARTING: starting, always STARTING_NOW. That of a
sublattice has no created, so that it is in no index, but adopted instead, and parent, parent_node (whose it is) and
depth (1 below the root).

Indexes: by_owner (owner, created), everything of a dispatch; by_starting (starting, created), keys only.

Draft attributes: drafted_by, registered, manifest, machine, pending (digests that were not in storage), ttl.

Node attributes: status, started, ended, attempt (the last claimed, from 0), claim (the token of that claim; a
commit replaces the item only while it is unchanged), alive (when the job that runs it last said so, in microseconds),
failures (failed tries), digest, size, kind (type name of the output), output (bytes, when small enough), error, and
stdout and stderr (text) or stdout_key and stderr_key (an object), attachments_key (an object: what was left beside the
output), and job_handle (JSON: by which name another place knows it). An error on a RUNNING node
tells that its attempt failed and will be retried. Light nodes have no attempt and no claim. A sublattice is RUNNING
while its graph is built, then DISPATCHING until its dispatch has ended; that one's id is its sub_dispatch_id.

Gate attributes: arrived (set of node ids as strings), needs, token, failed. Node 12 is the first of the
electrons behind it.

Trigger attributes: owner (`T#` and the owner, so that the index lists triggers apart from dispatches), created,
dispatch_id, kind, settings (JSON), overlap, state, fired (count), runs (the last ids), running (the run that others
wait for or are skipped for), held (since when, in seconds), pending (events of an incomplete batch), ticking (ARN of
the execution that ticks). Event attributes: outcome and run once it is settled, complete (it made a batch complete),
ttl. Attributes of a run that waits: run, event (the key of its event).
"""

PK = "pk"
SK = "sk"
DISPATCH = "DISPATCH"
DRAFT = "DRAFT"
TRIGGER = "TRIGGER"
STARTING_NOW = "1"
"""The partition of the sparse index of dispatches that are STARTING."""

INLINE_OUTPUT = 4096
"""Bytes of output that live in the node's item: under 4 KB an item is cheaper and faster than S3 (design, 5)."""

INLINE_STREAM = 2048
"""Characters of stdout or stderr that live in the node's item."""


def dispatch_pk(dispatch_id: str) -> str:
    """The partition of everything about one dispatch."""
    return f"D#{dispatch_id}"


def node_sk(node: int) -> str:
    """The sort key of a node; zero-padded, so that a query returns nodes in order."""
    return f"N#{node:07d}"


def gate_sk(node: int) -> str:
    """The sort key of the gate in front of a node."""
    return f"G#{node:07d}"


def node_of(sk: str) -> int:
    """The node id in a node's or gate's sort key."""
    return int(sk[2:])


def trigger_pk(trigger_id: str) -> str:
    """The partition of everything about one trigger."""
    return f"T#{trigger_id}"


def triggers_of(owner: str) -> str:
    """The partition of an owner's triggers in the index by owner."""
    return f"T#{owner}"


def event_sk(key: str) -> str:
    """The sort key of an event that a trigger has seen."""
    return f"E#{key}"


def waiting_sk(since: int, key: str) -> str:
    """The sort key of a run that waits since a time in microseconds; the oldest comes first."""
    return f"W#{since:020d}#{key}"
