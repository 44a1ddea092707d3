"""Ends what a crash of the offline AWS interrupted. On AWS nothing calls this: executions survive there."""

from covalent_contracts import clock
from covalent_contracts.status import Status
from covalent_control_plane import jobs, store
from covalent_control_plane.aws import Aws, aws


def fail_interrupted(reason: str) -> list[str]:
    """Mark every dispatch that was started and has not ended FAILED, and its running nodes too.

    Returns:
        The ids of these dispatches.

    """
    aws()  # binds the table
    return [item.dispatch_id for item in store.unfinished() if _fail(item.dispatch_id, reason)]


def _fail(dispatch_id: str, reason: str) -> bool:
    fail_running_nodes(aws(), dispatch_id, reason, wait=True)
    moved = store.advance(dispatch_id, Status.FAILED, error=reason, ended=clock.now())
    return moved is not None


def fail_running_nodes(aws: Aws, dispatch_id: str, reason: str, *, wait: bool = False) -> None:
    """Mark the nodes of a dispatch that are still running FAILED, and end the jobs that they have become elsewhere."""
    now = clock.now()
    running = list(store.nodes_in(dispatch_id, Status.RUNNING, Status.DISPATCHING))
    for item in running:
        store.advance_node(dispatch_id, item.node, Status.FAILED, error=reason, ended=now)
    jobs.cancel(aws, running, wait=wait)
