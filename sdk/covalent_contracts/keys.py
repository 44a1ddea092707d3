"""Where objects lie in the bucket."""

SHEETS_PER_PAGE = 256
"""Nodes whose sheets share one object: few reads for a warm runner, small objects for a cold one."""


def asset(owner: str, digest: str) -> str:
    """An uploaded asset or pack, shared by all dispatches of its owner."""
    return f"assets/{owner}/{digest}"


def manifest(dispatch_id: str) -> str:
    """The manifest as the control plane accepted it."""
    return f"dispatches/{dispatch_id}/manifest.json"


def machines(dispatch_id: str) -> str:
    """The compiled state machines: a JSON list of [name, definition], the one to start last."""
    return f"dispatches/{dispatch_id}/machines.json"


def event(dispatch_id: str) -> str:
    """The event that a trigger has started the dispatch for, as JSON."""
    return f"dispatches/{dispatch_id}/event.json"


def page_of(node: int) -> int:
    """The page that holds a node's sheet."""
    return node // SHEETS_PER_PAGE


def sheets(dispatch_id: str, page: int) -> str:
    """One page of sheets, see `covalent_contracts.sheet`."""
    return f"dispatches/{dispatch_id}/sheets/{page}.json"


def output(dispatch_id: str, node: int, digest: str) -> str:
    """A node's output. The digest keeps a late duplicate from overwriting the committed one."""
    return f"dispatches/{dispatch_id}/nodes/{node}/output/{digest}"


def output_prefix(dispatch_id: str) -> str:
    """What the keys of all outputs of a dispatch begin with."""
    return f"dispatches/{dispatch_id}/nodes/"


def sub_manifest(dispatch_id: str, node: int) -> str:
    """The manifest that building a sublattice node has given; the first one stays."""
    return f"dispatches/{dispatch_id}/nodes/{node}/sub/manifest.json"


def stream(dispatch_id: str, node: int, name: str, digest: str) -> str:
    """What a node wrote to `stdout` or `stderr`, where it is too long for its record."""
    return f"dispatches/{dispatch_id}/nodes/{node}/{name}/{digest}"


def attachments(dispatch_id: str, node: int, digest: str) -> str:
    """What a node's code has left beside its output (`covalent_contracts.attachments`)."""
    return stream(dispatch_id, node, "attachments", digest)


def errand(dispatch_id: str, node: int, attempt: int) -> str:
    """What a runner far away has to do in a try (`covalent_contracts.ticket`)."""
    return f"dispatches/{dispatch_id}/nodes/{node}/remote/{attempt}/errand.json"


def verdict(dispatch_id: str, node: int, attempt: int) -> str:
    """What became of that try, as the runner far away has put it."""
    return f"dispatches/{dispatch_id}/nodes/{node}/remote/{attempt}/verdict"


def program(digest: str) -> str:
    """The runner as one file."""
    return f"programs/{digest}.pyz"
