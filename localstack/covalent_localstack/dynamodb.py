"""DynamoDB: atomic, O(touched items), and journalled.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- requests of several threads interleave: lost ADDs, several winners of a conditional put -> one lock
- TransactWriteItems copies whole tables and rolls back other writers' work with its own -> runs on a copy of
  what it touches
- Query looks at every item of the table -> looks at one partition, or index entries
"""

import copy
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from covalent_localstack import conditions, items, updates
from covalent_localstack.journal import Change, Image, Journal
from covalent_localstack.patching import replace

LOCK = threading.RLock()
Key = tuple[DynamoType, DynamoType | None]
_journal: dict[str, Journal] = {}
"""The journal of each table that has one, by name."""


class Partitions(defaultdict[DynamoType, dict[DynamoType, Item]]):
    """The items of a table; a partition that the journal holds is read when it is first asked for."""

    def __init__(self, journal: Journal, table: str) -> None:
        super().__init__(dict)
        self._journal = journal
        self._table = table
        self._unread = journal.partitions(table)

    def __missing__(self, key: DynamoType) -> dict[DynamoType, Item]:
        items: dict[DynamoType, Item] = {}
        if key.value in self._unread:
            self._unread.discard(key.value)
            for image in self._journal.items(self._table, key.value):
                item = _item(image)
                items[item.range_key] = item
        self[key] = items
        return items

    def read_all(self) -> None:
        """Read what is still on disk only."""
        for pk in list(self._unread):
            self[DynamoType({"S": pk})]


def _item(image: Image) -> Item:
    return Item(DynamoType(image["pk"]), DynamoType(image["sk"]), image)


def attach(journal: Journal, table: Table) -> None:
    """Fill a table (string keys pk and sk) from the journal, and journal its writes from now on."""
    table.items = Partitions(journal, table.name)
    _journal[table.name] = journal
    for index in table.global_indexes:
        members = _members(table, index.name)
        for found in journal.items_with(table.name, _hash_name(index)):
            item = _item(found)
            members[(item.hash_key, item.range_key)] = item.attrs[_hash_name(index)]


def detach() -> None:
    """Journal nothing any more."""
    _journal.clear()


def _hash_name(index: Any) -> str:
    return str(next(key["AttributeName"] for key in index.schema if key["KeyType"] == "HASH"))


def _members(table: Table, index: str) -> dict[Key, DynamoType]:
    """The keys of the items in a global index, with the value of the index' hash attribute."""
    indexes: dict[str, dict[Key, DynamoType]] = table.__dict__.setdefault("index_members", {})
    return indexes.setdefault(index, {})


_stock_action = DynamoHandler.call_action
_stock_query = Table.query
_stock_all_items = Table.all_items
_stock_transact = DynamoDBBackend.transact_write_items


def _call_action(self: Any) -> Any:
    with LOCK:
        answer = _stock_action(self)
        if answer[0] == 200:
            _after_write(self)
        return answer


def _after_write(handler: Any) -> None:
    record(handler._get_action(), handler.body, handler.dynamodb_backend)


def record(action: str, body: Mapping[str, Any], backend: Any) -> None:
    """Keep indexes and journal up with a request that has been carried out; the lock is held."""
    changes: list[Change] = []
    for name, key in _touched(action, body):
        table = backend.tables.get(name)
        if table is not None:
            changes.append(_track(table, key))
    for journal in {id(j): j for j in _journal.values()}.values():
        mine = [each for each in changes if _journal.get(each.table) is journal]
        if mine:
            journal.record(mine)


def _touched(action: str, body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The table and the key (or the item, which contains it) of everything a request has written."""
    match action:
        case "PutItem":
            yield body["TableName"], body["Item"]
        case "UpdateItem" | "DeleteItem":
            yield body["TableName"], body["Key"]
        case "TransactWriteItems":
            for operation in body["TransactItems"]:
                for kind, write in operation.items():
                    if kind != "ConditionCheck":
                        yield write["TableName"], write.get("Item") or write["Key"]
        case "BatchWriteItem":
            yield from _batched(body["RequestItems"])


def _batched(
    requests: Mapping[str, list[dict[str, Any]]],
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for table, writes in requests.items():
        for write in (each for request in writes for each in request.values()):
            yield table, write.get("Item") or write["Key"]


def _key(table: Table, attributes: Mapping[str, Any]) -> Key:
    """The key of an item of a table with a range key."""
    sort = table.range_key_attr
    return (
        DynamoType(attributes[table.hash_key_attr]),
        DynamoType(attributes[sort]) if sort else None,
    )


def _track(table: Table, attributes: Mapping[str, Any]) -> Change:
    key = _key(table, attributes)
    item = table.get_item(*key)
    for index in table.global_indexes:
        members = _members(table, index.name)
        value = item.attrs.get(_hash_name(index)) if item else None
        if value is None:
            members.pop(key, None)
        else:
            members[key] = value
    made = None if item is None else image(item)
    return Change(table.name, key[0].value, key[1].value if key[1] else "", made)


def image(item: Item) -> Image:
    """An item in DynamoDB JSON."""
    return {name: value.to_regular_json() for name, value in item.attrs.items()}


_QUERY_OPTIONS = (
    "range_comparison",
    "range_objs",
    "limit",
    "exclusive_start_key",
    "scan_index_forward",
    "projection_expressions",
    "index_name",
)
"""Positional parameters of moto's query after the hash key."""


def _query(self: Any, hash_key: Any, *args: Any, **options: Any) -> Any:
    if not self.range_key_attr:
        return _stock_query(self, hash_key, *args, **options)
    view = copy.copy(self)
    index = dict(zip(_QUERY_OPTIONS, args, strict=False)).get("index_name")
    if index is None:
        view.items = {hash_key: self.items[hash_key]}
    elif any(each.name == index for each in self.global_indexes):
        view.items = _index_view(self, index, options.get("hash_key_conditions") or ())
    return _stock_query(view, hash_key, *args, **options)


def _index_view(
    table: Table, index: str, conditions: Any
) -> dict[DynamoType, dict[DynamoType, Item]]:
    wanted = {value for _, value in conditions}
    found: dict[DynamoType, dict[DynamoType, Item]] = {}
    for (pk, sk), value in _members(table, index).items():
        if not wanted or value in wanted:
            item = table.get_item(pk, sk)
            if item is not None and sk is not None:
                found.setdefault(pk, {})[sk] = item
    return found


def _all_items(self: Any) -> Any:
    if isinstance(self.items, Partitions):
        self.items.read_all()
    return _stock_all_items(self)


@cache
def _scratch_class(kind: type[Table]) -> type[Table]:
    """A table that is its own copy: the transaction is thrown away as a whole, there is nothing to roll back."""
    return type("Scratch", (kind,), {"__deepcopy__": lambda self, _: self})


def _transact_write_items(self: Any, transact_items: list[dict[str, Any]]) -> None:
    """Run the transaction on copies of the touched items, then publish them."""
    backend = copy.copy(self)
    backend.tables = dict(self.tables)
    scratch: dict[str, Table] = {}
    keys: list[tuple[str, Key]] = []
    with LOCK:
        for name, attributes in _transacted(transact_items):
            table = self.tables.get(name)
            if table is None or not table.range_key_attr:
                _stock_transact(self, transact_items)
                return
            key = _key(table, attributes)
            keys.append((name, key))
            mine = scratch.setdefault(name, _scratch(table))
            item = table.get_item(*key)
            if item is not None:
                mine.items[key[0]][key[1]] = copy.deepcopy(item)
        backend.tables.update(scratch)
        _stock_transact(backend, transact_items)
        for name, (pk, sk) in keys:
            _publish(self.tables[name].items[pk], scratch[name].items[pk].get(sk), sk)


def _transacted(operations: list[dict[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for operation in operations:
        for write in operation.values():
            yield write["TableName"], write.get("Item") or write["Key"]


def _scratch(table: Table) -> Table:
    mine = copy.copy(table)
    kind: Any = type(table)
    mine.__class__ = _scratch_class(kind)
    mine.items = defaultdict(dict)
    return mine


def _publish(partition: dict[Any, Item], item: Item | None, sk: Any) -> None:
    if item is None:
        partition.pop(sk, None)
    else:
        partition[sk] = item


def install() -> None:
    """Repair moto."""
    for module in (conditions, items, updates):
        module.install()
    replace(DynamoHandler, "call_action", _call_action)
    replace(Table, "query", _query)
    replace(Table, "all_items", _all_items)
    replace(DynamoDBBackend, "transact_write_items", _transact_write_items)
