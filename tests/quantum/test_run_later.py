"""`run_later`: whose thread it works in, and what becomes of calls that do not run to their end."""

import threading
from collections.abc import Callable
from typing import Any

import autograd
import jax
import numpy as np
import pennylane as qml
import pytest
import tensorflow as tf
import torch

import covalent as ct

pytestmark = pytest.mark.quantum
WAIT = 60
X = 0.4


def rotation(x: Any) -> Any:
    """Turn, and look."""
    qml.RX(x, wires=0)
    return qml.expval(qml.Z(0))


def bare(interface: str) -> Any:
    return qml.QNode(rotation, qml.device("default.qubit", wires=1), interface=interface)


def _autograd(call: Callable[[Any], Any]) -> float:
    return float(autograd.grad(call)(qml.numpy.array(X, requires_grad=True)))


def _torch(call: Callable[[Any], Any]) -> float:
    at = torch.tensor(X, requires_grad=True, dtype=torch.float64)
    call(at).backward()
    return float(at.grad)


def _jax(call: Callable[[Any], Any]) -> float:
    return float(jax.grad(call)(X))


def _jax_jit(call: Callable[[Any], Any]) -> float:
    return float(jax.jit(jax.grad(lambda of: call(of["x"])))({"x": X})["x"])


def _tf(call: Callable[[Any], Any]) -> float:
    at = tf.Variable(X, dtype=tf.float64)
    with tf.GradientTape() as tape:
        value = call(at)
    return float(tape.gradient(value, at))


def _tf_tensor(call: Callable[[Any], Any]) -> float:
    at = tf.Variable(X, dtype=tf.float64)
    with tf.GradientTape() as tape:
        value = call(tf.multiply(at, 1))
    return float(tape.gradient(value, at))


@pytest.mark.filterwarnings("ignore:.*run_later.*in the caller's thread")
@pytest.mark.parametrize(
    ("interface", "gradient"),
    [
        ("autograd", _autograd),
        ("torch", _torch),
        ("jax", _jax),
        ("jax", _jax_jit),
        ("tf", _tf),
        ("tf", _tf_tensor),
    ],
)
def test_the_gradient_is_that_of_the_bare_qnode(interface: str, gradient: Any) -> None:
    qnode = bare(interface)
    made = ct.qelectron(qnode)
    ours = gradient(lambda x: made.run_later(x).result(WAIT))
    assert ours == pytest.approx(gradient(qnode), abs=1e-5)


@pytest.mark.parametrize(("interface", "gradient"), [("jax", _jax), ("tf", _tf)])
def test_a_call_in_the_callers_thread_says_why(interface: str, gradient: Any) -> None:
    made = ct.qelectron(bare(interface))
    with pytest.warns(UserWarning, match="run_later.*in the caller's thread.*gradient") as told:
        gradient(lambda x: made.run_later(x).result(WAIT))
    assert [each.filename for each in told if "run_later" in str(each.message)] == [__file__]


@pytest.mark.filterwarnings("ignore:.*run_later.*in the caller's thread")
def test_a_tracer_in_a_closure_is_seen() -> None:
    def later(x: Any) -> Any:
        @ct.qelectron
        @qml.qnode(qml.device("default.qubit", wires=1), interface="jax")
        def turned() -> Any:
            return rotation(x)

        return turned.run_later().result(WAIT)

    assert float(jax.grad(later)(X)) == pytest.approx(-np.sin(X), abs=1e-5)


def test_a_function_of_tensorflow_is_seen_without_a_tape() -> None:
    made = ct.qelectron(bare("tf"))
    compiled = tf.function(lambda x: made.run_later(x).result(WAIT), autograph=False)
    with pytest.warns(UserWarning, match=r"in the caller's thread: the graph of a tf\.function"):
        found = compiled(tf.Variable(X, dtype=tf.float64))
    assert float(found) == pytest.approx(np.cos(X))


def test_an_error_in_the_callers_thread_is_the_futures() -> None:
    made = ct.qelectron(bare("tf"))
    with tf.GradientTape(), pytest.warns(UserWarning, match="run_later"):
        future = made.run_later("no angle")
    assert future.exception(WAIT) is not None


def test_a_cancelled_call_does_not_hold_up_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go = threading.Event(), threading.Event()

    def select(circuit: Any, executors: Any) -> Any:
        chosen.append(float(circuit.get_parameters(trainable_only=False)[0]))
        begun.set()
        go.wait(WAIT)
        return executors[0]

    chosen: list[float] = []
    monkeypatch.setattr("covalent._quantum.turns._AT_ONCE", 1)
    monkeypatch.setattr("covalent._quantum.turns._pool", None)
    made = ct.qelectron(bare("auto"), executors=[ct.executor.Simulator()], selector=select)
    first = made.run_later(0.1)
    assert begun.wait(WAIT)
    cancelled = [made.run_later(0.2), made.run_later(0.3)]
    last = made.run_later(X)
    assert [each.cancel() for each in cancelled] == [True, True]
    go.set()
    assert last.result(WAIT) == pytest.approx(np.cos(X))
    assert first.result(WAIT) == pytest.approx(np.cos(0.1))
    assert chosen == [0.1, X]
