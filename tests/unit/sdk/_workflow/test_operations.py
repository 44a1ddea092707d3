"""Expressions with electrons in them: what is deferred, and what is refused."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import covalent as ct

if TYPE_CHECKING:
    from collections.abc import Callable

    from covalent._workflow.transport import TransportGraph


@ct.electron
def identity(value: Any) -> Any:
    return value


def graph_of(function: Callable[..., Any], *args: Any) -> TransportGraph:
    lattice = ct.lattice(function)
    lattice.build_graph(*args)
    return lattice.transport_graph


UNDEFERRABLE: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "float": float,
    "complex": complex,
    "bool": bool,
    "list": list,
    "tuple": tuple,
    "dict": dict,
    "len": len,
    "str": str,
    "format": lambda e: f"{e}",
    "percent": lambda e: "%s" % e,  # noqa: UP031  # what is tested
    "join": lambda e: "".join([e]),
    "sum": sum,
    "round": round,
    "floor": math.floor,
    "sqrt": math.sqrt,
    "index": lambda e: [1, 2][e],
    "range": range,
    "equal": lambda e: e == 1,
    "unequal": lambda e: e != 1,
    "less": lambda e: e < 1,
    "sorted": lambda e: sorted([e, e + 1]),
    "contains": lambda e: 1 in e,
    "iterate": lambda e: [(each,) for each in e],
    "star": lambda e: identity(*e),
    "double star": lambda e: identity(**e),
    "enumerate": lambda e: list(enumerate(e)),
    "call": lambda e: e(),
    "set item": lambda e: e.__setitem__(0, 1),
    "open": open,
    "array": np.array,
    "array of": lambda e: np.array([e]),
    "numpy": np.sqrt,
    "divmod": lambda e: divmod(e, 2),
}


@pytest.mark.parametrize("operation", UNDEFERRABLE.values(), ids=UNDEFERRABLE.keys())
def test_what_cannot_be_deferred_is_refused(operation: Callable[[Any], Any]) -> None:
    def workflow() -> Any:
        return operation(identity(1))

    with pytest.raises(TypeError):
        graph_of(workflow)


@pytest.mark.parametrize(
    "name", ["int", "len", "bool", "format", "list", "equal", "iterate", "dict"]
)
def test_the_refusal_says_what_to_do(name: str) -> None:
    with pytest.raises(TypeError, match="do this inside an electron"):
        graph_of(lambda: UNDEFERRABLE[name](identity(1)))


def test_open_ended_iteration_is_refused() -> None:
    def starred() -> Any:
        a, *b = identity([1, 2])
        return a, b

    def looped() -> Any:
        for each in identity([1]):
            identity(each)

    for workflow in (starred, looped):
        with pytest.raises(TypeError, match="without a known length"):
            graph_of(workflow)


def test_unpacking_counts_targets_wherever_it_happens() -> None:
    def workflow() -> Any:
        e = identity([1, 2])
        found = []
        for a, [b, c, d] in [e, e]:
            found.append((a, b, c, d))
        (only,) = e
        return found, only

    graph = graph_of(workflow)
    kinds = [graph.get_node_value(node, "kind") for node in range(len(graph))]
    assert kinds.count("item") == 2 * (2 + 3) + 1


def test_unpacking_into_hundreds() -> None:
    targets = ", ".join(f"x{i}" for i in range(300))
    scope: dict[str, Any] = {"identity": identity}
    exec(f"def workflow():\n    {targets} = identity(1)\n    return x0", scope)
    graph = graph_of(scope["workflow"])
    assert sum(graph.get_node_value(n, "kind") == "item" for n in range(len(graph))) == 300


def test_numpy_leaves_operators_to_electrons() -> None:
    graph = graph_of(lambda: np.arange(3) + identity(1))
    assert graph.get_node_value(2, "op") == "add"


def test_private_names_are_not_attributes_of_the_value() -> None:
    def workflow() -> Any:
        e = identity(1)
        assert not hasattr(e, "_repr_html_")
        assert not hasattr(e, "__array_interface__")
        assert not hasattr(e, "keys")
        assert copy.deepcopy([e])[0] is e
        return repr(e)

    assert len(graph_of(workflow)) == 3


def test_operators_run_where_the_workflow_does_and_items_with_their_electron() -> None:
    own = ct.electron(executor="own")(identity.electron_object.function)
    lattice = ct.lattice(executor="each", workflow_executor="flow")(lambda: (own(1) + 1, own(2)[0]))
    lattice.build_graph()
    graph = lattice.transport_graph
    found = {
        graph.get_node_value(node, "kind"): graph.get_node_value(node, "metadata")["executor"]
        for node in range(len(graph))
    }
    assert found == {
        "function": "own", "parameter": "local", "operator": "flow", "item": "own", "postprocess": "flow",
    }  # fmt: skip
