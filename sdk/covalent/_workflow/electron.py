"""Electrons, the tasks of a workflow; the Covalent API promises class, decorator and `wait` in this one module."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast, overload

from covalent._workflow import tracing
from covalent._workflow.arguments import Parameters, parameters_of
from covalent._workflow.capture import HoldsElectron, add_value
from covalent._workflow.decoration import ElectronFunction, decorated
from covalent._workflow.description import LENGTH, describe, name_of
from covalent._workflow.metadata import (
    executor_or_backend,
    hooks_of,
    injected,
    with_files,
    workflow_metadata,
)
from covalent._workflow.operations import BINARY, UNARY, Operators, cannot
from covalent._workflow.transportable_object import TransportableObject
from covalent._workflow.unpacking import expected_count
from covalent_contracts.errors import InvalidWorkflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from covalent._workflow.metadata import BashLike, CallLike, ExecutorLike, ModuleLike, PipLike
    from covalent._workflow.tracing import Trace
    from covalent._workflow.transport import TransportGraph

P = ParamSpec("P")
R = TypeVar("R")

WAITING_EDGE = "!waiting_edge"
_SALT = 0x656C656374726F6E
"""Keeps the hash of an electron apart from those of numbers, with which it cannot be compared."""


class Electron(Operators):
    """A task, and in a lattice that is being built: the value that one call of it will have.

    A call in a lattice returns a new electron that is bound to a node; the one that was called never changes.

    Args:
        function: what to run.
        node_id: the node it is bound to.
        metadata: `executor` and `hooks`.

    """

    __slots__ = ("_name", "_parameters", "_trace", "function", "kwargs", "metadata", "node_id")

    def __init__(
        self,
        function: Any,
        node_id: int | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.function = function
        self.node_id = node_id
        self.metadata: dict[str, Any] = metadata or {"executor": None, "hooks": None}
        self.kwargs: dict[str, Any] = {}
        self._name = name_of(function)
        self._parameters: Parameters | None = None
        self._trace: Trace | None = None

    @property
    def _is_bound(self) -> bool:
        return self._trace is not None

    @property
    def _graph(self) -> TransportGraph | None:
        return None if self._trace is None else self._trace.graph

    @property
    def executor(self) -> Any:
        """The electron's own executor; set it to run later calls elsewhere."""
        return self.metadata.get("executor")

    @executor.setter
    def executor(self, executor: ExecutorLike | None) -> None:
        self.metadata["executor"] = executor

    def get_metadata(self, name: str) -> Any:
        """The metadata of this name.

        Raises:
            KeyError: there is none.

        """
        return self.metadata[name]

    def set_metadata(self, name: str, value: Any) -> None:
        """Set metadata."""
        self.metadata[name] = value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add a node to the lattice that is being built; outside one, call the function.

        Raises:
            InvalidArguments: the function does not take these arguments.
            UnpicklableValue: an argument cannot travel.

        """
        if self._is_bound:
            raise cannot("a call", self)
        trace = tracing.active()
        if trace is None:
            return self.function(*args, **kwargs)
        if (other := tracing.replacement(self)) is not self:
            return other(*args, **kwargs)
        name, function, metadata, kind = trace.node_of(self._name, self.function, self.metadata)
        parameters = self._check(args, kwargs, metadata)
        names = [parameters.name_at(index) for index in range(len(args))]
        bound = _bind(trace, name, function, metadata, kind=kind)
        bound.kwargs = kwargs
        bound._connect(zip(names, args, strict=True), kwargs.items())
        return bound

    def _connect(
        self, args: Iterable[tuple[str, Any]], kwargs: Iterable[tuple[str, Any]] = ()
    ) -> None:
        """Connect this new node with its arguments; if one cannot be, the graph is as it was before."""
        graph, node = cast("Trace", self._trace).graph, cast("int", self.node_id)
        try:
            for index, (name, value) in enumerate(args):
                self.connect_node_with_others(node, name, value, "arg", index, graph)
            for name, value in kwargs:
                self.connect_node_with_others(node, name, value, "kwarg", None, graph)
        except BaseException:
            graph.forget_from(node)
            raise

    def _check(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], metadata: Mapping[str, Any]
    ) -> Parameters:
        if self._parameters is None:
            self._parameters = parameters_of(self.function)
        self._parameters.check(args, kwargs, injected(metadata["hooks"]))
        return self._parameters

    def connect_node_with_others(
        self,
        node_id: int,
        param_name: str,
        param_value: Any,
        param_type: str,
        arg_index: int | None,
        transport_graph: TransportGraph,
    ) -> None:
        """Make a node depend on an argument; what is not an electron gets a node of its own.

        Raises:
            UnpicklableValue: the argument cannot travel.
            InvalidWorkflow: it is an electron of another lattice.

        """
        source = transport_graph.refer(param_value)
        if source is None:
            what = f"argument {param_name!r} of electron {self._name} ({node_id})"
            source = add_value(transport_graph, param_value, what)
        transport_graph.add_edge(
            source, node_id, edge_name=param_name, param_type=param_type, arg_index=arg_index
        )

    def add_collection_node_to_graph(self, graph: TransportGraph, prefix: str) -> int:
        """Add a node for a collection of electrons: the value that this electron's function is or returns.

        Returns:
            The id of the node.

        """
        value = self.function() if callable(self.function) else self.function
        node = add_value(graph, value, f"collection {prefix}")
        graph.set_node_value(node, "name", prefix)
        return node

    def wait_for(self, electrons: Electron | Iterable[Electron]) -> Electron:
        """Start this electron only when others have completed, whose values it does not take.

        Returns:
            This electron.

        Raises:
            TypeError: something else than an electron of this lattice is to be waited for.
            InvalidWorkflow: it would wait for itself.

        """
        if self._trace is None:
            return self
        graph = self._trace.graph
        one = isinstance(electrons, Electron) or not isinstance(electrons, Iterable)
        for each in [electrons] if one else electrons:
            source = graph.refer(each)
            if source is None:
                raise TypeError(
                    f"{self!r} can only wait for electrons of its lattice, not {each!r}"
                )
            if source == self.node_id:
                raise InvalidWorkflow(f"{self!r} cannot wait for itself")
            graph.add_edge(source, cast("int", self.node_id), edge_name=WAITING_EDGE)
        return self

    def get_op_function(self, operand_1: Any, operand_2: Any, op: str) -> Any:
        """Defer a binary operation; outside a lattice, do it.

        Args:
            operand_1: the left operand.
            operand_2: the right operand.
            op: the operator's symbol, as "+".

        Raises:
            TypeError: an electron is used outside the lattice that it belongs to.

        """
        trace = tracing.active()
        if trace is None and not any(isinstance(each, Electron) for each in (operand_1, operand_2)):
            return BINARY[op](operand_1, operand_2)
        name = f"{_label(operand_1)}_{op}_{_label(operand_2)}"
        return self._deferred(name, "operator", BINARY[op].__name__, operand_1, operand_2)

    def get_unary_function(self, op: str) -> Any:
        """Defer a unary operation, given by its symbol."""
        return self._deferred(f"{op}_{self._name}", "operator", UNARY[op].__name__, self)

    def _deferred(self, name: str, kind: str, op: str, *operands: Any) -> Electron:
        """Add a light node. Operators run where the workflow does, items and attributes with their electron."""
        trace = tracing.active()
        unbound = any(isinstance(each, Electron) and not each._is_bound for each in operands)
        if trace is None or unbound:
            raise TypeError(
                f"{self!r} has a value only in the lattice that calls it: "
                "use what the call returns, inside that lattice"
            )
        metadata = workflow_metadata(trace.metadata) if kind == "operator" else self.metadata
        bound = _bind(trace, name, None, metadata, kind=kind, op=op)
        bound._connect((f"arg[{index}]", value) for index, value in enumerate(operands))
        return bound

    def __getitem__(self, key: Any) -> Any:
        return self._deferred(f":{self._name.removeprefix(':')}.__getitem__", "item", "", self, key)

    def __getattr__(self, name: str) -> Any:
        # Private names are asked for by Python, IPython and numpy, and `keys` by dict() and `**`.
        hidden = name.startswith("_") or name == "keys"
        if hidden or not self._is_bound or tracing.active() is None:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}: do this inside an electron"
            )
        return self._deferred(
            f":{self._name.removeprefix(':')}.__getattr__", "attribute", name, self
        )

    def __iter__(self) -> Iterator[Any]:
        count = expected_count(sys._getframe(1)) if self._is_bound else None
        if count is None:
            raise cannot("iterating without a known length", self)
        base = self._name if self._name.startswith(":") else f":{self._name}()"
        return iter(
            [self._deferred(f"{base}[{index}]", "item", "", self, index) for index in range(count)]
        )

    @property
    def as_transportable_dict(self) -> dict[str, Any]:
        """The function and its metadata, serialized."""
        return {
            "name": self._name,
            "function": TransportableObject(self.function).to_dict(),
            "metadata": TransportableObject(self.metadata).to_dict(),
        }

    def __hash__(self) -> int:
        """By node, so that a set of electrons is pickled in the same order every time."""
        return hash((_SALT, self.node_id)) if self._is_bound else super().__hash__()

    def __repr__(self) -> str:
        where = "" if self.node_id is None else f" ({self.node_id})"
        return f"<electron {self._name}{where}>"

    def __copy__(self) -> Electron:
        return self if self._is_bound else Electron(self.function, None, dict(self.metadata))

    def __deepcopy__(self, memo: dict[int, Any]) -> Electron:
        """A bound electron stands for one value; a copy of a structure that holds it still means that value."""
        return self.__copy__()

    def __reduce__(self) -> Any:
        if self._is_bound:
            raise HoldsElectron(
                f"{self!r} stands for a value that does not exist yet: pass it to an electron as an argument"
            )
        return Electron, (self.function, self.node_id, self.metadata)


def _bind(
    trace: Trace, name: str, function: Any, metadata: Mapping[str, Any], **attr: Any
) -> Electron:
    name = name[:LENGTH]  # a sum of a thousand terms has a name too
    node = trace.graph.add_node(name, function, metadata, **attr)
    bound = Electron(function, node, dict(metadata))
    bound._name = name
    bound._trace = trace
    return bound


def _label(operand: Any) -> str:
    return operand._name if isinstance(operand, Electron) else describe(operand)


@overload
def electron(_func: Callable[P, R]) -> ElectronFunction[P, R]: ...


@overload
def electron(
    _func: None = None,
    *,
    backend: ExecutorLike | None = ...,
    executor: ExecutorLike | None = ...,
    files: Sequence[Any] = ...,
    deps_bash: BashLike | None = ...,
    deps_pip: PipLike | None = ...,
    call_before: CallLike = ...,
    call_after: CallLike = ...,
    deps_module: ModuleLike | None = ...,
) -> Callable[[Callable[P, R]], ElectronFunction[P, R]]: ...


def electron(
    _func: Callable[P, R] | None = None,
    *,
    backend: ExecutorLike | None = None,
    executor: ExecutorLike | None = None,
    files: Sequence[Any] = [],  # the documented default; never changed
    deps_bash: BashLike | None = None,
    deps_pip: PipLike | None = None,
    call_before: CallLike = [],  # noqa: B006  # the documented default; copied
    call_after: CallLike = [],  # noqa: B006  # the documented default; copied
    deps_module: ModuleLike | None = None,
) -> Any:
    """Make a function a task of workflows; outside a lattice it is called as before.

    Args:
        _func: the function.
        backend: deprecated, the same as `executor`.
        executor: where to run it: an executor or the short name of one. By default the lattice's.
        files: file transfers before and after it; its parameter `files`, if it has one, takes their paths.
        deps_bash: shell commands to run before it.
        deps_pip: PyPI packages to install before it.
        call_before: functions to call before it.
        call_after: functions to call after it.
        deps_module: modules of the user's own that travel with it.

    Raises:
        TypeError: something else than what is documented is to run around it.

    """
    hooks = hooks_of(
        deps_bash=deps_bash,
        deps_pip=deps_pip,
        deps_module=deps_module,
        call_before=call_before,
        call_after=call_after,
    )
    chosen = executor_or_backend(executor, backend)

    def decorate(function: Callable[P, R]) -> Any:
        around = with_files(hooks, files, function)
        return decorated(Electron(function, metadata={"executor": chosen, "hooks": around}))

    return decorate if _func is None else decorate(_func)


def wait(child: Any, parents: Any) -> Any:
    """Start an electron only when others have completed, whose values it does not take.

    Args:
        child: the electron that waits.
        parents: one electron, or several.

    Returns:
        `child`. Outside a lattice nothing has to wait.

    Raises:
        TypeError: child or a parent is not an electron of the lattice that is being built.

    """
    if isinstance(child, Electron):
        return child.wait_for(parents)
    if tracing.active() is not None:
        raise TypeError(f"only an electron can wait, not {child!r}: pass what its call returned")
    return child
