"""The JSON schemas of the reference: our models have these fields, of these kinds, with these defaults."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from reference import promises
from reference.text import Block, Reference

SLIPS: Mapping[str, str] = {
    "BraketQubitExecutor.shots": "a default of [null], which is no integer: a tuple by mistake, meant as None",
    "BraketQubitExecutor.aws_session": "an AwsSession object, says the text; its schema says a string",
}
"""What is different on purpose, and why. The same stands in docs/differences.md."""


def is_schema(block: Block) -> bool:
    """Whether a block is the schema of a model."""
    return block.language == "js" and '"title"' in block.text


def check(reference: Reference) -> Iterator[str]:
    """What a model has otherwise than its schema says, a line each."""
    for block in filter(is_schema, reference.blocks):
        promised = json.loads(block.text)
        model = promises.resolve(f"covalent.executor.{promised['title']}")
        ours = model.model_json_schema()
        for name, field in promised["properties"].items():
            path = f"{promised['title']}.{name}"
            if path not in SLIPS:
                fault = _fault(field, ours["properties"].get(name))
                yield from (f"line {block.line}: {path}: {each}" for each in fault)
        missing = set(promised.get("required", ())) ^ set(ours.get("required", ()))
        if missing:
            yield f"line {block.line}: {promised['title']}: required, or not: {sorted(missing)}"


def _fault(promised: Mapping[str, Any], ours: Mapping[str, Any] | None) -> Iterator[str]:
    if ours is None:
        yield "there is no such field"
        return
    if "default" in promised and promised["default"] != ours.get("default"):
        yield f"its default is {ours.get('default')!r}, not {promised['default']!r}"
    kinds = _kinds(promised)
    if kinds and not kinds <= _kinds(ours):
        yield f"it takes {sorted(_kinds(ours))}, not {sorted(kinds)}"


def _kinds(field: Mapping[str, Any]) -> set[str]:
    """The JSON types that a field takes."""
    each = field.get("anyOf", [field])
    return {str(one["type"]) for one in each if "type" in one}
