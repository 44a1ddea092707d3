"""What the end of one execution says about the dispatches of sublattices."""

from covalent_contracts import clock
from covalent_contracts.status import Status
from covalent_control_plane import store
from covalent_control_plane.aws import Aws
from covalent_control_plane.items import DispatchItem, NodeItem
from covalent_control_plane.telemetry import count, log

NEVER_BEGAN = "The execution of the sublattice could not be started."


def settle(aws: Aws, record: NodeItem) -> DispatchItem | None:
    """End what a sublattice has become, if its execution never began although all was ready for it.

    Nothing else would ever end it: what ends a dispatch is the event that its execution has ended.

    Args:
        aws: the clients.
        record: of a node of a dispatch whose own execution has ended.

    Returns:
        The dispatch; None if there was nothing to end.

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
    now = clock.now()
    moved = store.advance(child.dispatch_id, Status.FAILED, error=NEVER_BEGAN, ended=now)
    if moved is not None:
        count("DispatchesFinished", status=Status.FAILED)
    return moved


def is_cancelled(item: DispatchItem) -> bool:
    """Whether the node that a dispatch has come of, or anything around that, was cancelled.

    When the execution of a dispatch is stopped, those of its sublattices are too; their ends may be told before
    whoever cancels has come to them.
    """
    while item.parent is not None and item.parent_node is not None:
        around = store.find(item.parent)
        node = store.nodes(item.parent, [item.parent_node]).get(item.parent_node)
        states = [each.state for each in (around, node) if each is not None]
        if around is None or Status.CANCELLED in states:
            return Status.CANCELLED in states
        item = around
    return False
