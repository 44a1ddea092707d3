"""Ends a dispatch when its execution has ended.

The event may come twice, late, or for an execution that is not ours. Nodes are ended before the dispatch, so that the
next delivery completes what a finisher that was cut short has begun.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from covalent_contracts import clock
from covalent_contracts.ids import is_dispatch_id
from covalent_contracts.manifest import Manifest
from covalent_contracts.status import Status
from covalent_contracts.wording import in_one_line
from covalent_control_plane import cancellation, children, firing, manifests, outcomes, store
from covalent_control_plane.aws import Aws
from covalent_control_plane.interrupted import fail_running_nodes
from covalent_control_plane.items import DispatchItem, NodeItem
from covalent_control_plane.telemetry import annotate, log

ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
PATTERN = {
    "source": ["aws.states"],
    "detail-type": ["Step Functions Execution Status Change"],
    "detail": {"status": list(ENDED)},
}
"""The EventBridge rule."""
MAX_LISTED = 100
"""Failed tasks that the error of a dispatch names."""
MAX_LINE = 500
"""Characters of each."""


def finish(aws: Aws, detail: Mapping[str, Any]) -> DispatchItem | None:
    """End the dispatch of an execution.

    Args:
        aws: the clients.
        detail: the `detail` of a "Step Functions Execution Status Change" event.

    Returns:
        The dispatch, or None when there was nothing to do.

    """
    item = _dispatch(detail)
    if item is None:
        log().info("not an execution of ours", execution=detail.get("executionArn"))
        return None
    annotate(item.dispatch_id)
    if item.state is Status.CANCELLED:
        cancellation.settle(aws, item)  # what began while it was being cancelled
    moved = None if item.state.is_final else _end(aws, item, detail)
    firing.woken_by(aws, item)
    return moved


def _end(aws: Aws, item: DispatchItem, detail: Mapping[str, Any]) -> DispatchItem | None:
    succeeded = detail["status"] == "SUCCEEDED" and not item.has_failed
    if detail["status"] == "ABORTED" and children.is_cancelled(item):
        moved = _cancel(aws, item, detail)
    else:
        moved = _succeed(aws, item, detail) if succeeded else _fail(aws, item, detail)
    if moved is not None:
        outcomes.measure_dispatch(moved)
        log().info("finished", correlation_id=item.dispatch_id, status=moved.status)
    return moved


def _dispatch(detail: Mapping[str, Any]) -> DispatchItem | None:
    name = str(detail.get("name", ""))
    if detail.get("status") not in ENDED or not is_dispatch_id(name):
        return None
    item = store.find(name)
    machine = str(detail.get("stateMachineArn", "")).rpartition(":")[2]
    return item if item is not None and item.machine == machine else None


def _succeed(aws: Aws, item: DispatchItem, detail: Mapping[str, Any]) -> DispatchItem | None:
    """End what met no failure: COMPLETED, unless some of it was cancelled."""
    if not item.has_cancelled:
        return _complete(item, detail)
    tally = outcomes.Tally(manifests.load(aws, item.dispatch_id, item.manifest))
    statuses = {each.state for each in tally.read(store.outcomes(item.dispatch_id))}
    if Status.CANCELLED not in statuses:
        return _complete(item, detail)
    moved = store.advance(item.dispatch_id, Status.CANCELLED, **_times(item, detail))
    if moved is not None:
        tally.measure()
    return moved


def _complete(item: DispatchItem, detail: Mapping[str, Any]) -> DispatchItem | None:
    moved = store.advance(item.dispatch_id, Status.COMPLETED, **_times(item, detail))
    if moved is not None:
        outcomes.measure_completed(moved)
    return moved


def _cancel(aws: Aws, item: DispatchItem, detail: Mapping[str, Any]) -> DispatchItem | None:
    cancellation.settle(aws, item)
    return store.advance(item.dispatch_id, Status.CANCELLED, **_times(item, detail))


def _fail(aws: Aws, item: DispatchItem, detail: Mapping[str, Any]) -> DispatchItem | None:
    reason = _reason(detail)
    fail_running_nodes(aws, item.dispatch_id, reason or "the execution ended before the task did")
    manifest = manifests.load(aws, item.dispatch_id, item.manifest)
    tally = outcomes.Tally(manifest)
    failed = _failed_tasks(tally.failed(_settled(aws, item.dispatch_id)), manifest)
    error = "\n".join(filter(None, (failed, reason))) or "a task failed"
    moved = store.advance(item.dispatch_id, Status.FAILED, error=error, **_times(item, detail))
    if moved is not None:
        tally.measure()
    return moved


def _settled(aws: Aws, dispatch_id: str) -> Iterator[NodeItem]:
    """What is recorded of the nodes; none of them has a dispatch then that would wait for its execution for ever."""
    for record in store.outcomes(dispatch_id):
        children.settle(aws, record)
        yield record


def _times(item: DispatchItem, detail: Mapping[str, Any]) -> dict[str, Any]:
    now = clock.now()
    times: dict[str, Any] = {"ended": now}
    if item.started is None:  # the execution was faster than the answer to its start
        times["started"] = _microseconds(detail.get("startDate"), now)
        times["execution"] = str(detail.get("executionArn"))
    return times


def _microseconds(milliseconds: object, otherwise: int) -> int:
    return int(milliseconds * 1000) if isinstance(milliseconds, int | float) else otherwise


def _reason(detail: Mapping[str, Any]) -> str:
    if detail["status"] == "SUCCEEDED":
        return ""
    told = ": ".join(str(detail[key]) for key in ("error", "cause") if detail.get(key))
    text = f"The execution ended {detail['status']}"
    return f"{text}: {told[:MAX_LINE]}" if told else text


def _failed_tasks(items: Iterable[NodeItem], manifest: Manifest) -> str:
    failed = iter(items)
    lines = [_line(item, manifest) for item in islice(failed, MAX_LISTED)]
    more = sum(1 for _ in failed)
    if more:
        lines.append(f"and {more} more")
    return "\n".join(["The following tasks failed:", *lines]) if lines else ""


def _line(item: NodeItem, manifest: Manifest) -> str:
    name = manifest.nodes[item.node].name if item.node < len(manifest.nodes) else "?"
    return f"{item.node}: {name}: {in_one_line(item.error or '')[:MAX_LINE]}"
