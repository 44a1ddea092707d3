"""The short way of item requests answers, and leaves behind, what moto as it comes from the shelf does."""

import json
import sys
from base64 import b64encode
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.core.base_backend import BackendDict

from covalent_localstack import bootstrap, dynamodb, item_requests, patching, server
from covalent_localstack.http_server import Environ, add_header, new_environ

Json = dict[str, Any]
Request = tuple[str, Json]
TABLE = "covalent"


def environ_of(request: Request) -> Environ:
    action, body = request
    data = json.dumps(body).encode()
    environ = new_environ("POST", "/", 4566)
    for name, value in {
        "Host": "127.0.0.1:4566",
        "X-Amz-Target": f"{item_requests.TARGET}{action}",
        "Authorization": "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/dynamodb/aws4_request, "
        "SignedHeaders=host, Signature=00",
        "Content-Type": "application/x-amz-json-1.0",
        "Content-Length": str(len(data)),
    }.items():
        add_header(environ, name, value)
    return environ | {"wsgi.input": BytesIO(data), "wsgi.errors": sys.stderr}


def in_order(value: Any) -> Any:
    """A document without the order of sets, which DynamoDB does not keep."""
    if isinstance(value, list):
        return [in_order(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: sorted(each)
        if name in ("SS", "NS", "BS") and isinstance(each, list)
        else in_order(each)
        for name, each in value.items()
    }


def outcome(request: Request, way: Callable[[Environ], server.Answer]) -> tuple[int, Any]:
    try:
        status, _, body = way(environ_of(request))
    except (KeyError, ValueError, IndexError, TypeError) as exc:  # how moto refuses some nonsense
        return 500, type(exc)
    document = in_order(json.loads(b"".join(body)))
    if "ReturnConsumedCapacity" not in request[1]:  # moto sometimes tells it unasked
        document.pop("ConsumedCapacity", None)
    return status, document


SCAN: Request = ("Scan", {"TableName": TABLE})


def by_moto(requests: Iterable[Request]) -> list[tuple[int, Any]]:
    """What moto answers to the requests, and to the question what it holds then."""
    BackendDict.reset()
    bootstrap._table()
    return [outcome(each, server._dynamodb) for each in (*requests, SCAN)]


def _short(environ: Environ) -> server.Answer:
    return item_requests.answer(environ) or server._dynamodb(environ)


def the_short_way(requests: Iterable[Request]) -> list[tuple[int, Any]]:
    """What we answer."""
    dynamodb.install()
    try:
        BackendDict.reset()
        bootstrap._table()
        return [outcome(each, _short) for each in (*requests, SCAN)]
    finally:
        patching.undo()


_values = st.one_of(
    st.sampled_from(["RUNNING", "COMPLETED", "", "æ"]).map(lambda text: {"S": text}),
    st.sampled_from(["0", "-7", "2.5"]).map(lambda text: {"N": text}),
    st.binary(max_size=3).map(lambda data: {"B": b64encode(data).decode()}),
    st.booleans().map(lambda flag: {"BOOL": flag}),
    st.just({"NULL": True}),
    st.sets(st.sampled_from("123"), min_size=1).map(lambda texts: {"SS": sorted(texts)}),
    st.just({"L": [{"S": "a"}, {"N": "1"}]}),
    st.just({"M": {"BS": {"B": "AQ=="}, "B": {"BS": ["AQ=="]}}}),
)
_attributes = st.dictionaries(st.sampled_from(["status", "claim", "n", "BS"]), _values, max_size=3)
_keys = st.builds(
    lambda pk, sk: {"pk": {"S": pk}, "sk": {"S": sk}},
    st.sampled_from(["D#1", "D#2"]),
    st.sampled_from(["N#1", "N#2", "META"]),
)


def _with(text: str, *names: str, **values: Json) -> Json:
    found: Json = {"ConditionExpression": text}
    if names:
        found["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    if values:
        found["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return found


_RUNNING = {"S": "RUNNING"}
_conditions = st.sampled_from(
    [
        {},
        _with("attribute_not_exists(#status)", "status"),
        _with("#claim = :c AND #status = :r", "claim", "status", c={"N": "0"}, r=_RUNNING),
        _with(
            "attribute_not_exists(#status) OR (#status IN (:r, :d) AND #n < :n)",
            *("status", "n"),
            r=_RUNNING,
            d={"S": "COMPLETED"},
            n={"N": "1"},
        ),
        _with("attribute_exists(pk) AND begins_with(sk, :p)", p={"S": "N#"}),
        _with("#n BETWEEN :low AND :high", "n", low={"N": "-8"}, high={"N": "1"}),
        _with("#claim = :c AND #status = :r", "claim", "status", c={"S": ""}, r={"N": "0"}),
        _with(
            "size(#status) > :n OR attribute_type(#status, :t)",
            "status",
            n={"N": "3"},
            t={"S": "N"},
        ),
        _with("NOT contains(#status, :p)", "status", p={"S": "1"}),
        _with("attribute_exists(pk)", "unused"),
        _with("attribute_exists("),
        _with("#status = :missing", "status"),
    ]
)
_lost = st.sampled_from([{}, {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}])
_kept = st.sampled_from([{}, {"ReturnConsumedCapacity": "TOTAL"}, {"ReturnValues": "ALL_OLD"}])
_projections = st.sampled_from(
    [
        {},
        {
            "ProjectionExpression": "sk, #status, #none",
            "ExpressionAttributeNames": {"#status": "status", "#none": "none"},
        },
        {"ProjectionExpression": "claim.B, n[0]"},
        {"ProjectionExpression": "sk, sk"},
    ]
)
_ranges = st.sampled_from(
    [
        {"KeyConditionExpression": "pk = :pk"},
        {"KeyConditionExpression": "pk = :pk AND begins_with(sk, :a)"},
        {"KeyConditionExpression": "pk = :pk AND sk BETWEEN :a AND :b", "Limit": 1},
        {"KeyConditionExpression": "pk = :pk", "ScanIndexForward": False, "Select": "COUNT"},
        {
            "KeyConditionExpression": "pk = :pk",
            "FilterExpression": "#s = :r",
            "ExpressionAttributeNames": {"#s": "status"},
        },
    ]
)
_updates = st.sampled_from(
    [
        {
            "UpdateExpression": "SET #status = :v, n = if_not_exists(n, :v) REMOVE claim",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {":v": {"N": "1"}},
        },
        {
            "UpdateExpression": "ADD arrived :v",
            "ExpressionAttributeValues": {":v": {"SS": ["7"]}},
        },
        {"UpdateExpression": "SET n = n + :v", "ExpressionAttributeValues": {":v": {"N": "1"}}},
        {"UpdateExpression": "SET pk = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}},
    ]
)


def _values_of(question: Json, pk: str) -> Json:
    """The values that a question names, and no others."""
    known = {"pk": {"S": pk}, "a": {"S": "N#"}, "b": {"S": "N#2"}, "r": _RUNNING}
    texts = question["KeyConditionExpression"] + " " + question.get("FilterExpression", "")
    used = {f":{name}": value for name, value in known.items() if f":{name}" in texts}
    return {"TableName": TABLE, "ExpressionAttributeValues": used, **question}


_at = {"TableName": TABLE}
_put = st.builds(lambda key, item: {**_at, "Item": {**item, **key}}, _keys, _attributes)
_update = st.builds(lambda key, update: {**_at, "Key": key, **update}, _keys, _updates)
_delete = st.builds(lambda key: {**_at, "Key": key}, _keys)
_check = st.builds(
    lambda key: {**_at, "Key": key, "ConditionExpression": "attribute_not_exists(n)"}, _keys
)
_transaction = st.lists(
    st.one_of(
        _put.map(lambda write: {"Put": write}),
        _update.map(lambda write: {"Update": write}),
        _delete.map(lambda write: {"Delete": write}),
        _check.map(lambda write: {"ConditionCheck": write}),
    ),
    min_size=1,
    max_size=3,
)
_requests = st.one_of(
    st.tuples(
        st.just("PutItem"),
        st.builds(lambda *parts: _joined(parts), _put, _conditions, _lost, _kept),
    ),
    st.tuples(
        st.just("UpdateItem"),
        st.builds(
            lambda *parts: _joined(parts),
            _update,
            st.sampled_from([{}, {"ReturnValues": "ALL_NEW"}]),
            _lost,
        ),
    ),
    st.tuples(
        st.just("DeleteItem"), st.builds(lambda *parts: _joined(parts), _delete, _conditions)
    ),
    st.tuples(
        st.just("GetItem"),
        st.builds(lambda key, shown: {**_at, "Key": key, **shown}, _keys, _projections),
    ),
    st.tuples(
        st.just("BatchGetItem"),
        st.builds(
            lambda keys, shown: {
                "RequestItems": {TABLE: {"Keys": keys, "ConsistentRead": True, **shown}}
            },
            st.lists(_keys, min_size=1, max_size=4),
            _projections,
        ),
    ),
    st.tuples(st.just("Query"), st.builds(_values_of, _ranges, st.sampled_from(["D#1", "D#2"]))),
    st.tuples(
        st.just("TransactWriteItems"), st.builds(lambda do: {"TransactItems": do}, _transaction)
    ),
)


def _joined(parts: Iterable[Json]) -> Json:
    """Parts of a request in one."""
    whole: Json = {}
    for part in parts:
        whole |= part
    return whole


@given(st.lists(_requests, max_size=8))
@settings(deadline=None, max_examples=150)
def test_nobody_can_tell_the_short_way_from_motos(requests: list[Request]) -> None:
    assert the_short_way(requests) == by_moto(requests)


@pytest.mark.parametrize("action", ["CreateTable", "ListTables"])
def test_other_actions_stay_with_moto(action: str) -> None:
    environ = environ_of((action, {}))
    assert item_requests.answer(environ) is None
    assert environ["wsgi.input"].read() == b"{}"


def test_canary_moto_still_reads_a_request_as_a_form() -> None:
    """When this fails, measure whether moto's own way has become short enough."""
    import inspect

    from moto.core.responses import BaseResponse

    assert "parse_qsl" in inspect.getsource(BaseResponse.setup_class)


def test_canary_a_condition_is_still_parsed_again_and_again() -> None:
    """When this fails, drop `conditions`."""
    import inspect

    from moto.dynamodb.models.table import Table
    from moto.dynamodb.responses import DynamoHandler

    assert "parser.parse()" in inspect.getsource(DynamoHandler.put_item)
    assert "get_filter_expression(" in inspect.getsource(Table.put_item)


def test_canary_items_are_still_measured_for_each_attribute() -> None:
    """When this fails, drop `items`."""
    import inspect

    from moto.dynamodb.models.dynamo_type import LimitedSizeDict

    assert "sum(" in inspect.getsource(LimitedSizeDict.__setitem__)
