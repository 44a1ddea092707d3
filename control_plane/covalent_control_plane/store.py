"""The single DynamoDB table: what is read from it and written to it, through the models of `items`.

Every move is a conditional write along `Status.earlier`; losing one returns None. PynamoDB holds a model's table and
connection in the class, so a process has one table.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pynamodb.exceptions import PutError, UpdateError

if TYPE_CHECKING:
    from pynamodb.expressions.update import Action
    from pynamodb.models import Model

from covalent_contracts import clock, records
from covalent_contracts.status import Status
from covalent_control_plane.items import DispatchItem, DraftItem, NodeItem
from covalent_control_plane.trigger_items import EventItem, TriggerItem, WaitingItem

_LOST = "ConditionalCheckFailedException"
_OPEN = [status.value for status in Status.CANCELLED.earlier]
"""What has not ended."""


@dataclass(frozen=True)
class Page:
    """Dispatches of one owner, newest first; `after` is where the next page begins."""

    items: list[DispatchItem]
    after: tuple[int, str] | None


NewItem = dict[str, dict[str, Any]]
"""An item, or the key of one, in DynamoDB JSON."""
_MODELS: tuple[type["Model"], ...] = (
    DispatchItem,
    DraftItem,
    NodeItem,
    TriggerItem,
    EventItem,
    WaitingItem,
)


def bind(table: str, region: str | None = None) -> None:
    """Point the models at a table and open the connection that all of them share."""
    for model in _MODELS:
        meta: Any = model.Meta
        meta.table_name, meta.region = table, region
        model._connection = None
    connection = DispatchItem._get_connection()  # many models, one table: one client is enough
    for model in _MODELS:
        model._connection = connection
    _ = connection.connection.client  # built now: two threads must not build it twice


def create_table() -> None:
    """Make the table with its index; for the offline AWS and tests. On AWS, Terraform makes it."""
    DispatchItem.create_table(wait=True)


def find(dispatch_id: str) -> DispatchItem | None:
    """The dispatch, or None."""
    key = records.dispatch_pk(dispatch_id)
    try:
        return DispatchItem.get(key, records.DISPATCH, consistent_read=True)
    except DispatchItem.DoesNotExist:
        return None


def find_registered(dispatch_id: str) -> DispatchItem | DraftItem | None:
    """The dispatch, or else the draft, or None; one call for both."""
    answer = DispatchItem._get_connection().query(
        records.dispatch_pk(dispatch_id),
        DispatchItem.sk.between(records.DISPATCH, records.DRAFT),
        consistent_read=True,
    )
    found = {item[records.SK]["S"]: item for item in answer["Items"]}
    if records.DISPATCH in found:
        return DispatchItem.from_raw_data(found[records.DISPATCH])
    return DraftItem.from_raw_data(found[records.DRAFT]) if found else None


def draft(item: DraftItem) -> bool:
    """Write a draft, unless another manifest or owner has the id."""
    free = DraftItem.pk.does_not_exist()
    ours = (DraftItem.manifest == item.manifest) & (DraftItem.owner == item.owner)
    return put(item, free | ours)


def appear(item: DispatchItem) -> bool:
    """Write a new dispatch, unless it is there already."""
    return put(item, DispatchItem.pk.does_not_exist())


def advance(dispatch_id: str, to: Status, **changes: Any) -> DispatchItem | None:
    """Move a dispatch forward and set `changes`; None when it has moved on already."""
    item = DispatchItem(records.dispatch_pk(dispatch_id), records.DISPATCH)
    if to is Status.STARTING:
        return item if _move(item, to, changes | starting_now()) else None
    return item if _move(item, to, changes, DispatchItem.starting.remove()) else None


def starting_now() -> dict[str, Any]:
    """What a dispatch has while it is STARTING: its place in the index, and since when."""
    return {"starting": records.STARTING_NOW, "asked": clock.now()}


def starting(before: int) -> Iterator[str]:
    """The ids of dispatches that are STARTING and were registered before a time in microseconds, oldest first."""
    found = DispatchItem.by_starting.query(
        records.STARTING_NOW, DispatchItem.created < before, attributes_to_get=["pk"]
    )
    return (item.dispatch_id for item in found)


def share(dispatch_id: str, owner: str, readers: Collection[str]) -> bool:
    """Set who may read a dispatch beside its owner; False if it is not there, or not the owner's."""
    item = DispatchItem(records.dispatch_pk(dispatch_id), records.DISPATCH)
    shared = DispatchItem.shared_with
    action = shared.set(set(readers)) if readers else shared.remove()
    return update(item, [action], DispatchItem.owner == owner)


def expect_cancelled(dispatch_id: str) -> bool:
    """Note that nodes of a dispatch are being cancelled; False when it has ended."""
    item = DispatchItem(records.dispatch_pk(dispatch_id), records.DISPATCH)
    return update(item, [DispatchItem.has_cancelled.set(True)], DispatchItem.status.is_in(*_OPEN))


def cancel_node(dispatch_id: str, node: int, at: int) -> bool:
    """Make a node CANCELLED, even one that has no record yet; False when it is final."""
    item = NodeItem(records.dispatch_pk(dispatch_id), records.node_sk(node))
    actions: list[Action] = [
        NodeItem.status.set(Status.CANCELLED.value),
        NodeItem.ended.set(at),
    ]
    is_open = NodeItem.status.does_not_exist() | NodeItem.status.is_in(*_OPEN)
    return update(item, actions, is_open)


def advance_node(dispatch_id: str, node: int, to: Status, **changes: Any) -> bool:
    """Move a started node forward; False when it has moved on already."""
    item = NodeItem(records.dispatch_pk(dispatch_id), records.node_sk(node))
    return _move(item, to, changes)


def listing(owner: str, limit: int, after: tuple[int, str] | None) -> Page:
    """A page of an owner's dispatches, newest first, beginning after `(created, id)`."""
    begin = None if after is None else _place(owner, *after)
    found = DispatchItem.by_owner.query(
        owner, scan_index_forward=False, limit=limit, page_size=limit, last_evaluated_key=begin
    )
    items = list(found)
    more = found.last_evaluated_key is not None and bool(items)
    return Page(items, (items[-1].since, items[-1].dispatch_id) if more else None)


def nodes(dispatch_id: str, wanted: Collection[int]) -> dict[int, NodeItem]:
    """The records of those of the wanted nodes that have started."""
    if not wanted:
        return {}
    first, last = min(wanted), max(wanted)
    if last - first < 4 * len(wanted):
        span = _between(dispatch_id, first, last)
        return {item.node: item for item in span if item.node in wanted}
    pk = records.dispatch_pk(dispatch_id)
    keys = [(pk, records.node_sk(node)) for node in wanted]
    return {item.node: item for item in NodeItem.batch_get(keys, consistent_read=True)}


def put_nodes(items: Iterable[NodeItem]) -> None:
    """Write records of nodes, whatever stands there."""
    with NodeItem.batch_write() as batch:
        for item in items:
            batch.save(item)


def nodes_in(dispatch_id: str, *statuses: Status) -> Iterator[NodeItem]:
    """The nodes of a dispatch that are in one of some states, in order; without their outputs."""
    return _outcomes(dispatch_id, NodeItem.status.is_in(*(each.value for each in statuses)))


def bind_child(parent: str, node: int, child: str) -> bool:
    """Note at a sublattice which dispatch it has become; False if it is no longer waiting for that."""
    item = NodeItem(records.dispatch_pk(parent), records.node_sk(node))
    is_waiting = NodeItem.status == Status.DISPATCHING.value
    return update(item, [NodeItem.sub_dispatch_id.set(child)], is_waiting)


def to_stop(dispatch_id: str) -> Iterator[NodeItem]:
    """The nodes of a dispatch that have started and not ended, and those that are dispatches or jobs of their own."""
    is_open = NodeItem.status.is_in(*_OPEN)
    is_job = (NodeItem.status == Status.CANCELLED.value) & NodeItem.job_handle.exists()
    return NodeItem.query(
        records.dispatch_pk(dispatch_id),
        NodeItem.sk.startswith("N#"),
        filter_condition=is_open | NodeItem.sub_dispatch_id.exists() | is_job,
        consistent_read=True,
        attributes_to_get=["pk", "sk", "status", "sub_dispatch_id", "job_handle"],
    )


def outcomes(dispatch_id: str) -> Iterator[NodeItem]:
    """All nodes of a dispatch that have started, in order; of each its status and error."""
    return _outcomes(dispatch_id, None)


def _outcomes(dispatch_id: str, condition: Any) -> Iterator[NodeItem]:
    return NodeItem.query(
        records.dispatch_pk(dispatch_id),
        NodeItem.sk.startswith("N#"),
        filter_condition=condition,
        consistent_read=True,
        attributes_to_get=["pk", "sk", "status", "error", "sub_dispatch_id", "job_handle"],
    )


def unfinished() -> Iterator[DispatchItem]:
    """Every dispatch that was started and has not ended; reads the whole table."""
    running = [each.value for each in Status if each and not each.is_final]
    is_dispatch = DispatchItem.sk == records.DISPATCH
    return DispatchItem.scan(is_dispatch & DispatchItem.status.is_in(*running))


def _between(dispatch_id: str, first: int, last: int) -> Iterator[NodeItem]:
    span = NodeItem.sk.between(records.node_sk(first), records.node_sk(last))
    return NodeItem.query(records.dispatch_pk(dispatch_id), span, consistent_read=True)


def _place(owner: str, created: int, dispatch_id: str) -> dict[str, dict[str, Any]]:
    return {
        "pk": {"S": records.dispatch_pk(dispatch_id)},
        "sk": {"S": records.DISPATCH},
        "owner": {"S": owner},
        "created": {"N": str(created)},
    }


def put(item: "Model", condition: Any) -> bool:
    """Write an item under a condition; False if that does not hold."""
    try:
        item.save(condition=condition)
    except PutError as exc:
        if exc.cause_response_code == _LOST:
            return False
        raise
    return True


def _move(
    item: DispatchItem | NodeItem, to: Status, changes: dict[str, Any], *also: "Action"
) -> bool:
    model = type(item)
    actions: list[Action] = [model.status.set(to.value), *also]
    actions += [getattr(model, name).set(value) for name, value in changes.items()]
    earlier = [status.value for status in to.earlier]
    if not earlier:
        return False  # nothing comes before NEW_OBJECT, and DynamoDB refuses an empty IN
    return update(item, actions, model.status.is_in(*earlier))


def update(item: "Model", actions: "Sequence[Action]", condition: Any) -> bool:
    """Change an item under a condition, and read it as it is then; False if that does not hold."""
    try:
        item.update(actions=list(actions), condition=condition)
    except UpdateError as exc:
        if exc.cause_response_code == _LOST:
            return False
        raise
    return True
