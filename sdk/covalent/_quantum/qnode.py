"""The QNode whose circuits run on quantum executors."""

import copy
import sys
import warnings
from concurrent.futures import Future
from typing import Any, Self

import numpy as np
import pennylane as qml
from pennylane.devices import ExecutionConfig

from covalent._quantum import turns
from covalent._quantum.device import QEDevice
from covalent._quantum.executors.base import BaseQExecutor, finished
from covalent._quantum.recording import separate_threads

separate_threads()


class QNodeQE(qml.QNode):
    """A QNode whose calls, and `run_later`, go through quantum executors.

    Args:
        qnode: the QNode to take over, with its transforms and settings.
        cluster: what runs its circuits.
        name: its name, by default that of the circuit's function.
        description: what it does, by default the docstring of the circuit's function.

    """

    def __init__(
        self,
        qnode: qml.QNode,
        cluster: BaseQExecutor,
        name: str | None = None,
        description: str | None = None,
    ) -> None:
        self.__dict__.update(vars(copy.copy(qnode)))
        self.original_device = getattr(qnode, "original_device", qnode.device)
        self.cluster = cluster
        self.device = QEDevice(self.original_device, cluster)
        self.name = name or self.func.__name__
        self.description = description or self.func.__doc__ or ""
        self._queue = turns.Queue()
        self._as_backprop = qnode.diff_method in ("best", "backprop")
        if qnode.diff_method == "backprop":
            warnings.warn(_BACKPROP, UserWarning, stacklevel=3)
            self.diff_method = "parameter-shift"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the circuit and wait for its result."""
        with turns.interruptible():
            return self._once(args, kwargs)

    def run_later(self, *args: Any, **kwargs: Any) -> Future[Any]:
        """Begin to run the circuit.

        While JAX traces, a tape of TensorFlow records, or a tf.function is made, the call is done at once, with a
        warning: what they need belongs to the caller's thread.

        Returns:
            A future: `.result()` waits for what a call would return, in the type of the QNode's interface. To cancel it
            gives up its circuits, also those that run.

        """
        watcher = _of_this_thread()
        if watcher:
            warnings.warn(_HERE.format(watcher), UserWarning, stacklevel=2)
            return finished(self._queue.here, self._once, args, kwargs)
        return self._queue.submit(self._once, args, kwargs)

    def __copy__(self) -> Self:
        copied = type(self).__new__(type(self))
        copied.__dict__.update(vars(super().__copy__()))
        return copied

    def construct(self, args: Any, kwargs: Any) -> Any:
        """The circuit of a call, with the shots that its executors agree on.

        Raises:
            ValueError: it has a shot vector, and some executors, but not all, would override it.

        """
        tape = super().construct(args, kwargs)
        shots = self.cluster.overriding(tape.shots)
        if shots != tape.shots:
            self._tape = tape = tape.copy(shots=shots)
        return tape

    def update(self, **kwargs: Any) -> "QNodeQE":
        """A new quantum electron with updated settings: see `QNode.update`."""
        return QNodeQE(super().update(**kwargs), self.cluster, self.name, self.description)

    def _once(self, args: Any, kwargs: Any) -> Any:
        """Calls at the same time must not share what a QNode remembers of its last call."""
        mine = copy.copy(self)
        return mine._in_its_type(super(QNodeQE, mine).__call__(*args, **kwargs))

    def _in_its_type(self, result: Any) -> Any:
        """The result as the bare QNode gives it where it computes with the tensors of `pennylane.numpy` itself."""
        tape, tensor = self._tape, qml.numpy.tensor
        if not self._as_backprop or self.interface not in ("auto", "autograd"):
            return result
        if not any(isinstance(each, tensor) for each in tape.get_parameters(trainable_only=False)):
            return result
        backprop = ExecutionConfig(gradient_method="backprop")
        computes = self.original_device.supports_derivatives(backprop, tape)
        return _tensors(result) if computes else result


def _tensors(result: Any) -> Any:
    if isinstance(result, dict):
        return {key: _tensors(each) for key, each in result.items()}
    if isinstance(result, list | tuple):
        return type(result)(_tensors(each) for each in result)
    return qml.numpy.array(result) if isinstance(result, np.ndarray | np.generic) else result


def _of_this_thread() -> str | None:
    """What watches this thread, and no other, to differentiate or compile what is called in it."""
    jax = sys.modules.get("jax._src.core")
    if jax is not None and not jax.trace_state_clean():
        return "JAX's trace"
    tape = sys.modules.get("tensorflow.python.pywrap_tfe")
    if tape is not None and not tape.TFE_Py_TapeSetIsEmpty():
        return "TensorFlow's tape"
    context = sys.modules.get("tensorflow.python.eager.context")
    eager = context is None or context.executing_eagerly()
    return None if eager else "the graph of a tf.function"


_HERE = (
    "run_later runs this circuit at once, in the caller's thread: {} belongs to it, and gradients would be lost in "
    "another one"
)
_BACKPROP = (
    "diff_method='backprop' needs the state of a simulator in this process; a quantum electron uses "
    "'parameter-shift'. Say diff_method='parameter-shift' to be rid of this warning."
)
