"""A package means the same as calling the lattice."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import covalent as ct
from covalent._dispatch.packaging import Package, package

if TYPE_CHECKING:
    from covalent._workflow.lattice import Lattice

Run = Callable[[Package], Any]


def packaged(lattice: Lattice, *args: Any, **kwargs: Any) -> Package:
    lattice.build_graph(*args, **kwargs)
    return package(lattice)


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass
class Box:
    content: Any


class Tagged(list[Any]):
    tag = ""


@ct.electron
def add(a: Any, b: Any) -> Any:
    return a + b


@ct.electron
def identity(value: Any) -> Any:
    return value


@ct.electron
def pair(a: Any, b: Any) -> Any:
    return a, b


@ct.electron
def collect(*values: Any, **named: Any) -> Any:
    return values, named


@ct.electron
def shifted(value: int, by: int = 10) -> int:
    return value + by


@ct.electron
def boxed(value: Any) -> Box:
    return Box(value)


def plain(x: int) -> Any:
    return add(x, 1)


def keyword_arguments(x: int) -> Any:
    return add(b=x, a=add(a=1, b=2))


def operators(x: int) -> Any:
    e = identity(x)
    return [
        e + 1, 1 + e, e - 2, 2 - e, e * 3, 3 * e, e / 4, 4 / e, e // 2, 9 // e, e % 2, 9 % e, e**2, 2**e,
        e & 6, 6 & e, e | 1, e ^ 3, e << 1, 1 << e, e >> 1, 64 >> e, -e, +e, ~e, abs(-e), e + e,
    ]  # fmt: skip


def unpacking(x: int) -> Any:
    (a, b), c = pair(identity(pair(x, 2)), 3)
    first, second = pair(a, b)
    return {"sum": a + b + c, "last": second, "first": first}


def items_and_attributes(x: int) -> Any:
    table = identity({"a": [x, 2], 3: "three"})
    return table["a"][identity(1)], table[3], boxed(table).content["a"]


def containers(x: int) -> Any:
    e = identity(x)
    odd = OrderedDict(b=e, a=2)
    return (
        identity([e, [e, {"k": (e, 1)}]]),
        identity((e, {e, 5})),
        identity(Point(e, [e])),
        identity(odd),
        identity(defaultdict(list, k=e)),
        identity(Box(e)),
        identity(Tagged([e])),
        identity(frozenset({e})),
    )


def plain_containers(x: int) -> Any:
    return (
        identity((1, x)),
        identity({x}),
        identity(Point(1, 2)),
        identity(range(x)),
        identity(None),
    )


def variadic(x: int) -> Any:
    e = identity(x)
    return collect(1, e, [e], name=e, other={"k": 2})


def defaults(x: int) -> Any:
    return shifted(x), shifted(x, by=e) if (e := identity(1)) is not None else None


def returns_plain_value(x: int) -> Any:
    identity(x)
    return x * 10


def returns_nothing(x: int) -> None:
    identity(x)


def returns_nested(x: int) -> Any:
    e = identity(x)
    return {"point": Point(e, (e, [e])), "box": Box({e: 1})}


@ct.lattice
def inner(x: int) -> Any:
    return add(x, identity(2))


def inlined(x: int) -> Any:
    return identity(inner(identity(x)))


def closures(x: int) -> Any:
    def scaled(value: int) -> int:
        return value * x

    return ct.electron(scaled)(identity(3)), ct.electron(lambda value: value + x)(1)


def electron_functions_travel(x: int) -> Any:
    @ct.electron
    def apply(function: Any, value: int) -> Any:
        return function(value, 1) + add(1, 1)

    return apply(add, x)


WORKFLOWS: list[Callable[[int], Any]] = [
    plain, keyword_arguments, operators, unpacking, items_and_attributes, containers, plain_containers,
    variadic, defaults, returns_plain_value, returns_nothing, returns_nested,
    inlined, closures, electron_functions_travel,
]  # fmt: skip


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same types all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda each: each.__name__)
def test_a_package_means_what_the_direct_call_means(
    workflow: Callable[[int], Any], run: Run
) -> None:
    lattice = ct.lattice(workflow)
    assert same(run(packaged(lattice, 3)), lattice(3))


def test_arguments_are_captured_at_the_call(run: Run) -> None:
    @ct.lattice
    def workflow() -> Any:
        values = [identity(0)]
        plain = [1]
        first = identity(values), identity(plain)
        values.append(2)
        plain.append(2)
        return first, identity(values), identity(plain)

    assert run(packaged(workflow)) == (([0], [1]), [0, 2], [1, 2])


_leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_keys = st.text(max_size=3) | st.integers()
_values = st.recursive(
    _leaves | st.just(...),  # `...` stands for an electron
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(_keys, inner, max_size=4)
        | st.dictionaries(_keys, inner, max_size=4).map(OrderedDict)
        | st.builds(Point, inner, inner)
        | st.builds(Box, inner)
    ),
    max_leaves=12,
)


def filled(value: Any, stand_in: Any) -> Any:
    """The value with `...` replaced."""
    match value:
        case Point(x, y):
            return Point(filled(x, stand_in), filled(y, stand_in))
        case Box(content):
            return Box(filled(content, stand_in))
        case list() | tuple():
            return type(value)(filled(each, stand_in) for each in value)
        case dict():
            return type(value)((key, filled(each, stand_in)) for key, each in value.items())
        case _:
            return stand_in if value is ... else value


@settings(max_examples=150, deadline=None)
@given(value=_values)
def test_values_with_electrons_in_them_keep_their_types(value: Any, run: Run) -> None:
    @ct.lattice
    def workflow() -> Any:
        e = identity(7)
        return filled(value, e), identity(filled(value, e))

    result = run(packaged(workflow))
    assert same(result, workflow())
    graph = workflow.transport_graph
    kinds = [graph.get_node_value(node, "kind") for node in range(len(graph))]
    assert kinds.count("collection") <= 1
    assert len(graph) <= 5


def test_named_tuples_made_in_a_function_travel(run: Run) -> None:
    local = namedtuple("local", "x")

    @ct.lattice
    def workflow() -> Any:
        return identity(local(identity(1)))

    assert run(packaged(workflow)) == (1,)
