"""Circuits that are constructed and run by many threads at once, and scripts as users write them."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pennylane as qml
import pytest

import covalent as ct

pytestmark = pytest.mark.quantum
WAIT = 100


def test_circuits_of_many_threads_do_not_mix() -> None:
    weights = np.random.default_rng(1).uniform(0, 3, (2, 3, 3))

    def circuit(x: float) -> Any:
        qml.StronglyEntanglingLayers(x * weights, wires=range(3))
        qml.adjoint(qml.QFT)(wires=range(3))
        return qml.expval(qml.Z(0) @ qml.X(1))

    bare = qml.QNode(circuit, qml.device("default.qubit", wires=3))
    expected = [bare(place / 10) for place in range(40)]
    made = ct.qelectron(bare)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        futures = [made.run_later(place / 10) for place in range(40)]
        found = [each.result(WAIT) for each in futures]
    finally:
        sys.setswitchinterval(before)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_what_one_thread_records_another_does_not_see() -> None:
    ct.qelectron(qml.QNode(qml.state, qml.device("default.qubit", wires=1)))

    def elsewhere() -> None:
        seen.append(qml.QueuingManager.recording())
        qml.X(1)
        with qml.QueuingManager.stop_recording():
            qml.X(2)

    seen: list[bool] = []
    with qml.queuing.AnnotatedQueue() as queue:
        qml.X(0)
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        with qml.QueuingManager.stop_recording():
            qml.X(3)
        qml.X(4)
    assert seen == [False]
    assert [each.wires[0] for each in queue.queue] == [0, 4]


_SCRIPT = """
import covalent as ct, numpy as np, pennylane as qml

class Mine(qml.operation.Operation):
    num_wires = 1
    @staticmethod
    def compute_decomposition(*parameters, wires, **others):
        return [qml.X(wires)]

@ct.qelectron(executors=ct.executor.Simulator(parallel="process", workers=2))
@qml.qnode(qml.device("default.qubit", wires=1))
def circuit():
    Mine(wires=0)
    return qml.expval(qml.Z(0))

print("main ran")
print([float(each.result()) for each in [circuit.run_later() for _ in range(4)]])
"""


def test_processes_take_what_a_script_without_a_guard_defines(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=WAIT
    )
    assert done.stdout.splitlines() == ["main ran", "[-1.0, -1.0, -1.0, -1.0]"]
