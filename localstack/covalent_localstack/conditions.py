"""Conditions and filters that are parsed once.

Defect of moto: it parses the condition of a request two or three times, 0.1 ms each. A workflow uses a handful of
them. Here the parsed form is kept, and the values of the request at hand are put into it, which is safe as long
as one request is carried out at a time (`dynamodb.LOCK`).
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from moto.dynamodb.comparisons import AttributeValue, ConditionExpressionParser, Func, Op

from covalent_localstack.patching import replace

KEPT = 1024
"""Parsed conditions that are remembered."""


class _Parsed(NamedTuple):
    tree: Any
    names: tuple[str, ...]
    values: tuple[str, ...]
    slots: tuple[tuple[AttributeValue, str], ...]
    """The places of values, and the name of the value that belongs there."""


_stock_parse = ConditionExpressionParser.parse
_kept: dict[tuple[Any, ...], _Parsed] = {}


def _parse(self: Any) -> Any:
    text, values = self.condition_expression, self.expression_attribute_values or {}
    if not text or "BETWEEN" in text.upper():  # moto looks at bounds while it parses
        return _stock_parse(self)
    names = self.expression_attribute_names or {}
    key = (text, *names.items(), *values)
    if key not in _kept:
        if len(_kept) >= KEPT:
            _kept.clear()
        _kept[key] = _learn(text, names, values)
    found = _kept[key]
    for slot, name in found.slots:
        slot.type, slot.value = next(iter(values[name].items()))
    self.expr_attr_names_found = list(found.names)
    self.expr_attr_values_found = list(found.values)
    return found.tree


def _learn(text: str, names: Any, values: Any) -> _Parsed:
    """Parse with the names of values in place of their types, which shows where they end up."""
    parser = ConditionExpressionParser(text, names, {name: {name: None} for name in values})
    tree = _stock_parse(parser)
    slots = tuple((slot, slot.type) for slot in _slots(tree))
    return _Parsed(
        tree, tuple(parser.expr_attr_names_found), tuple(parser.expr_attr_values_found), slots
    )


def _slots(node: Any) -> Iterator[AttributeValue]:
    match node:
        case AttributeValue():
            yield node
        case Op():
            yield from _slots(node.lhs)
            yield from _slots(node.rhs)
        case Func():
            for argument in node.arguments:
                yield from _slots(argument)


def install() -> None:
    """Repair moto."""
    replace(ConditionExpressionParser, "parse", _parse)
