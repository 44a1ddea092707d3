"""Gates: waiting for parents that run in other branches.

Who parks a token and who arrives both write first and see, in the answer to the write, what the other wrote: at
least one of them sees both. Every step may be repeated without harm.
"""

from collections.abc import Collection

from covalent_contracts.envelope import Wait
from covalent_contracts.sheet import Sheet
from covalent_runner.store import Gate, Store

UPSTREAM_FAILED = "UpstreamFailed"


def wait(store: Store, event: Wait) -> None:
    """Park the token of a gate; let it go on at once if everyone is there, or if nobody will come."""
    _settle(store, store.park(event.dispatch_id, event.node, event.needs, event.token))


def arrive(store: Store, dispatch_id: str, *sheets: Sheet) -> None:
    """Let completed electrons arrive at the gates that they release, all of them with one write for each gate."""
    arrivals: dict[int, list[int]] = {}
    for sheet in sheets:
        for node in sheet.releases:
            arrivals.setdefault(node, []).append(sheet.id)
    for gate in store.arrive(dispatch_id, arrivals) if arrivals else ():
        _settle(store, gate)


def doom(store: Store, dispatch_id: str, nodes: Collection[int]) -> None:
    """Tell the gates of `nodes` that a parent will never arrive."""
    for gate in store.doom(dispatch_id, nodes):
        _settle(store, gate)


def _settle(store: Store, gate: Gate) -> None:
    if not gate.token:
        return
    if gate.failed:
        store.refuse(gate.token, UPSTREAM_FAILED, f"electron {gate.node} needs one that failed")
    elif gate.is_open:
        store.release(gate.token)
