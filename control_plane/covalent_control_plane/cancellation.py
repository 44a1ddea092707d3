"""Cancels a dispatch, or some of its tasks.

The record says so first, and that decides: of cancelling and ending one comes first, and a task that is CANCELLED can
be neither claimed nor committed. Then what runs is stopped: the execution, with all that it waits for, the dispatches
of sublattices, and jobs elsewhere (`jobs`). What no call can stop, a process that runs an electron, looks at its record
from time to time (`covalent_runner.watcher`).

Each step may be repeated. Cancelling once more does again what the first one may not have come to, and so does the end
of the execution (`finish`).
"""

from collections.abc import Collection, Iterable, Sequence

from covalent_contracts import clock
from covalent_contracts.api import Cancelled, CancelRequest
from covalent_contracts.errors import InvalidWorkflow
from covalent_contracts.manifest import Manifest
from covalent_contracts.status import Status
from covalent_control_plane import dispatches, jobs, machines, manifests, outcomes, store
from covalent_control_plane.aws import Aws
from covalent_control_plane.items import DispatchItem, NodeItem
from covalent_control_plane.telemetry import annotate, log


def cancel(aws: Aws, owner: str, dispatch_id: str, request: CancelRequest) -> Cancelled:
    """Cancel what is asked for; what has ended stays as it is, and the answer says so.

    Raises:
        NotFound: there is no such dispatch, or it is someone else's.
        InvalidWorkflow: it has no such task.

    """
    annotate(dispatch_id)
    item = dispatches.owned(owner, dispatch_id)
    if request.task_ids is None:
        return _whole(aws, item)
    return _tasks(aws, item, sorted(set(request.task_ids)))


def settle(aws: Aws, item: DispatchItem) -> None:
    """End what still runs of a dispatch that is CANCELLED: its nodes, and the dispatches of its sublattices."""
    running = list(store.to_stop(item.dispatch_id))
    _cancel_children(aws, running)
    at = clock.now()
    nodes = [each.node for each in running if not each.state.is_final]
    list(aws.threads.map(lambda node: store.cancel_node(item.dispatch_id, node, at), nodes))
    jobs.cancel(aws, running)


def _whole(aws: Aws, item: DispatchItem) -> Cancelled:
    state = _end(aws, item)
    if state is not Status.CANCELLED:
        return _too_late(item.dispatch_id, state)
    return Cancelled(message=f"Dispatch {item.dispatch_id} cancelled.", status=state)


def _end(aws: Aws, item: DispatchItem) -> Status:
    """Make a dispatch CANCELLED and stop what runs of it.

    Returns:
        Its state; it may have ended before.

    """
    dispatch_id = item.dispatch_id
    moved = store.advance(dispatch_id, Status.CANCELLED, ended=clock.now())
    now = moved or store.find(dispatch_id) or item
    if now.state is Status.CANCELLED:
        machines.stop(aws, item.machine, dispatch_id)
        settle(aws, item)
    if moved is not None:
        outcomes.measure_dispatch(moved)
        log().info("cancelled", correlation_id=dispatch_id)
    return now.state


def _tasks(aws: Aws, item: DispatchItem, tasks: Sequence[int]) -> Cancelled:
    dispatch_id = item.dispatch_id
    _refuse_others(manifests.load(aws, dispatch_id, item.manifest), tasks)
    if not store.expect_cancelled(dispatch_id):
        return _too_late(dispatch_id, (store.find(dispatch_id) or item).state)
    at = clock.now()
    list(aws.threads.map(lambda node: store.cancel_node(dispatch_id, node, at), tasks))
    found = store.nodes(dispatch_id, tasks)
    cancelled = [node for node in tasks if _state(found.get(node)) is Status.CANCELLED]
    _cancel_children(aws, [found[node] for node in cancelled])
    jobs.cancel(aws, [found[node] for node in cancelled])
    log().info("tasks cancelled", correlation_id=dispatch_id, tasks=cancelled)
    ended = [
        f"Task {node} is {_state(found[node])} already." for node in tasks if node not in cancelled
    ]
    told = [f"Cancelled tasks {cancelled} in dispatch {dispatch_id}."] if cancelled else []
    status = (store.find(dispatch_id) or item).state
    return Cancelled(message=" ".join(told + ended), status=status, task_ids=cancelled)


def _refuse_others(manifest: Manifest, tasks: Collection[int]) -> None:
    """Refuse what is no electron: other nodes are computed with one, or are constants."""
    count = len(manifest.nodes)
    for node in tasks:
        if not 0 <= node < count:
            raise InvalidWorkflow(
                f"there is no task {node}: the dispatch has nodes 0 to {count - 1}"
            )
        if not manifest.nodes[node].kind.is_heavy:
            raise InvalidWorkflow(
                f"node {node} ({manifest.nodes[node].name}) is no task: cancel the electrons beside it"
            )


def _cancel_children(aws: Aws, records: Iterable[NodeItem]) -> None:
    for record in records:
        child = record.sub_dispatch_id and store.find(record.sub_dispatch_id)
        if child:
            _end(aws, child)


def _too_late(dispatch_id: str, state: Status) -> Cancelled:
    return Cancelled(
        message=f"Dispatch {dispatch_id} is {state} already: nothing was cancelled.", status=state
    )


def _state(record: NodeItem | None) -> Status:
    return Status.NEW_OBJECT if record is None else record.state
