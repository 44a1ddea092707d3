"""Lattices: workflows, and how running one once gives its graph."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, overload

from covalent._workflow.arguments import parameters_of
from covalent._workflow.capture import capture
from covalent._workflow.description import name_of
from covalent._workflow.metadata import executor_or_backend, hooks_of, workflow_metadata
from covalent._workflow.tracing import Trace, tracing
from covalent._workflow.transportable_object import TransportableObject
from covalent_contracts.errors import UnpicklableValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from covalent._results_manager.result import Result
    from covalent._workflow.metadata import BashLike, CallLike, ExecutorLike, PipLike
    from covalent._workflow.transport import TransportGraph


class Lattice:
    """A workflow: a function that calls electrons, and the graph that running it once has given.

    Called, it is the plain function; in another lattice its electrons become part of that one.

    Args:
        workflow_function: the function.
        transport_graph: the graph, if there is one already.

    """

    def __init__(
        self,
        workflow_function: Callable[..., Any],
        transport_graph: TransportGraph | None = None,
    ) -> None:
        self.workflow_function = workflow_function
        self.metadata: dict[str, Any] = {
            "executor": None,
            "workflow_executor": None,
            "hooks": None,
            "triggers": None,
        }
        self.__name__ = name_of(workflow_function)
        self.__doc__ = workflow_function.__doc__
        self.__wrapped__ = workflow_function
        self._forget(transport_graph)

    def _forget(self, transport_graph: TransportGraph | None = None) -> None:
        """Be a lattice that has not been built."""
        self.post_processing = False
        self.args: tuple[Any, ...] = ()
        self.kwargs: dict[str, Any] = {}
        self.electron_outputs: dict[Any, Any] = {}
        self._inputs: bytes | None = None
        self._graph = transport_graph

    @property
    def transport_graph(self) -> TransportGraph:
        """The graph; empty before `build_graph`."""
        if self._graph is None:
            from covalent._workflow.transport import TransportGraph  # noqa: PLC0415  # loaded when first used

            self._graph = TransportGraph()
        return self._graph

    @transport_graph.setter
    def transport_graph(self, graph: TransportGraph) -> None:
        self._graph = graph

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
        """Call the workflow function as it stands."""
        return self.workflow_function(*args, **kwargs)

    def build_graph(self, *args: Any, **kwargs: Any) -> None:
        """Build the graph: run the workflow function once, each call of an electron becomes a node.

        An exception in the workflow function propagates; the lattice then keeps the graph it had.

        Raises:
            UnpicklableValue: an argument of the lattice or of an electron, or the value it returns, cannot travel.
            InvalidWorkflow: the workflow cannot run as written.

        """
        from covalent._workflow.transport import TransportGraph  # noqa: PLC0415  # loaded when first used

        inputs = _attempted(self, args, kwargs)
        trace = Trace(TransportGraph(), self.metadata)
        with tracing(trace):
            returned = self.workflow_function(*args, **kwargs)
        what = f"the value that lattice {self.__name__} returns"
        recipe, returns = capture(returned, trace.graph.refer, what)
        trace.graph.finish(
            TransportableObject.deserialize(recipe), workflow_metadata(self.metadata), returns
        )
        trace.graph.lattice_metadata = dict(self.metadata)
        if isinstance(inputs, UnpicklableValue):
            raise inputs
        self._forget(trace.graph)
        self.args, self.kwargs, self._inputs = args, kwargs, inputs

    def draw(self, *args: Any, **kwargs: Any) -> None:
        """Build the graph for some arguments and show it, in the notebook or in the browser.

        Nothing is dispatched, and the lattice keeps the graph it had.
        """
        from covalent._workflow.drawing.picture import svg  # noqa: PLC0415  # loaded when first used
        from covalent._workflow.drawing.showing import show  # noqa: PLC0415  # loaded when first used

        copy = self._unbuilt()
        copy.build_graph(*args, **kwargs)
        show(svg(copy.transport_graph, self.__name__), self.__name__)

    def dispatch(self, *args: Any, **kwargs: Any) -> str:
        """Dispatch the workflow. Deprecated: use `covalent.dispatch(lattice)(...)`.

        Returns:
            The id of the dispatch.

        """
        from covalent._dispatcher_plugins import dispatch  # noqa: PLC0415  # loaded when first used

        _deprecated("dispatch")
        return str(dispatch(self)(*args, **kwargs))

    def dispatch_sync(self, *args: Any, **kwargs: Any) -> Result:
        """Dispatch the workflow and wait for it. Deprecated: use `covalent.dispatch_sync(lattice)(...)`.

        Returns:
            The result of the dispatch.

        """
        from covalent._dispatcher_plugins import dispatch_sync  # noqa: PLC0415  # loaded when first used

        _deprecated("dispatch_sync")
        return dispatch_sync(self)(*args, **kwargs)

    def pickled_inputs(self) -> bytes:
        """The arguments of the last build as they were then: {"args": ..., "kwargs": ...}, pickled."""
        if self._inputs is None:
            self._inputs = _pickled_inputs(self, self.args, self.kwargs)
        return self._inputs

    def _unbuilt(self) -> Lattice:
        new = Lattice(self.workflow_function)
        new.metadata = dict(self.metadata)
        return new

    def __getstate__(self) -> dict[str, Any]:
        """Without graph and arguments: a copy, or a lattice that a pickled function refers to, is built anew."""
        return vars(self._unbuilt())

    def __repr__(self) -> str:
        return f"<lattice {self.__name__}>"


def _deprecated(method: str) -> None:
    warnings.warn(
        f"Lattice.{method} is deprecated: use covalent.{method}(lattice)(...)",
        DeprecationWarning,
        stacklevel=3,
    )


def _attempted(
    lattice: Lattice, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> bytes | UnpicklableValue:
    """The arguments as they are before the body runs. An electron that takes a bad one is named first."""
    try:
        return _pickled_inputs(lattice, args, kwargs)
    except UnpicklableValue as exc:
        return exc


def _pickled_inputs(lattice: Lattice, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes:
    def nowhere(_: Any) -> None:
        return None

    name = f"lattice {lattice.__name__}"
    try:
        return capture({"args": args, "kwargs": dict(kwargs)}, nowhere, name)[0]
    except UnpicklableValue as whole:
        name_at = parameters_of(lattice.workflow_function).name_at
        named = [(name_at(index), value) for index, value in enumerate(args)]
        for parameter, value in [*named, *kwargs.items()]:
            capture(value, nowhere, f"argument {parameter!r} of {name}")  # raises for the culprit
        raise whole from whole.__cause__


@overload
def lattice(_func: Callable[..., Any]) -> Lattice: ...


@overload
def lattice(
    _func: None = None,
    *,
    backend: ExecutorLike | None = ...,
    executor: ExecutorLike | None = ...,
    workflow_executor: ExecutorLike | None = ...,
    deps_bash: BashLike | None = ...,
    deps_pip: PipLike | None = ...,
    call_before: CallLike = ...,
    call_after: CallLike = ...,
    triggers: Any = ...,
) -> Callable[[Callable[..., Any]], Lattice]: ...


def lattice(
    _func: Callable[..., Any] | None = None,
    *,
    backend: ExecutorLike | None = None,
    executor: ExecutorLike | None = None,
    workflow_executor: ExecutorLike | None = None,
    deps_bash: BashLike | None = None,
    deps_pip: PipLike | None = None,
    call_before: CallLike = [],  # noqa: B006  # the documented default; copied
    call_after: CallLike = [],  # noqa: B006  # the documented default; copied
    triggers: Any = None,
) -> Any:
    """Make a function that calls electrons a workflow.

    Args:
        _func: the function.
        backend: deprecated, the same as `executor`.
        executor: where electrons run that name no executor: an executor or the short name of one.
        workflow_executor: where the workflow's own work is done; by default the executor.
        deps_bash: shell commands, as all hooks for electrons that have no hooks of their own.
        deps_pip: PyPI packages to install before each.
        call_before: functions to call before each.
        call_after: functions to call after each.
        triggers: what starts the workflow.

    """
    hooks = hooks_of(
        deps_bash=deps_bash,
        deps_pip=deps_pip,
        deps_module=None,
        call_before=call_before,
        call_after=call_after,
    )
    chosen = executor_or_backend(executor, backend)

    def decorate(function: Callable[..., Any]) -> Lattice:
        made = Lattice(function)
        made.metadata.update(
            executor=chosen, workflow_executor=workflow_executor, hooks=hooks, triggers=triggers
        )
        return made

    return decorate if _func is None else decorate(_func)
