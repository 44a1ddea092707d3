"""Values that can travel."""

from __future__ import annotations

import json
import platform
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent._workflow.description import LENGTH, describe
from covalent._workflow.transportable_object import TransportableObject
from covalent_contracts.errors import CorruptedObject

values = st.recursive(
    st.none() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(values)
def test_every_way_there_and_back(value: Any) -> None:
    made = TransportableObject(value)
    by_json = TransportableObject.from_dict(json.loads(json.dumps(made.to_dict())))
    by_bytes = TransportableObject.deserialize(made.serialize())
    for each in (made, by_json, by_bytes):
        assert each.get_deserialized() == value
        assert each == made
        assert hash(each) == hash(made)
    assert by_json.object_string == made.object_string


def test_what_is_known_without_unpickling() -> None:
    made = TransportableObject([1, 2])
    assert made.object_string == str(made) == "[1, 2]"
    assert made.python_version == made.header["py_version"] == platform.python_version()
    assert made.attrs["type"] == "list"


def test_nested_values_are_deserialized() -> None:
    one = TransportableObject(1)
    assert TransportableObject.make_transportable(one) is one
    assert TransportableObject.make_transportable(1) == one
    assert TransportableObject.deserialize_list([one, [one, 2], {"k": one}]) == [
        1,
        [1, 2],
        {"k": 1},
    ]
    assert TransportableObject.deserialize_dict({"a": [one]}) == {"a": [1]}


def test_other_bytes_are_refused() -> None:
    with pytest.raises(CorruptedObject):
        TransportableObject.deserialize(b"something else entirely")


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "1.5"),
        ("text", "text"),
        (None, "None"),
        ({"b": 1, "a": [2]}, "{'b': 1, 'a': [2]}"),
        (Unspeakable(), "<Unspeakable>"),
    ],
)
def test_descriptions(value: Any, text: str) -> None:
    assert describe(value) == text


@given(values)
def test_descriptions_are_short(value: Any) -> None:
    assert len(describe(value)) <= LENGTH
    assert len(describe([value] * 10_000)) <= LENGTH


def test_very_long_integers_travel() -> None:
    made = TransportableObject(10**5000)
    assert made.object_string == "<int of 16610 bits>"
    assert TransportableObject.deserialize(made.serialize()).get_deserialized() == 10**5000
