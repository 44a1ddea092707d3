"""UpdateItem without parsing the same expression over and over.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- every UpdateItem parses its expression anew, twice, and validates and normalises it, 2 to 3 ms each time -> once

A workflow uses a handful of expressions. Here each is checked by moto once, and read into plain steps once; what is
more than plain stays with moto.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from moto.dynamodb.comparisons import create_condition_expression_parser
from moto.dynamodb.exceptions import ConditionalCheckFailed
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler, DynamoResult

from covalent_localstack.patching import replace

_CLAUSE = re.compile(r"\b(SET|REMOVE|ADD|DELETE)\b", re.IGNORECASE)
_COMMA = re.compile(r",(?![^(]*\))")
_SET = re.compile(
    r"(#?\w+)\s*=\s*(?:if_not_exists\s*\(\s*(#?\w+)\s*,\s*(:\w+)\s*\)|(:\w+))", re.IGNORECASE
)
_ADD = re.compile(r"(#?\w+)\s+(:\w+)")
_NAME = re.compile(r"#?\w+")

Names = Mapping[str, str]
Values = Mapping[str, Any]


class Step(NamedTuple):
    """One assignment of an update expression; `unless` is the attribute that goes before the value."""

    action: str
    name: str
    value: str = ""
    unless: str = ""


@lru_cache(1024)
def steps(expression: str) -> tuple[Step, ...] | None:
    """The steps of an expression; None if it is more than plain."""
    parts = _CLAUSE.split(expression.strip())
    if parts[0].strip():
        return None
    found: list[Step] = []
    for clause, body in zip(parts[1::2], parts[2::2], strict=True):
        for text in _COMMA.split(body):
            step = _step(clause.upper(), text.strip())
            if step is None:
                return None
            found.append(step)
    return tuple(found)


def _step(clause: str, text: str) -> Step | None:
    if clause == "SET" and (match := _SET.fullmatch(text)):
        return Step("SET", match[1], match[3] or match[4], match[2] or "")
    if clause == "ADD" and (match := _ADD.fullmatch(text)):
        return Step("ADD", match[1], match[2])
    if clause == "REMOVE" and _NAME.fullmatch(text):
        return Step("REMOVE", text)
    return None


def _apply(item: Item, plan: tuple[Step, ...], names: Names, values: Values) -> None:
    """Change an item. Every operand is read before anything is written."""
    new: dict[str, DynamoType | None] = {}
    for step in plan:
        name = names.get(step.name, step.name)
        new[name] = _new_value(item, step, name, names, values)
    for name, value in new.items():
        if value is None:
            item.attrs.pop(name, None)
        else:
            item.attrs[name] = value


def _new_value(
    item: Item, step: Step, name: str, names: Names, values: Values
) -> DynamoType | None:
    if step.action == "REMOVE":
        return None
    old = item.attrs.get(names.get(step.unless, step.unless)) if step.unless else None
    if old is not None:
        return old
    value = DynamoType(values[step.value])
    if step.action == "ADD" and name in item.attrs:
        return _sum(item.attrs[name], value)
    return value


def _sum(old: DynamoType, value: DynamoType) -> DynamoType:
    if value.is_set():
        return DynamoType({old.type: [*old.value, *(v for v in value.value if v not in old.value)]})
    return old + value


_stock_update = DynamoDBBackend.update_item
_stock_respond = DynamoHandler.update_item
_OPTIONS = (
    "expression_attribute_names",
    "expression_attribute_values",
    "attribute_updates",
    "expected",
    "condition_expression",
    "return_values_on_condition_check_failure",
)
"""Parameters of moto's update_item after the fourth, in order."""
_checked: set[tuple[Any, ...]] = set()


def _is_plain(table: Table, plan: tuple[Step, ...] | None, names: Names) -> bool:
    """Whether the plan changes no key, and nobody listens."""
    if plan is None or table.stream_shard is not None or not table.range_key_attr:
        return False
    keys = {*table.attribute_keys}
    for index in table.global_indexes:
        keys.update(index.schema_key_attrs)
    return not any(names.get(step.name, step.name) in keys for step in plan)


def _update_item(
    self: Any,
    table_name: str,
    key: Mapping[str, Any],
    update_expression: str,
    *args: Any,
    **rest: Any,
) -> Item:
    options = {**dict(zip(_OPTIONS, args, strict=False)), **rest}
    names = options.get("expression_attribute_names") or {}
    values = options.get("expression_attribute_values") or {}
    table = self.get_table(table_name)
    plan = steps(update_expression) if update_expression else None
    other = options.get("attribute_updates") or options.get("expected")
    if other or plan is None or not _is_plain(table, plan, names):
        return _stock_update(self, table_name, key, update_expression, **options)
    item = table.get_item(
        DynamoType(key[table.hash_key_attr]), DynamoType(key[table.range_key_attr])
    )
    _check_condition(item, names, values, options)
    if item is None:
        item = table.put_item(dict(key))
    _apply(item, plan, names, values)
    return item


def _check_condition(
    item: Item | None, names: Names, values: Values, options: Mapping[str, Any]
) -> None:
    expression = options.get("condition_expression")
    if not expression:
        return
    if create_condition_expression_parser(expression, names, values).parse().expr(item):
        return
    if options.get("return_values_on_condition_check_failure") == "ALL_OLD" and item is not None:
        raise ConditionalCheckFailed(item=item.to_json()["Attributes"])
    raise ConditionalCheckFailed


def _signature(body: Mapping[str, Any]) -> tuple[Any, ...]:
    """What moto's checks of a request depend on."""
    return (
        body["TableName"],
        body.get("UpdateExpression"),
        body.get("ConditionExpression"),
        tuple(sorted((body.get("ExpressionAttributeNames") or {}).items())),
        tuple(sorted(body.get("ExpressionAttributeValues") or {})),
        tuple(sorted(body["Key"])),
    )


_PLAIN_RESULTS = ("NONE", "ALL_NEW")
_OTHER_OPTIONS = ("Expected", "AttributeUpdates", "ReturnConsumedCapacity")


def is_checked(body: Mapping[str, Any]) -> bool:
    """Whether moto has accepted a request like this one, and it asks for nothing special."""
    plain = body.get("ReturnValues", "NONE") in _PLAIN_RESULTS
    return (
        plain
        and not any(body.get(name) for name in _OTHER_OPTIONS)
        and _signature(body) in _checked
    )


def run(backend: Any, body: Mapping[str, Any]) -> Any:
    """Carry out a request that `is_checked`."""
    return backend.update_item(
        body["TableName"],
        body["Key"],
        body["UpdateExpression"],
        body.get("ExpressionAttributeNames") or {},
        body.get("ExpressionAttributeValues") or {},
        condition_expression=body.get("ConditionExpression"),
        return_values_on_condition_check_failure=body.get("ReturnValuesOnConditionCheckFailure"),
    )


def _respond(self: Any) -> Any:
    if not is_checked(self.body):
        answer = _stock_respond(self)
        _checked.add(_signature(self.body))
        return answer
    item = run(self.dynamodb_backend, self.body)
    wanted = self.body.get("ReturnValues", "NONE")
    return DynamoResult({"Attributes": item.attrs} if wanted == "ALL_NEW" else {})


def install() -> None:
    """Repair moto."""
    replace(DynamoDBBackend, "update_item", _update_item)
    replace(DynamoHandler, "update_item", _respond)
