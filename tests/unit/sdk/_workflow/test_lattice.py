"""Lattices: build, direct calls, metadata, and what is deprecated."""

from __future__ import annotations

import copy
import pickle
import sys
import types
from typing import TYPE_CHECKING, Any

import cloudpickle
import pytest

import covalent as ct

if TYPE_CHECKING:
    from covalent._workflow.lattice import Lattice


@ct.electron
def identity(value: Any) -> Any:
    return value


@ct.lattice
def workflow(a: int, b: int = 2) -> Any:
    """Shows things."""
    return identity(a), b


class Broken(Exception):
    pass


def test_called_directly_it_is_the_function() -> None:
    assert workflow(1) == (1, 2)
    assert (workflow.__name__, workflow.__doc__) == ("workflow", "Shows things.")


def test_building_keeps_the_arguments_as_passed() -> None:
    lattice = ct.lattice(workflow.workflow_function)
    lattice.build_graph(5)
    assert (lattice.args, lattice.kwargs) == ((5,), {})
    assert len(lattice.transport_graph) == 3


def test_an_exception_propagates_and_leaves_no_build_behind() -> None:
    error = Broken("here")

    @ct.lattice
    def failing(fail: bool) -> Any:
        e = identity(1)
        if fail:
            raise error
        return e

    failing.build_graph(False)
    before = failing.transport_graph
    with pytest.raises(Broken) as caught:
        failing.build_graph(True)
    assert caught.value is error
    assert failing.transport_graph is before
    assert identity(3) == 3


def test_wrong_arguments_of_a_lattice_are_refused_at_build() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        workflow.build_graph()


def test_output_of_the_body_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    @ct.lattice
    def talking() -> None:
        print("building")  # what is tested

    talking.build_graph()
    assert capsys.readouterr().out == "building\n"


def test_lattices_in_a_lattice_are_inlined() -> None:
    @ct.lattice(executor="outer")
    def outer() -> Any:
        return workflow(identity(1))[0]

    outer.build_graph()
    graph = outer.transport_graph
    names = [graph.get_node_value(node, "name") for node in range(len(graph))]
    assert names == ["identity", ":parameter:1", "identity", ":postprocess:reconstruct"]
    assert graph.get_node_value(2, "metadata")["executor"] == "outer"


def test_a_build_in_a_build_is_apart() -> None:
    @ct.lattice
    def outer() -> Any:
        ct.lattice(workflow.workflow_function).build_graph(1)
        return identity(2)

    outer.build_graph()
    assert len(outer.transport_graph) == 3


def test_metadata() -> None:
    made = ct.lattice(executor="a", workflow_executor="b", deps_bash=["ls"])(lambda: None)
    assert made.get_metadata("executor") == "a"
    assert made.get_metadata("workflow_executor") == "b"
    made.set_metadata("executor", "c")
    assert made.get_metadata("executor") == "c"
    with pytest.raises(KeyError):
        made.get_metadata("taste")


def test_backend_is_an_old_name_of_executor() -> None:
    with pytest.deprecated_call():
        assert ct.lattice(backend="old")(lambda: None).get_metadata("executor") == "old"


@pytest.mark.parametrize("name", ["dispatch", "dispatch_sync"])
def test_old_ways_to_dispatch_delegate(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def dispatch(lattice: Lattice) -> Any:
        def submit(*args: Any, **kwargs: Any) -> str:
            asked.append((lattice, args, kwargs))
            return "id"

        return submit

    module: Any = types.ModuleType("covalent._dispatcher_plugins")
    module.dispatch = module.dispatch_sync = dispatch
    monkeypatch.setitem(sys.modules, "covalent._dispatcher_plugins", module)
    with pytest.deprecated_call():
        assert getattr(workflow, name)(1, b=3) == "id"
    assert asked == [(workflow, (1,), {"b": 3})]


def test_copies_are_built_anew() -> None:
    original = ct.lattice(executor="here")(workflow.workflow_function)
    original.build_graph(1)
    for made in (copy.copy(original), cloudpickle.loads(cloudpickle.dumps(original))):
        assert made.get_metadata("executor") == "here"
        assert made.__name__ == "workflow"
        assert len(made.transport_graph) == 0
        made.build_graph(2)
    assert original.args == (1,)


def test_a_decorated_function_pickles_by_name() -> None:
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(ct.electron(lambda: 1))
    again = cloudpickle.loads(cloudpickle.dumps(ct.electron(executor="x")(lambda a: a + 1)))
    assert again(1) == 2
    assert again.electron_object.executor == "x"
