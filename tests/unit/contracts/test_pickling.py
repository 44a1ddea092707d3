import subprocess
import sys
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

import cloudpickle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts import pickling, transport
from covalent_contracts.errors import CorruptedObject

Point = namedtuple("Point", "x y")  # the untyped form is what must survive


@dataclass(frozen=True)
class Marker:
    """Stands for an electron."""

    node: int


def refer(value: Any) -> int | None:
    return value.node if isinstance(value, Marker) else None


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.binary(max_size=8),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=4), inner, max_size=3),
        st.builds(Point, inner, inner),
    ),
    max_leaves=8,
)


@given(plain)
def test_values_come_back_equal_and_of_their_type(value: Any) -> None:
    back = pickling.loads(pickling.dumps(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        {1, 2},
        frozenset({1}),
        Point(1, 2),
        OrderedDict(b=1, a=2),
        defaultdict(list, a=[1]),
        range(3),
        complex(1, 2),
        b"bytes",
    ],
    ids=lambda value: type(value).__name__,
)
def test_containers_keep_their_type(value: Any) -> None:
    back = pickling.loads(pickling.dumps(value))
    assert (type(back), back) == (type(value), value)


def test_functions_made_on_the_spot_travel() -> None:
    step = 3
    assert pickling.loads(pickling.dumps(lambda x: x + step))(4) == 7


@given(st.lists(st.integers(0, 99).map(Marker) | st.integers(), max_size=6))
def test_electrons_become_references_and_are_resolved(values: list[Any]) -> None:
    data = pickling.dumps({"deep": [values]}, refer)
    expected = [f"node {v.node}" if isinstance(v, Marker) else v for v in values]
    assert pickling.loads(data, lambda node: f"node {node}") == {"deep": [expected]}


def test_node_zero_is_a_reference_too() -> None:
    assert pickling.loads(pickling.dumps([Marker(0)], refer), lambda node: ("node", node)) == [
        ("node", 0)
    ]


def test_electrons_inside_users_own_objects_are_found() -> None:
    class Box:
        def __init__(self, content: Any) -> None:
            self.content = content

    box = pickling.loads(pickling.dumps(Box(Marker(5)), refer), lambda node: node * 10)
    assert box.content == 50


def test_a_value_with_references_is_not_read_without_knowing_them() -> None:
    data = pickling.dumps([Marker(1)], refer)
    with pytest.raises(Exception, match="persistent"):
        pickling.loads(data)


def header(value: Any) -> transport.Header:
    return transport.split(pickling.dumps(value))[0]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (7, "int", "7"),
        (None, "NoneType", "None"),
        ("word", "str", "word"),
        ("x" * 1000, "str", "x" * pickling.TEXT_LENGTH),
        ([1, 2], "list", "<list>"),
        (np.zeros(3), "ndarray", "<ndarray>"),
    ],
)
def test_the_header_tells_what_the_value_is(value: Any, kind: str, text: str) -> None:
    found = header(value)
    assert (found.type, found.text) == (kind, text)
    assert found.cloudpickle == cloudpickle.__version__


class _Loud:
    def __repr__(self) -> str:
        raise AssertionError("asked for its representation")

    __str__ = __repr__


def test_the_header_does_not_ask_users_objects_for_their_text() -> None:
    assert header(_Loud()).text == "<_Loud>"


def test_an_unpicklable_value_raises() -> None:
    with pytest.raises(TypeError):
        pickling.dumps(each for each in "text")


@given(st.integers(1, 10_000))
def test_a_truncated_value_is_corrupted(cut: int) -> None:
    data = pickling.dumps({"some": ["value", 1, 2.5]})
    with pytest.raises(CorruptedObject):
        pickling.loads(data[: -(1 + cut % len(data))])


def test_an_altered_body_is_corrupted() -> None:
    head, body = transport.split(pickling.dumps([1, 2, 3]))
    with pytest.raises(CorruptedObject):
        pickling.loads(transport.join(head, b"\xff" + body[1:]))


SCRIPT = """
import dataclasses, sys
from covalent_contracts import pickling

@dataclasses.dataclass
class Point:
    x: int = 1
    near: list = dataclasses.field(default_factory=list)

sys.stdout.buffer.write(pickling.dumps(Point(3)))
"""


def test_dataclasses_of_a_script_keep_their_fields() -> None:
    """They do by cloudpickle since 3.1; what reads them may have another version."""
    written = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True).stdout

    assert asdict(pickling.loads(written)) == {"x": 3, "near": []}
    assert b"sentinel" not in written, "a name that cloudpickle has since 3.1"


def test_what_version_3_of_cloudpickle_wrote_is_read_by_version_2(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = pickling.dumps(lambda x: x + 1)
    older = ModuleType("cloudpickle.cloudpickle_fast")
    for name in ("_function_setstate", "_class_setstate"):
        monkeypatch.setattr(older, name, vars(cloudpickle.cloudpickle)[name], raising=False)
        monkeypatch.delattr(cloudpickle.cloudpickle, name)
    monkeypatch.setitem(sys.modules, older.__name__, older)
    with pytest.raises(AttributeError):
        pickling.loads(written)

    pickling.know_names_of_version_3()
    assert pickling.loads(written)(1) == 2
