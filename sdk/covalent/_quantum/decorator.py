"""`ct.qelectron`."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from covalent._quantum.cluster import QCluster
from covalent._quantum.executors.base import BaseQExecutor
from covalent._quantum.executors.simulator import Simulator
from covalent._quantum.missing import pennylane

if TYPE_CHECKING:
    from covalent._quantum.qnode import QNodeQE


def qelectron(
    qnode: Any = None,
    *,
    executors: Any = None,
    name: str | None = None,
    description: str | None = None,
    selector: str | Callable[..., Any] = "cyclic",
) -> "QNodeQE | Callable[[Any], QNodeQE]":
    """QElectron decorator to be called upon a Pennylane QNode.

    Adds multi-backend execution functionality to the original QNode.

    Args:
        qnode: The Pennylane `QNode` to wrap.
        executors: The quantum executor(s) to use for running the QNode. A single executor, list of executors, or a
            `QCluster` instance are accepted. If a list of multiple executors is passed, a quantum cluster is
            initialized from this list automatically and `selector` is used as the cluster's selector. Defaults to a
            thread-based `Simulator`.
        name: An optional name for the QElectron. Defaults to the circuit function's name.
        description: An optional description for the QElectron. Defaults to the circuit function's docstring.
        selector: A callable that selects an executor, or one of the strings "cyclic" or "random". The "cyclic"
            selector (default) cycles through `executors` and returns the next executor for each circuit. The "random"
            selector chooses an executor from `executors` at random for each circuit. Any user-defined selector must be
            callable with two positional arguments, a circuit and a list of executors. A selector must also return
            exactly one executor.

    Returns:
        A sub-type of `QNode` that integrates QElectrons; without a QNode, the decorator that makes one.

    Raises:
        ValueError: If any invalid executors are passed.
        TypeError: What is wrapped is not a QNode.
        MissingExtra: PennyLane is not installed.

    """
    cluster = _cluster(executors, selector)

    def wrap(given: Any) -> "QNodeQE":
        if not isinstance(given, pennylane().QNode):
            raise TypeError(_not_a_qnode(given))
        from covalent._quantum.qnode import QNodeQE  # noqa: PLC0415  # it loads PennyLane

        return QNodeQE(given, cluster, name, description)

    return wrap if qnode is None else wrap(qnode)


def _cluster(executors: Any, selector: str | Callable[..., Any]) -> QCluster:
    if isinstance(executors, QCluster):
        return executors
    if executors is None:
        executors = Simulator()
    single = isinstance(executors, BaseQExecutor) or not isinstance(executors, Iterable)
    listed = [executors] if single else list(executors)
    if not listed:
        raise ValueError("executors is empty: a qelectron needs at least one quantum executor")
    for each in listed:
        if not isinstance(each, BaseQExecutor):
            raise ValueError(_not_an_executor(each))  # as Covalent's reference says
    return QCluster(executors=listed, selector=selector)


def _not_an_executor(given: Any) -> str:
    return (
        f"executors: {given!r} is a {type(given).__name__}, not a quantum executor; "
        "give ct.executor.Simulator, QiskitExecutor, BraketQubitExecutor, a QCluster, ..."
    )


def _not_a_qnode(given: Any) -> str:
    return (
        f"qelectron wraps a PennyLane QNode, not {given!r} ({type(given).__name__}): "
        "put @ct.qelectron above @qml.qnode(device)"
    )
