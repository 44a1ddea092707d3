"""The evaluation of policies, on what AWS's documentation says of each part."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.iam.policy import Call, Policy, UnknownLanguage

BUCKET = "arn:aws:s3:::lab"
TAGGED = {"aws:principaltag/dispatch": ("d1",)}


def policy(*statements: dict[str, Any]) -> Policy:
    full = [{"Sid": "s", "Effect": "Allow", "Resource": "*", **each} for each in statements]
    return Policy.read(json.dumps({"Version": "2012-10-17", "Statement": full}))


def allows(statement: dict[str, Any], call: Call) -> bool:
    return policy(statement).allowing(call) is not None


def get(resource: str = BUCKET, **context: tuple[str, ...]) -> Call:
    return Call("s3:GetObject", resource, context)


@pytest.mark.parametrize(
    ("pattern", "is_meant"),
    [
        ("s3:GetObject", True),
        ("S3:getobject", True),
        ("s3:Get*", True),
        ("*", True),
        ("s3:GetObjec?", True),
        ("s3:Get", False),
        ("s3:PutObject", False),
    ],
)
def test_actions(pattern: str, is_meant: bool) -> None:
    assert allows({"Action": [pattern]}, get()) is is_meant


@pytest.mark.parametrize(
    ("pattern", "is_meant"),
    [
        (f"{BUCKET}/a/*", True),
        (f"{BUCKET}/a/?", True),
        (f"{BUCKET}/*/b", True),
        (f"{BUCKET}/A/b", False),
        (f"{BUCKET}/a", False),
        (f"{BUCKET}.a/b", False),
        (f"{BUCKET}/${{aws:PrincipalTag/none}}/b", False),
    ],
)
def test_resources(pattern: str, is_meant: bool) -> None:
    assert allows({"Action": "*", "Resource": [pattern]}, get(f"{BUCKET}/a/b")) is is_meant


def test_a_variable_stands_for_its_value_and_nothing_else() -> None:
    statement = {"Action": "*", "Resource": f"{BUCKET}/${{aws:PrincipalTag/dispatch}}/*"}
    for tag, is_meant in (("d1", True), ("d2", False), ("*", False), ("d?", False), ("", False)):
        call = Call("s3:GetObject", f"{BUCKET}/d1/x", {"aws:principaltag/dispatch": (tag,)})
        assert allows(statement, call) is is_meant


@given(tag=st.text(max_size=8), key=st.text(max_size=8))
def test_no_tag_is_a_pattern(tag: str, key: str) -> None:
    statement = {"Action": "*", "Resource": "${aws:PrincipalTag/dispatch}"}
    call = Call("s3:GetObject", key, {"aws:principaltag/dispatch": (tag,)})
    assert allows(statement, call) is (tag == key)


def test_what_is_denied_is_denied() -> None:
    both = policy({"Action": "*"}, {"Effect": "Deny", "Action": "s3:*"})
    assert both.allowing(get()) is None
    assert both.allowing(Call("sqs:SendMessage", "q")) == "s"
    assert policy().allowing(get()) is None


def test_not_action_and_not_resource() -> None:
    assert not allows({"NotAction": "s3:*"}, get())
    assert allows({"NotAction": "sqs:*"}, get())
    document = {"Action": "*", "Effect": "Allow", "NotResource": f"{BUCKET}/*"}
    read = Policy.read(json.dumps({"Statement": document}))
    assert read.allowing(get()) == ""
    assert read.allowing(get(f"{BUCKET}/a")) is None


@pytest.mark.parametrize(
    ("operator", "wanted", "given_", "is_meant"),
    [
        ("StringEquals", "a*", ("a*",), True),
        ("StringEquals", "a*", ("ab",), False),
        ("StringEquals", "a", None, False),
        ("StringEqualsIfExists", "a", None, True),
        ("StringEqualsIfExists", "a", ("b",), False),
        ("StringLike", "a*", ("ab",), True),
        ("ForAllValues:StringLike", "a*", ("ab", "ac"), True),
        ("ForAllValues:StringLike", "a*", ("ab", "b"), False),
        ("ForAllValues:StringEquals", "a", None, True),
        ("ForAnyValue:StringEquals", "a", ("b", "a"), True),
        ("ForAnyValue:StringEquals", "a", ("b",), False),
        ("ForAnyValue:StringEquals", "a", None, False),
        ("ForAllValues:StringEquals", "${aws:PrincipalTag/dispatch}", ("d1",), True),
        ("ForAllValues:StringEquals", "${aws:PrincipalTag/dispatch}", ("d1", "d2"), False),
        ("ArnLike", "arn:aws:s3:::l*", ("arn:aws:s3:::lab",), True),
        ("ArnLike", "arn:aws:s3:*:lab", ("arn:aws:s3:::lab",), False),
        ("ArnLike", "arn:*", ("arn:aws:s3:::lab",), False),
        ("Bool", "false", ("False",), True),
    ],
)
def test_conditions(
    operator: str, wanted: str, given_: tuple[str, ...] | None, is_meant: bool
) -> None:
    context = TAGGED | ({} if given_ is None else {"dynamodb:leadingkeys": given_})
    statement = {"Action": "*", "Condition": {operator: {"dynamodb:LeadingKeys": [wanted]}}}
    assert allows(statement, Call("dynamodb:PutItem", "t", context)) is is_meant


def test_all_conditions_must_hold() -> None:
    tests = {"StringEquals": {"a": "1", "b": ["1", "2"]}}
    statement = {"Action": "*", "Condition": tests}
    assert allows(statement, get(a=("1",), b=("2",)))
    assert not allows(statement, get(a=("1",), b=("3",)))


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "*", "Condition": {"StringNotEquals": {"a": "b"}}},
        {"Action": "*", "Condition": {"ForSomeValues:StringLike": {"a": "b"}}},
        {"Action": "*", "Principal": "*"},
        {"Action": "*", "Effect": "Perhaps"},
    ],
)
def test_what_is_not_known_is_an_error(statement: dict[str, Any]) -> None:
    with pytest.raises(UnknownLanguage):
        policy(statement)


def test_one_value_is_expected_where_no_set_operator_is() -> None:
    with pytest.raises(UnknownLanguage, match="2 values"):
        allows({"Action": "*", "Condition": {"StringLike": {"a": "b"}}}, get(a=("b", "b")))
