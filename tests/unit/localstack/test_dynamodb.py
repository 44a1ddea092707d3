import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from covalent_localstack import dynamodb, updates

Client = Callable[[str], Any]
CONTENT = {"M": {"x": {"B": b"\x01"}}}


def key(pk: str, sk: str = "s") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


@pytest.fixture
def table(client: Client) -> Any:
    return client("dynamodb")


def test_no_add_is_lost(table: Any) -> None:
    def add(_: int) -> None:
        table.update_item(
            TableName="covalent",
            Key=key("counter"),
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(80)))
    found = table.get_item(TableName="covalent", Key=key("counter"))["Item"]
    assert found["n"] == {"N": "80"}


def test_one_of_many_wins_a_conditional_write(table: Any) -> None:
    barrier = threading.Barrier(8)

    def claim(number: int) -> bool:
        barrier.wait()
        try:
            table.update_item(
                TableName="covalent",
                Key=key("claim"),
                UpdateExpression="SET winner = :me",
                ConditionExpression="attribute_not_exists(winner)",
                ExpressionAttributeValues={":me": {"N": str(number)}},
            )
        except table.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1


def put(pk: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "covalent", "Item": {**key(pk), **more}}}


def test_a_failed_transaction_changes_nothing(table: Any) -> None:
    table.put_item(TableName="covalent", Item={**key("old"), "v": {"S": "before"}})
    refused = {
        "ConditionCheck": {
            "TableName": "covalent",
            "Key": key("nothing"),
            "ConditionExpression": "attribute_exists(pk)",
        }
    }
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        table.transact_write_items(TransactItems=[put("old"), put("new"), refused])
    assert table.get_item(TableName="covalent", Key=key("old"))["Item"]["v"] == {"S": "before"}
    assert "Item" not in table.get_item(TableName="covalent", Key=key("new"))


def test_a_transaction_writes_everything(table: Any) -> None:
    update = {
        "Update": {
            "TableName": "covalent",
            "Key": key("t2"),
            "UpdateExpression": "ADD arrived :me",
            "ExpressionAttributeValues": {":me": {"SS": ["7"]}},
        }
    }
    table.transact_write_items(TransactItems=[put("t1", content=CONTENT), update])
    table.transact_write_items(
        TransactItems=[update, {"Delete": {"TableName": "covalent", "Key": key("t1")}}]
    )
    assert table.get_item(TableName="covalent", Key=key("t2"))["Item"]["arrived"] == {"SS": ["7"]}
    assert "Item" not in table.get_item(TableName="covalent", Key=key("t1"))


def test_an_index_shows_its_items_newest_first(table: Any) -> None:
    for number in range(3):
        item = {**key(f"ix{number}"), "owner": {"S": "me"}, "created": {"N": str(number)}}
        table.put_item(TableName="covalent", Item=item)
    table.put_item(TableName="covalent", Item=key("ix-none"))
    table.delete_item(TableName="covalent", Key=key("ix1"))
    pages = table.get_paginator("query").paginate(
        TableName="covalent",
        IndexName="by_owner",
        KeyConditionExpression="#o = :me",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":me": {"S": "me"}},
        ScanIndexForward=False,
        PaginationConfig={"PageSize": 1},
    )
    found = [item["pk"]["S"] for page in pages for item in page["Items"]]
    assert found == ["ix2", "ix0"]


def test_a_query_looks_at_its_partition_only(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for sk in ("b", "a", "c"):
        table.put_item(TableName="covalent", Item=key("part", sk))
    seen: list[int] = []
    whole = dynamodb._stock_all_items

    def watch(self: Any) -> Any:
        seen.append(len(self.items))
        return whole(self)

    monkeypatch.setattr(dynamodb, "_stock_all_items", watch)
    found = table.query(
        TableName="covalent",
        KeyConditionExpression="pk = :p AND sk > :s",
        ExpressionAttributeValues={":p": {"S": "part"}, ":s": {"S": "a"}},
    )
    assert [item["sk"]["S"] for item in found["Items"]] == ["b", "c"]
    assert seen == [1]


def test_updates_are_told_apart(table: Any) -> None:
    for expression in ("SET a = if_not_exists(a, :v), b = :v REMOVE c", "SET a = :w, c = :v"):
        values = {f":{name}": {"S": name} for name in "vw" if f":{name}" in expression}
        for _ in range(2):  # the second goes the short way
            answer = table.update_item(
                TableName="covalent",
                Key=key("u"),
                UpdateExpression=expression,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
    text = {name: value["S"] for name, value in answer["Attributes"].items()}
    assert text == {"pk": "u", "sk": "s", "a": "w", "b": "v", "c": "v"}


@pytest.mark.parametrize("text", ["SET a.b = :v", "SET a = a + :v", "DELETE s :v", "", "x"])
def test_what_is_not_plain_stays_with_moto(text: str) -> None:
    assert not updates.steps(text)


_names = st.sampled_from(["a", "b", "#c", "status2"])


@given(st.lists(_names, min_size=1, unique=True))
@settings(deadline=None)
def test_every_name_of_an_expression_is_read(names: list[str]) -> None:
    expression = "SET " + ", ".join(f"{name} = :v" for name in names)
    assert [step.name for step in updates.steps(expression) or ()] == names
