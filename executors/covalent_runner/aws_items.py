"""Records as DynamoDB's low-level client takes and gives them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from covalent_contracts import records
from covalent_contracts.status import Status
from covalent_runner.store import Dispatch, Gate, Outcome, Output, Record

Item = dict[str, Any]

ERROR_LENGTH = 16_000
"""Characters of an error that are kept: 100 of them at most fit the 4 MB of a transaction."""

_UNFINISHED = Status.COMPLETED.earlier
_CLAIMABLE = (*Status.RUNNING.earlier, Status.RUNNING)
DISPATCH_FIELDS = ("status", "nodes", "has_failed", "has_cancelled")
RECORD_FIELDS = (
    "status", "started", "attempt", "failures", "digest", "size", "kind", "output", "error", "ended", "alive",
)  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """A condition, with the values that it names."""

    text: str
    values: Mapping[str, Any]


def _one_of(statuses: Sequence[Status]) -> str:
    return ", ".join(f":s{i}" for i in range(len(statuses)))


def _named(statuses: Sequence[Status]) -> Item:
    return {f":s{i}": {"S": status.value} for i, status in enumerate(statuses)}


UNFINISHED = Condition(
    f"attribute_not_exists(#status) OR #status IN ({_one_of(_UNFINISHED)})", _named(_UNFINISHED)
)


UNRECORDED = Condition("attribute_not_exists(#status)", {})


RUNNING = Condition("#status = :running", {":running": {"S": Status.RUNNING.value}})


def held_by(claim: str) -> Condition:
    """The claim is the last one and nothing is final."""
    return Condition(
        "#claim = :claim AND #status = :running",
        {":claim": {"S": claim}, ":running": {"S": Status.RUNNING.value}},
    )


def claimable(attempt: int) -> Condition:
    """The node is not final and no attempt as late was claimed."""
    return Condition(
        f"attribute_not_exists(#status) OR (#status IN ({_one_of(_CLAIMABLE)})"
        " AND (attribute_not_exists(#attempt) OR #attempt < :attempt))",
        {**_named(_CLAIMABLE), ":attempt": {"N": str(attempt)}},
    )


def still_trying(attempt: int) -> Condition:
    """The attempt is the last that was claimed and nothing is final."""
    return Condition(
        "#status = :running AND #attempt = :attempt",
        {":running": {"S": Status.RUNNING.value}, ":attempt": {"N": str(attempt)}},
    )


def node_key(dispatch_id: str, node: int) -> Item:
    """The key of a node's item."""
    return _key(dispatch_id, records.node_sk(node))


def gate_key(dispatch_id: str, node: int) -> Item:
    """The key of a gate's item."""
    return _key(dispatch_id, records.gate_sk(node))


def dispatch_key(dispatch_id: str) -> Item:
    """The key of the dispatch's item."""
    return _key(dispatch_id, records.DISPATCH)


def _key(dispatch_id: str, sk: str) -> Item:
    return {records.PK: {"S": records.dispatch_pk(dispatch_id)}, records.SK: {"S": sk}}


def update(
    key: Item,
    sets: Mapping[str, Any],
    *,
    once: Mapping[str, Any] | None = None,
    removes: Sequence[str] = (),
    condition: Condition | None = None,
) -> Item:
    """The arguments of an update that sets attributes; those in `once` only if the item has none of that name."""
    once = once or {}
    values = {f":{name}": value for name, value in (*sets.items(), *once.items())}
    parts = [f"#{name} = :{name}" for name in sets]
    parts += [f"#{name} = if_not_exists(#{name}, :{name})" for name in once]
    expression = "SET " + ", ".join(parts)
    if removes:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in removes)
    names = {*sets, *once, *removes}
    request: Item = {"Key": key, "UpdateExpression": expression}
    if condition is not None:
        request["ConditionExpression"] = condition.text
        values.update(condition.values)
        names |= _names_in(condition)
    request["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    request["ExpressionAttributeValues"] = values
    return request


def arrival(dispatch_id: str, node: int, parents: Iterable[int]) -> Item:
    """The update by which parents arrive at a gate."""
    return {
        "Key": gate_key(dispatch_id, node),
        "UpdateExpression": "ADD #arrived :parents",
        "ExpressionAttributeNames": {"#arrived": "arrived"},
        "ExpressionAttributeValues": {":parents": {"SS": [str(parent) for parent in parents]}},
    }


def put(item: Item, condition: Condition | None = None) -> Item:
    """The arguments of a put, which replaces the whole item."""
    request: Item = {"Item": item}
    if condition is not None:
        request["ConditionExpression"] = condition.text
        request["ExpressionAttributeNames"] = {f"#{name}": name for name in _names_in(condition)}
        if condition.values:
            request["ExpressionAttributeValues"] = dict(condition.values)
    return request


def _names_in(condition: Condition) -> set[str]:
    return {name for name in ("status", "attempt", "claim") if f"#{name}" in condition.text}


def claim_attributes(attempt: int, claim: str) -> Item:
    """The attributes that a claim sets, beside `started`."""
    return {
        "status": {"S": Status.RUNNING.value},
        "attempt": {"N": str(attempt)},
        "claim": {"S": claim},
    }


def reclaim(item: Item, started: Item, attempt: int) -> Item:
    """The update that claims a node of which there is a record already."""
    key = {name: item[name] for name in (records.PK, records.SK)}
    sets = {name: value for name, value in item.items() if name not in key}
    return update(key, sets, once=started, removes=("error",), condition=claimable(attempt))


def attributes_of(outcome: Outcome) -> Item:
    """The attributes that an outcome sets."""
    item: Item = {"status": {"S": outcome.status.value}, "ended": {"N": str(outcome.ended)}}
    if outcome.started is not None:
        item["started"] = {"N": str(outcome.started)}
    if outcome.failures:
        item["failures"] = {"N": str(outcome.failures)}
    if outcome.error:
        item["error"] = {"S": shortened(outcome.error)}
    if outcome.output is not None:
        item.update(_output_attributes(outcome.output))
    return item | {name: {"S": text} for name, text in outcome.streams.items()}


def _output_attributes(output: Output) -> Item:
    item: Item = {
        "digest": {"S": output.digest},
        "size": {"N": str(output.size)},
        "kind": {"S": output.kind},
    }
    if output.inline is not None:
        item["output"] = {"B": output.inline}
    return item


def shortened(error: str) -> str:
    """An error without its middle where it is too long: cause and last line stand at its ends."""
    if len(error) <= ERROR_LENGTH:
        return error
    half = ERROR_LENGTH // 2
    return f"{error[:half]}\n[... {len(error) - 2 * half} characters left out ...]\n{error[-half:]}"


def record_of(item: Mapping[str, Any]) -> Record:
    """Read a node's item."""
    return Record(
        status=Status(item["status"]["S"]),
        started=int(item["started"]["N"]) if "started" in item else None,
        attempt=int(_number(item, "attempt")),
        failures=int(_number(item, "failures")),
        output=_output_of(item) if "digest" in item else None,
        error=item.get("error", {}).get("S", ""),
        ended=int(item["ended"]["N"]) if "ended" in item else None,
        alive=int(item["alive"]["N"]) if "alive" in item else None,
    )


def _number(item: Mapping[str, Any], name: str) -> str:
    return str(item.get(name, {}).get("N", 0))


def _output_of(item: Mapping[str, Any]) -> Output:
    inline = item.get("output", {}).get("B")
    return Output(
        digest=item["digest"]["S"],
        size=int(_number(item, "size")),
        kind=item.get("kind", {}).get("S", ""),
        inline=None if inline is None else bytes(inline),
    )


def dispatch_of(item: Mapping[str, Any]) -> Dispatch:
    """Read a dispatch's item."""
    return Dispatch(
        status=Status(item["status"]["S"]),
        nodes=int(item["nodes"]["N"]),
        has_failed=_flag(item, "has_failed"),
        has_cancelled=_flag(item, "has_cancelled"),
    )


def _flag(item: Mapping[str, Any], name: str) -> bool:
    return bool(item.get(name, {}).get("BOOL", False))


def gate_of(item: Mapping[str, Any]) -> Gate:
    """Read a gate's item."""
    needs = item.get("needs")
    return Gate(
        node=records.node_of(item[records.SK]["S"]),
        arrived=frozenset(int(node) for node in item.get("arrived", {}).get("SS", ())),
        needs=None if needs is None else int(needs["N"]),
        token=item.get("token", {}).get("S", ""),
        failed=item.get("failed", {}).get("BOOL", False),
    )
