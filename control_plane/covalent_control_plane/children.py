"""Dispatches of sublattices whose execution never began, although the control plane had made all ready for it.

Nothing else would ever end them: what ends a dispatch is the event that its execution has ended.
"""

import time

from covalent_contracts.status import Status
from covalent_control_plane import store
from covalent_control_plane.aws import Aws
from covalent_control_plane.items import DispatchItem, NodeItem
from covalent_control_plane.telemetry import count, log

NEVER_BEGAN = "The execution of the sublattice could not be started."


def settle(aws: Aws, record: NodeItem) -> DispatchItem | None:
    """End what a sublattice has become, if its execution never began; None if there is nothing to end.

    Args:
        aws: the clients.
        record: of a node of a dispatch whose own execution has ended.

    """
    child = None if record.sub_dispatch_id is None else store.find(record.sub_dispatch_id)
    if record.state is Status.COMPLETED or child is None or child.state.is_final:
        return None
    try:
        aws.states.describe_execution(executionArn=child.execution or "")
    except aws.states.exceptions.ExecutionDoesNotExist:
        log().warning("never began", correlation_id=child.dispatch_id)
        return _fail(child)
    return None  # its own end will be told


def _fail(child: DispatchItem) -> DispatchItem | None:
    now = time.time_ns() // 1000
    moved = store.advance(child.dispatch_id, Status.FAILED, error=NEVER_BEGAN, ended=now)
    if moved is not None:
        count("DispatchesFinished", status=Status.FAILED)
    return moved
