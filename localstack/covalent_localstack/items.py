"""Items that are made, projected and shown in one go.

Defects of moto: it measures an item anew for each attribute that it sets; for each name in a projection it writes
the whole item out as Python values and reads the part back; to show a string it asks it eight questions.
"""

from typing import Any

from moto.dynamodb import responses
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict

from covalent_localstack.patching import replace

SIZE_LIMIT = 405_000
"""Bytes; moto's."""

_stock_project = Item.project
_stock_shown = responses.dynamo_to_dict


def _init(self: Any, hash_key: DynamoType, range_key: DynamoType | None, attrs: Any) -> None:
    self.hash_key = hash_key
    self.range_key = range_key
    self.attrs = LimitedSizeDict({name: DynamoType(value) for name, value in attrs.items()})
    if self.size() > SIZE_LIMIT:
        raise ItemSizeTooLarge


def _project(self: Any, projection_expressions: list[list[str]]) -> Item:
    if any(len(path) > 1 or "[" in path[0] for path in projection_expressions):
        return _stock_project(self, projection_expressions)
    names = (path[0] for path in projection_expressions)
    attrs = {name: self.attrs[name] for name in names if name in self.attrs}
    part = Item.__new__(Item)
    part.hash_key, part.range_key = self.hash_key, self.range_key
    part.attrs = LimitedSizeDict(attrs)
    return part


_AS_THEY_ARE = frozenset({"S", "N", "BOOL", "NULL"})


def _shown(value: Any) -> Any:
    """A value, or a document of values, in DynamoDB JSON with binary values as bytes."""
    match value:
        case DynamoType() if value.type in _AS_THEY_ARE:
            return {value.type: value.value}
        case dict():
            return {name: _shown(each) for name, each in value.items()}
        case list():
            return [_shown(each) for each in value]
    return _stock_shown(value)


def install() -> None:
    """Repair moto."""
    replace(Item, "__init__", _init)
    replace(Item, "project", _project)
    replace(responses, "dynamo_to_dict", _shown)
