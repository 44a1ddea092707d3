"""Calls, operations and metadata of electrons while a lattice is built, and outside one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

import covalent as ct
from covalent._workflow.electron import Electron
from covalent._workflow.transport import WAITING_EDGE, TransportGraph
from covalent_contracts.errors import InvalidWorkflow

if TYPE_CHECKING:
    from collections.abc import Callable


@ct.electron
def add(a: Any, b: Any) -> Any:
    return a + b


@ct.electron
def identity(value: Any) -> Any:
    return value


@ct.electron
def idt(value: Any) -> Any:
    return value


def graph_of(function: Callable[..., Any], *args: Any) -> TransportGraph:
    lattice = ct.lattice(function)
    lattice.build_graph(*args)
    return lattice.transport_graph


def names(graph: TransportGraph) -> list[str]:
    return [graph.get_node_value(node, "name") for node in range(len(graph))]


def test_numbering_is_the_electron_then_its_arguments() -> None:
    graph = graph_of(lambda: identity(add(a=1, b=2)))
    assert names(graph) == [
        "add", ":parameter:1", ":parameter:2", "identity", ":postprocess:reconstruct",
    ]  # fmt: skip


def test_edges_tell_where_the_value_goes() -> None:
    @ct.electron
    def variadic(first: Any, *rest: Any, named: Any) -> Any: ...

    graph = graph_of(lambda: variadic(0, 1, 2, named=3))
    edges = [next(iter(graph.get_edge_data(node, 0).values())) for node in (1, 2, 3, 4)]
    assert edges == [
        {"edge_name": "first", "param_type": "arg", "arg_index": 0},
        {"edge_name": "arg[1]", "param_type": "arg", "arg_index": 1},
        {"edge_name": "arg[2]", "param_type": "arg", "arg_index": 2},
        {"edge_name": "named", "param_type": "kwarg", "arg_index": None},
    ]


def test_one_electron_may_feed_two_parameters() -> None:
    def workflow() -> Any:
        e = identity(1)
        return add(e, e)

    graph = graph_of(workflow)
    assert [each["edge_name"] for each in graph.get_edge_data(0, 2).values()] == ["a", "b"]


def test_containers_are_one_node() -> None:
    def workflow() -> Any:
        e = identity([1, [2]])
        identity([e, [e, 3]])
        identity({"k": e})

    assert names(graph_of(workflow))[:-1] == [
        "identity", ":parameter:[1, [2]]",
        "identity", ":electron_list:",
        "identity", ":electron_dict:",
    ]  # fmt: skip


def test_names_of_what_is_derived() -> None:
    def workflow() -> Any:
        e = idt(1)
        (a, b), _c = e
        return e + 1, e["k"], e.x, 2 - e, -e, a, b

    made = [name for name in names(graph_of(workflow)) if ":parameter:" not in name]
    assert made == [
        "idt", ":idt()[0]", ":idt()[1]", ":idt()[0][0]", ":idt()[0][1]",
        "idt_+_1", ":idt.__getitem__", ":idt.__getattr__", "2_-_idt", "-_idt", ":postprocess:reconstruct",
    ]  # fmt: skip


def test_long_names_are_cut() -> None:
    def workflow() -> Any:
        total = idt("x" * 5000)
        for _ in range(300):
            total = total + 1
        return total

    assert max(map(len, names(graph_of(workflow)))) < 250


def test_postprocess_waits_for_every_electron() -> None:
    def workflow() -> Any:
        unused = identity(1)
        return identity(unused + 1)

    graph = graph_of(workflow)
    last = len(graph) - 1
    assert graph.get_dependencies(last) == [0, 2, 4]
    waiting = [
        known["edge_name"]
        for each in (0, 2, 4)
        for known in graph.get_edge_data(each, last).values()
    ]
    assert waiting == [WAITING_EDGE] * 3


def executors(graph: TransportGraph) -> list[Any]:
    heavy = [n for n in range(len(graph)) if graph.get_node_value(n, "kind") == "function"]
    return [graph.get_node_value(node, "metadata")["executor"] for node in heavy]


def test_own_executor_then_the_lattices_then_the_default() -> None:
    own = ct.electron(executor="own")(identity.electron_object.function)

    def workflow() -> Any:
        return own(1), identity(2)

    first = ct.lattice(executor="lattice")(workflow)
    first.build_graph()
    assert executors(first.transport_graph) == ["own", "lattice"]
    assert executors(graph_of(workflow)) == ["own", "local"]
    assert identity.electron_object.metadata == {"executor": None, "hooks": None}


def test_an_executor_may_be_set_later() -> None:
    @ct.electron
    def task() -> Any: ...

    task.electron_object.executor = "elsewhere"
    assert executors(graph_of(task)) == ["elsewhere"]
    assert task.electron_object.get_metadata("executor") == "elsewhere"


def test_hooks_are_one_setting() -> None:
    own = ct.electron(deps_bash="own")(identity.electron_object.function)
    lattice = ct.lattice(deps_pip=["lattice"])(lambda: (own(1), identity(2)))
    lattice.build_graph()
    first, second = (
        lattice.transport_graph.get_node_value(node, "metadata")["hooks"]["deps"] for node in (0, 2)
    )
    assert set(first) == {"bash"}
    assert set(second) == {"pip"}


def test_waiting() -> None:
    def workflow() -> Any:
        a, b, c = identity(1), identity(2), identity(3)
        assert ct.wait(c, [a, b]) is c
        assert b.wait_for(a) is b
        return c

    graph = graph_of(workflow)
    assert [graph.get_edge_data(x, 4)[0]["edge_name"] for x in (0, 2)] == [WAITING_EDGE] * 2
    assert graph.get_edge_data(0, 2)[0] == {"edge_name": WAITING_EDGE}


def test_waiting_in_a_circle_is_refused() -> None:
    def workflow() -> Any:
        a = identity(1)
        b = identity(a)
        ct.wait(a, b)

    with pytest.raises(InvalidWorkflow, match="circle"):
        graph_of(workflow)
    with pytest.raises(InvalidWorkflow, match="itself"):
        graph_of(lambda: (e := identity(1)).wait_for(e))


def test_waiting_for_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match="can only wait for electrons"):
        graph_of(lambda: ct.wait(identity(1), 5))
    with pytest.raises(TypeError, match="only an electron can wait"):
        graph_of(lambda: ct.wait(5, identity(1)))


def test_outside_a_lattice_everything_is_plain() -> None:
    assert add(1, 2) == 3
    assert add.__name__ == "add"
    assert ct.wait(3, [4]) == 3
    assert add.electron_object(1, 2) == 3
    assert Electron(None).get_op_function(7, 2, "//") == 3


def test_an_electron_of_another_lattice_is_refused() -> None:
    leaked: list[Any] = []
    graph_of(lambda: leaked.append(identity(1)))
    with pytest.raises(InvalidWorkflow, match="another build"):
        graph_of(lambda: identity(leaked[0]))
    with pytest.raises(InvalidWorkflow, match="another build"):
        graph_of(lambda: identity(leaked))
    with pytest.raises(TypeError, match="in the lattice that calls it"):
        leaked[0] + 1
    assert not hasattr(leaked[0], "anything")
    with pytest.raises(TypeError, match="use what the call returns"):
        identity.electron_object["k"]


def test_backend_is_an_old_name_of_executor() -> None:
    with pytest.deprecated_call():
        old = ct.electron(backend="somewhere")(lambda: 1)
    assert old.electron_object.executor == "somewhere"


def test_metadata() -> None:
    made = Electron(len)
    made.set_metadata("colour", "red")
    assert made.get_metadata("colour") == "red"
    with pytest.raises(KeyError):
        made.get_metadata("taste")


def test_a_collection_node_may_be_added_by_hand() -> None:
    graph = TransportGraph()
    assert Electron([1, 2]).add_collection_node_to_graph(graph, ":mine:") == 0
    assert graph.get_node_value(0, "name") == ":mine:"
    assert graph.get_node_value(0, "value").get_deserialized() == [1, 2]


def test_an_electron_may_be_serialized() -> None:
    document = add.electron_object.as_transportable_dict
    assert document["name"] == "add"
    assert ct.TransportableObject.from_dict(document["function"]).get_deserialized()(1, 2) == 3


def test_threads_do_not_see_each_others_builds() -> None:
    started, finish = threading.Event(), threading.Event()
    seen: list[Any] = []

    def workflow() -> Any:
        started.set()
        finish.wait(10)
        return identity(1)

    def build() -> None:
        seen.append(len(graph_of(workflow)))

    builder = threading.Thread(target=build)
    builder.start()
    started.wait(10)
    seen.append(add(1, 2))
    finish.set()
    builder.join()
    assert seen == [3, 3]


def test_a_value_that_many_take_is_kept_once_unless_it_changes() -> None:
    def workflow() -> Any:
        data = [1.5] * 10
        identity(data), identity(data)
        data.append(2)
        identity(data)

    graph = graph_of(workflow)
    first, second, third = (graph.get_node_value(node, "value") for node in (1, 3, 5))
    assert first is second
    assert len(third.get_deserialized()) == 11
