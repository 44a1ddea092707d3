from __future__ import annotations

import sys
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import cloudpickle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent._results_manager.references import references
from covalent_contracts import pickling

Pair = namedtuple("Pair", "left right")  # a value as users make them


@dataclass(frozen=True)
class Ref:
    id: int


class Loud:
    """Says so when it is unpickled."""

    loaded = 0

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __setstate__(self, state: Any) -> None:
        Loud.loaded += 1
        self.__dict__ = state


def stored(value: Any) -> bytes:
    return pickling.dumps(value, lambda each: each.id if isinstance(each, Ref) else None)


trees = st.recursive(
    st.integers(0, 50).map(Ref) | st.integers() | st.text() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


def refs_of(value: Any) -> set[int]:
    if isinstance(value, Ref):
        return {value.id}
    inner = value.values() if isinstance(value, dict) else value
    is_container = isinstance(value, dict | list | tuple)
    return {each for part in inner for each in refs_of(part)} if is_container else set()


@dataclass
class Travels:
    """Its class is in the pickle, not only its name."""

    inner: Any


def test_references_in_an_object_whose_class_travels_are_found() -> None:
    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    try:
        data = stored([Travels(Ref(1)), Travels([Ref(2)])])
    finally:
        cloudpickle.unregister_pickle_by_value(module)
    assert references(data) == [1, 2]


@given(trees)
def test_every_reference_in_a_tree_is_found(tree: Any) -> None:
    assert set(references(stored(tree))) == refs_of(tree)


@pytest.mark.parametrize(
    "value",
    [
        {Ref(1), Ref(2)},
        frozenset([Ref(1), Ref(2)]),
        {Ref(1): Ref(2)},
        Pair(Ref(1), Ref(2)),
        OrderedDict(a=Ref(1), b=[Ref(2)]),
        Loud([Ref(1), Loud(Ref(2))]),
        [Loud, lambda: None, Ref(1), Ref(2)],
    ],
)
def test_references_in_objects_are_found_without_running_their_code(value: Any) -> None:
    Loud.loaded = 0
    assert sorted(references(stored(value))) == [1, 2]
    assert Loud.loaded == 0


def test_a_pickle_that_cannot_be_walked_gives_what_was_found() -> None:
    data = stored([Ref(1), Ref(2)])
    assert set(references(data[:-4])) <= {1, 2}
