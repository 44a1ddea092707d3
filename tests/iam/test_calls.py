"""What IAM asks for the requests that this project makes."""

from typing import Any

import pytest
from tests.iam.calls import ANY_MACHINE, Names, Request
from tests.iam.policy import Call

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/covalent"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
ROLE = "arn:aws:iam::123456789012:role/r"


def calls(service: str, operation: str, parameters: Any, **more: Any) -> list[Call]:
    return Names("lab").calls(Request("api", service, operation, parameters, **more))


def test_writes_name_keys_and_attributes() -> None:
    (call,) = calls(
        "dynamodb",
        "UpdateItem",
        {
            "TableName": "covalent",
            "Key": {"pk": {"S": "D#1"}, "sk": {"S": "N#2"}},
            "UpdateExpression": "SET #a = if_not_exists(#a, :error) REMOVE error ADD size :one",
            "ConditionExpression": "attribute_not_exists(#b) OR #b IN (:s0, :s1) AND NOT plain < :x",
            "ExpressionAttributeNames": {"#a": "started", "#b": "status"},
        },
    )
    assert (call.action, call.resource) == ("dynamodb:UpdateItem", TABLE)
    assert call.context["dynamodb:leadingkeys"] == ("D#1",)
    named = ("error", "pk", "plain", "sk", "started", "status")
    assert call.context["dynamodb:attributes"] == named


def test_a_transaction_is_what_it_consists_of() -> None:
    def write(pk: str) -> dict[str, Any]:
        return {"TableName": "covalent", "Item": {"pk": {"S": pk}, "owner": {"S": "me"}}}

    found = calls(
        "dynamodb",
        "TransactWriteItems",
        {"TransactItems": [{"Put": write("D#1")}, {"Put": write("D#2")}]},
    )
    assert [each.action for each in found] == ["dynamodb:PutItem"] * 2
    assert [each.context["dynamodb:leadingkeys"] for each in found] == [("D#1",), ("D#2",)]
    assert found[0].context["dynamodb:attributes"] == ("owner", "pk")


def test_queries_name_the_partition_of_table_or_index() -> None:
    question = {
        "TableName": "covalent",
        "KeyConditionExpression": "#0 = :0 AND #1 BETWEEN :1 AND :2",
        "ExpressionAttributeNames": {"#0": "pk", "#1": "sk"},
        "ExpressionAttributeValues": {":0": {"S": "D#1"}, ":1": {"S": "a"}, ":2": {"S": "b"}},
    }
    (call,) = calls("dynamodb", "Query", question)
    assert (call.resource, call.context["dynamodb:leadingkeys"]) == (TABLE, ("D#1",))
    indexed = {**question, "IndexName": "by_owner", "ExpressionAttributeNames": {"#0": "owner"}}
    (call,) = calls("dynamodb", "Query", indexed)
    assert call.resource == f"{TABLE}/index/by_owner"


def test_reads_of_several_items_name_all_keys() -> None:
    question = {
        "Keys": [{"pk": {"S": "D#1"}}, {"pk": {"S": "D#2"}}],
        "ProjectionExpression": "#a",
        "ExpressionAttributeNames": {"#a": "status"},
    }
    (call,) = calls("dynamodb", "BatchGetItem", {"RequestItems": {"covalent": question}})
    assert call.context["dynamodb:leadingkeys"] == ("D#1", "D#2")
    assert call.context["dynamodb:attributes"] == ("pk", "status")


def test_an_object_that_is_not_there_may_be_told_so_to_who_may_list() -> None:
    path = {"path": "/covalent-local/assets/a%20b"}
    (found,) = calls("s3", "HEAD", path)
    assert found == Call("s3:GetObject", "arn:aws:s3:::lab/assets/a b")
    assert calls("s3", "GET", path, status=404)[1] == Call("s3:ListBucket", "arn:aws:s3:::lab")


def test_making_a_machine_passes_a_role() -> None:
    made, passed = calls("states", "CreateStateMachine", {"name": "m", "roleArn": ROLE})
    assert made == Call("states:CreateStateMachine", MACHINE)
    assert (passed.action, passed.resource) == ("iam:PassRole", ROLE)
    assert passed.context == {"iam:passedtoservice": ("states.amazonaws.com",)}


def test_tags_of_the_session_go_with_each_call() -> None:
    (call,) = calls("states", "SendTaskSuccess", {}, tags={"dispatch": "d"})
    assert call == Call(
        "states:SendTaskSuccess", ANY_MACHINE, {"aws:principaltag/dispatch": ("d",)}
    )


def test_taking_a_role_sets_tags() -> None:
    found = calls("sts", "AssumeRole", {"RoleArn": ROLE})
    assert [each.action for each in found] == ["sts:AssumeRole", "sts:TagSession"]


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("s3", "DELETE", {"path": "/covalent-local/a"}),
        ("s3", "GET", {"path": "/covalent-local"}),
        ("s3", "GET", {"path": "/another/a"}),
        ("dynamodb", "Scan", {}),
        ("states", "TestState", {}),
        ("sts", "GetCallerIdentity", {}),
        ("lambda", "CreateFunction", {}),
        ("sqs", "SendMessage", {}),
    ],
)
def test_what_is_not_known_is_an_error(service: str, operation: str, parameters: Any) -> None:
    with pytest.raises(KeyError):
        calls(service, operation, parameters)
