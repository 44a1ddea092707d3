"""A package means the same as calling the lattice: checked by a small interpreter of packages."""

from __future__ import annotations

import operator
import threading
from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import covalent as ct
from covalent._dispatch.packaging import Package, package, restore_lattice
from covalent._workflow.lattice import Lattice
from covalent._workflow.transport import TransportGraph
from covalent_contracts import pickling
from covalent_contracts.errors import InvalidWorkflow, UnpicklableValue
from covalent_contracts.hooks import Hooks
from covalent_contracts.manifest import Asset, Manifest, Node, NodeKind
from covalent_contracts.status import Status


class Interpreter:
    """Runs a package, one node at a time, from nothing but its bytes."""

    def __init__(self, package: Package) -> None:
        self.manifest = Manifest.model_validate_json(package.manifest.model_dump_json())
        self.objects = package.objects
        self.value = cache(self._value)

    def bytes_of(self, asset: Asset) -> bytes:
        home = self.objects[asset.pack or asset.digest]
        data = home[asset.offset : asset.offset + asset.size]
        assert sha256(data).hexdigest() == asset.digest
        return data

    def load(self, asset: Asset | None, resolve: Callable[[int], Any] | None = None) -> Any:
        assert asset is not None
        return pickling.loads(self.bytes_of(asset), resolve)

    def result(self) -> Any:
        return self.load(self.manifest.recipe, self.value)

    def _value(self, node_id: int) -> Any:
        node = self.manifest.nodes[node_id]
        edges = [edge for edge in self.manifest.edges if edge.target == node_id]
        positional = sorted((e for e in edges if e.kind == "arg"), key=lambda e: e.index)
        match node.kind:
            case NodeKind.PARAMETER:
                return self.load(node.value)
            case NodeKind.COLLECTION:
                return self.load(node.value, self.value)
        args = [self.value(edge.source) for edge in positional]
        match node.kind:
            case NodeKind.ITEM:
                return args[0][args[1]]
            case NodeKind.ATTRIBUTE:
                return getattr(args[0], node.op)
            case NodeKind.OPERATOR:
                return getattr(operator, node.op)(*args)
        kwargs = {edge.name: self.value(edge.source) for edge in edges if edge.kind == "kwarg"}
        return self._run(node, args, kwargs)

    def _run(self, node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
        hooks = self.load(node.hooks) if node.hooks else Hooks()
        for call in hooks.before:
            value = call.function(*call.args, **call.kwargs)
            if call.keyword:
                kwargs[call.keyword] = value
        return self.load(node.function)(*args, **kwargs)


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
def test_a_package_means_what_the_direct_call_means(workflow: Callable[[int], Any]) -> None:
    lattice = ct.lattice(workflow)
    assert same(Interpreter(packaged(lattice, 3)).result(), lattice(3))


def test_arguments_are_captured_at_the_call() -> None:
    @ct.lattice
    def workflow() -> Any:
        values = [identity(0)]
        plain = [1]
        first = identity(values), identity(plain)
        values.append(2)
        plain.append(2)
        return first, identity(values), identity(plain)

    assert Interpreter(packaged(workflow)).result() == (([0], [1]), [0, 2], [1, 2])


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
@given(_values)
def test_values_with_electrons_in_them_keep_their_types(value: Any) -> None:
    @ct.lattice
    def workflow() -> Any:
        e = identity(7)
        return filled(value, e), identity(filled(value, e))

    result = Interpreter(packaged(workflow)).result()
    assert same(result, workflow())
    graph = workflow.transport_graph
    kinds = [graph.get_node_value(node, "kind") for node in range(len(graph))]
    assert kinds.count("collection") <= 1
    assert len(graph) <= 5


def test_equal_workflows_give_equal_objects() -> None:
    lattice = ct.lattice(containers)
    first, second = packaged(lattice, 4), packaged(lattice, 4)
    assert first.objects == second.objects
    assert first.manifest.dispatch_id != second.manifest.dispatch_id
    assert first.manifest.nodes == second.manifest.nodes


def test_small_assets_are_packed_and_large_ones_stand_alone() -> None:
    @ct.lattice
    def workflow() -> Any:
        large, small = b"x" * 70_000, [b"y%d" % i + b"z" * 60_000 for i in range(40)]
        return [identity(each) for each in [large, large, *small]]

    made = packaged(workflow)
    assert Interpreter(made).result() == workflow()
    sizes = sorted(len(data) for data in made.objects.values())
    assert len(sizes) == 4  # the large one once, and 40 x 60 KB in packs of 1 MiB
    assert sizes[-1] <= 1024 * 1024
    assert {each.digest: each.size for each in made.manifest.uploads} == {
        digest: len(data) for digest, data in made.objects.items()
    }
    assert all(sha256(data).hexdigest() == digest for digest, data in made.objects.items())


def test_a_function_is_pickled_once() -> None:
    pickled: list[str] = []

    class Counted:
        __name__ = "counted"

        def __call__(self) -> int:
            return 1

        def __reduce__(self) -> Any:
            pickled.append("once")
            return int, ()

    task = ct.electron(Counted())

    @ct.lattice
    def workflow() -> Any:
        return [task() for _ in range(10)]

    workflow.build_graph()
    package(workflow)
    assert pickled == ["once"] * 2  # and once with the workflow function, which names it


def test_unpicklable_argument_names_electron_and_parameter() -> None:
    @ct.lattice
    def workflow() -> Any:
        return identity(value=threading.Lock())

    with pytest.raises(UnpicklableValue, match=r"argument 'value' of electron identity \(0\)"):
        workflow.build_graph()


def test_unpicklable_argument_of_the_lattice_is_named() -> None:
    @ct.lattice
    def workflow(fine: Any, lock: Any) -> Any:
        return identity(1)

    with pytest.raises(UnpicklableValue, match="argument 'lock' of lattice workflow"):
        workflow.build_graph(1, threading.Lock())


def test_unpicklable_return_value_is_named() -> None:
    @ct.lattice
    def workflow() -> Any:
        return identity(1), threading.Lock()

    with pytest.raises(UnpicklableValue, match="the value that lattice workflow returns"):
        workflow.build_graph()


def test_unpicklable_function_names_the_electron() -> None:
    lock = threading.Lock()

    @ct.electron
    def locked() -> Any:
        return lock

    @ct.lattice
    def workflow() -> Any:
        return locked()

    workflow.build_graph()
    with pytest.raises(UnpicklableValue, match=r"electron locked \(0\)"):
        package(workflow)


def test_an_electron_in_a_closure_is_refused() -> None:
    @ct.lattice
    def workflow() -> Any:
        e = identity(1)

        @ct.electron
        def sneaky() -> Any:
            return e

        return sneaky()

    workflow.build_graph()
    with pytest.raises(InvalidWorkflow, match="pass it to an electron as an argument"):
        package(workflow)


def test_an_electron_hidden_from_pickle_is_refused() -> None:
    class Opaque:
        def __init__(self, held: Any) -> None:
            self.held = held

        def __reduce__(self) -> Any:
            return pickling.loads, (pickling.dumps(self.held),)

    @ct.lattice
    def workflow() -> Any:
        return identity(Opaque(identity(1)))

    with pytest.raises(UnpicklableValue, match="stands for a value that does not exist yet"):
        workflow.build_graph()


def test_executors_get_names_by_settings() -> None:
    long = ct.executor.LocalExecutor(time_limit=5)
    slow = ct.electron(executor=long)(pair.electron_object.function)
    other = ct.electron(executor="nosuchexec")(lambda: 1)

    @ct.lattice
    def workflow() -> Any:
        return identity(1), slow(1, 2), other(), identity(2)

    manifest = packaged(workflow).manifest
    heavy = [node.executor for node in manifest.nodes if node.kind.is_heavy]
    assert heavy == ["local", "local-2", "nosuchexec", "local"]
    assert manifest.executors["local-2"].name == "local"
    assert manifest.executors["local-2"].attributes["time_limit"] == 5
    assert manifest.executors["nosuchexec"].attributes == {}


def test_an_executor_that_is_none_is_refused() -> None:
    lattice = ct.lattice(plain)
    lattice.metadata["executor"] = object
    lattice.build_graph(1)
    with pytest.raises(InvalidWorkflow, match="must be an executor or the short name"):
        package(lattice)


def test_settings_must_be_json() -> None:
    lattice = ct.lattice(executor=ct.executor.LocalExecutor(cache_dir=object()))(plain)
    lattice.build_graph(1)
    with pytest.raises(InvalidWorkflow, match="executor local of electron add"):
        package(lattice)


def test_hooks_travel_in_order_without_covalent() -> None:
    def note(text: str) -> str:
        return text

    @ct.electron(
        deps_bash="echo bash",
        deps_pip=["numpy"],
        call_before=[
            ct.DepsCall(note, ["x"], retval_keyword="by"),
            ct.DepsBash(["echo 1", "echo 2"]),
            ct.DepsPip("scipy"),
        ],
        call_after=ct.DepsCall(identity, kwargs={"value": 1}),
    )
    def task(by: str = "") -> str:
        return by

    @ct.lattice
    def workflow() -> Any:
        return task()

    made = packaged(workflow)
    assert Interpreter(made).load(made.manifest.nodes[0].hooks).pip == ("numpy", "scipy")
    hooks = Interpreter(made).load(made.manifest.nodes[0].hooks)
    assert hooks.bash == ("echo bash",)
    assert [call.keyword for call in hooks.before] == ["by", "", ""]
    assert [call.args for call in hooks.before] == [("x",), ("echo 1",), ("echo 2",)]
    assert hooks.after[0].kwargs == {"value": 1}
    assert not hasattr(hooks.after[0].function, "electron_object")


def test_waiting_travels_and_postprocess_edges_do_not() -> None:
    @ct.lattice
    def workflow() -> Any:
        a, b = identity(1), identity(2)
        return ct.wait(b, a)

    manifest = packaged(workflow).manifest
    assert [(e.source, e.target) for e in manifest.edges if e.kind == "wait"] == [(0, 2)]
    last = len(manifest.nodes) - 1
    assert manifest.nodes[last].kind is NodeKind.POSTPROCESS
    assert all(edge.target != last for edge in manifest.edges)


def test_the_lattice_itself_travels() -> None:
    @ct.lattice(executor="local")
    def workflow(a: int, b: int = 2) -> Any:
        """Adds."""
        return add(a, b)

    made = packaged(workflow, 1)
    asked = Interpreter(made)
    assert asked.load(made.manifest.lattice.inputs) == {"args": (1,), "kwargs": {}}
    again = restore_lattice(asked.bytes_of(made.manifest.lattice.function))
    assert (again.__name__, again.__doc__) == ("workflow", "Adds.")
    assert again.metadata == workflow.metadata
    assert Interpreter(packaged(again, 5)).result() == 7


def test_inputs_are_those_of_the_call_even_if_the_body_changes_them() -> None:
    @ct.lattice
    def workflow(values: list[int]) -> Any:
        values.clear()
        return identity(values)

    made = packaged(workflow, [1, 2])
    inputs = Interpreter(made).load(made.manifest.lattice.inputs)
    assert inputs == {"args": ([1, 2],), "kwargs": {}}


def test_a_graph_is_rebuilt_from_its_manifest() -> None:
    lattice = ct.lattice(unpacking)
    manifest = packaged(lattice, 1).manifest
    built, rebuilt = lattice.transport_graph, TransportGraph.from_manifest(manifest)

    def edges(graph: TransportGraph) -> list[Any]:
        return sorted((x, y, sorted(known.items(), key=str)) for x, y, known in graph.edges())

    assert edges(built) == edges(rebuilt)
    for node in range(len(built)):
        for key in ("name", "kind"):
            assert built.get_node_value(node, key) == rebuilt.get_node_value(node, key)
    assert rebuilt.get_node_value(0, "metadata")["executor"] == "local"
    assert rebuilt.get_node_value(0, "status") == Status.NEW_OBJECT


def test_what_is_not_built_or_has_triggers_is_refused() -> None:
    with pytest.raises(InvalidWorkflow, match="build_graph"):
        package(ct.lattice(plain))
    triggered = ct.lattice(triggers=[object()])(plain)
    triggered.build_graph(1)
    with pytest.raises(InvalidWorkflow, match="triggers"):
        package(triggered)


def test_modules_travel_by_value(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_here.py").write_text("def answer():\n    return 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here  # type: ignore[import-not-found]  # written two lines above

    @ct.electron(deps_module=ct.DepsModule("only_here"))
    def task() -> Any:
        return only_here.answer()

    def direct() -> Any:
        return answer()

    answer = only_here.answer
    by_name = ct.electron(deps_module="only_here")(direct)

    @ct.lattice
    def workflow() -> Any:
        return by_name()

    made = packaged(workflow)
    assert b"only_here" in Interpreter(made).bytes_of(_function(made))
    monkeypatch.undo()
    monkeypatch.delitem(__import__("sys").modules, "only_here")
    assert Interpreter(made).result() == 42
    assert task.__name__ == "task"


def _function(made: Package) -> Asset:
    asset = made.manifest.nodes[0].function
    assert asset is not None
    return asset


def test_named_tuples_made_in_a_function_travel() -> None:
    local = namedtuple("local", "x")  # noqa: PYI024  # the untyped form is what is tested

    @ct.lattice
    def workflow() -> Any:
        return identity(local(identity(1)))

    assert Interpreter(packaged(workflow)).result() == (1,)
