"""Values to bytes, at the time of the call, so that later changes to them do not matter.

Pickling is also how electrons inside a value are found, wherever they are: a bound electron refuses to be
pickled (`HoldsElectron`), and only then the value is pickled again with every electron replaced by its node id.
A value without electrons therefore pays nothing for the search.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from covalent._workflow.description import describe
from covalent._workflow.metadata import DEFAULT_EXECUTOR
from covalent_contracts.errors import InvalidWorkflow, UnpicklableValue

if TYPE_CHECKING:
    from covalent._workflow.transport import TransportGraph

Refer = Callable[[Any], int | None]

IMMUTABLE = frozenset({int, float, complex, bool, str, bytes, type(None)})
"""Types whose values are kept as they are until they are packaged."""


class HoldsElectron(TypeError):
    """A bound electron was about to be pickled."""


def capture(value: Any, refer: Refer, what: str) -> tuple[bytes, tuple[int, ...]]:
    """Pickle a value as it is now.

    Args:
        value: anything.
        refer: the node id of an electron, None for everything else.
        what: the value's place in the workflow, for the message.

    Returns:
        The bytes, and the ids of the nodes that they refer to.

    Raises:
        UnpicklableValue: the value cannot travel.
        InvalidWorkflow: it holds an electron of another lattice.

    """
    from covalent._workflow.own_modules import pickle_with_own_modules  # noqa: PLC0415  # loaded when first used
    from covalent_contracts import pickling  # noqa: PLC0415  # loaded when first used

    found: dict[int, None] = {}

    def record(each: Any) -> int | None:
        node = refer(each)
        if node is not None:
            found[node] = None
        return node

    try:
        try:
            plain = pickle_with_own_modules(lambda: pickling.dumps(value), unless=(HoldsElectron,))
        except HoldsElectron:
            data = pickle_with_own_modules(lambda: pickling.dumps(value, record))
            return data, tuple(found)
        return plain, ()
    except InvalidWorkflow:
        raise
    except Exception as exc:
        raise UnpicklableValue(f"{what} cannot be pickled: {exc}") from exc


def add_value(graph: TransportGraph, value: Any, what: str) -> int:
    """Add the node of an argument that is not an electron itself: a parameter, or a collection of electrons.

    Returns:
        The id of the node.

    Raises:
        UnpicklableValue: the value cannot travel.

    """
    metadata = {"executor": DEFAULT_EXECUTOR, "hooks": None}
    if type(value) in IMMUTABLE:
        name = f":parameter:{describe(value)}"
        return graph.add_node(name, None, metadata, kind="parameter", value=value)
    data, electrons = capture(value, graph.refer, what)
    captured = graph.captured_once(id(value), data)
    if not electrons:
        name = f":parameter:{describe(value)}"
        return graph.add_node(name, None, metadata, kind="parameter", value=captured)
    name = ":electron_dict:" if isinstance(value, dict) else ":electron_list:"
    node = graph.add_node(name, None, metadata, kind="collection", value=captured)
    for index, source in enumerate(electrons):
        graph.add_edge(source, node, edge_name=f"arg[{index}]", param_type="arg", arg_index=index)
    return node
