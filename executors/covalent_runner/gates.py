"""Gates: waiting for parents that run in other branches.

Who parks a token and who arrives both write first and see, in the answer to the write, what the other wrote: at
least one of them sees both. Every step may be repeated without harm.
"""

from covalent_contracts.envelope import Wait
from covalent_contracts.sheet import Sheet
from covalent_runner.store import Gate, Store

UPSTREAM_FAILED = "UpstreamFailed"


def wait(store: Store, event: Wait) -> None:
    """Park the token of a gate; let it go on at once if everyone is there, or if nobody will come."""
    _settle(store, store.park(event.dispatch_id, event.node, event.needs, event.token))


def arrive(store: Store, dispatch_id: str, sheet: Sheet) -> None:
    """Let a completed electron arrive at the gates that it releases."""
    if sheet.releases:
        for gate in store.arrive(dispatch_id, sheet.id, sheet.releases):
            _settle(store, gate)


def doom(store: Store, dispatch_id: str, nodes: list[int]) -> None:
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
