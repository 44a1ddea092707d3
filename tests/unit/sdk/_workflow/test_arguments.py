"""Calls of electrons with arguments that the function does not take."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

import covalent as ct
from covalent._shared_files.exceptions import InvalidArguments
from covalent_contracts.errors import InvalidWorkflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from covalent._workflow.transport import TransportGraph


@ct.electron
def add(a: Any, b: Any) -> Any:
    return a + b


@ct.electron
def identity(value: Any) -> Any:
    return value


def graph_of(function: Callable[..., Any], *args: Any) -> TransportGraph:
    lattice = ct.lattice(function)
    lattice.build_graph(*args)
    return lattice.transport_graph


def names(graph: TransportGraph) -> list[str]:
    return [graph.get_node_value(node, "name") for node in range(len(graph))]


untyped: Any = add
"""For calls that a type checker refuses as well."""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: untyped(1, 2, 3), "Too many positional arguments given, expected 2, received 3"),
        (lambda: untyped(1, 2, c=3), "Unexpected keyword arguments: c"),
        (lambda: untyped(1, a=3), "Multiple values for arguments: a"),
        (lambda: untyped(b=1), "Missing arguments: a"),
        (untyped, "Missing arguments: a, b"),
    ],
)
def test_wrong_arguments_are_refused_at_build(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidArguments, match=message) as caught:
        graph_of(call)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)


def test_injected_parameters_are_not_missing() -> None:
    @ct.electron(call_before=[ct.DepsCall(int, retval_keyword="b")])
    def task(a: int, b: int) -> int:
        return a + b

    injected: Any = task
    assert len(graph_of(lambda: injected(1))) == 3


def test_a_refused_call_leaves_nothing_behind() -> None:
    def workflow() -> Any:
        first = identity(1)
        with pytest.raises(InvalidWorkflow):
            add(first, threading.Lock())
        with pytest.raises(InvalidArguments):
            untyped(1)
        return identity(2)

    assert names(graph_of(workflow)) == [
        "identity", ":parameter:1", "identity", ":parameter:2", ":postprocess:reconstruct",
    ]  # fmt: skip


def test_functions_without_a_signature_take_everything() -> None:
    assert len(graph_of(lambda: ct.electron(max)(1, 2))) == 4
