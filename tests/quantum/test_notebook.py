"""Circuits that are defined in the cells of a notebook, in a kernel as Jupyter runs it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from jupyter_client.manager import start_new_kernel

pytestmark = pytest.mark.quantum
WAIT = 120

SETUP = """
import json, os
import covalent as ct
import numpy as np
import pennylane as qml

processes = ct.executor.Simulator(parallel="process", workers=2)
device = qml.device("default.qubit", wires=2)
"""
CIRCUIT = """
weight = 2.0

class Turn(qml.operation.Operation):
    num_params, num_wires = 1, 1
    grad_method = "A"
    parameter_frequencies = [(1,)]

    @staticmethod
    def compute_decomposition(angle, wires, **_):
        return [qml.RX(angle, wires=wires)]

def layer(x):
    Turn(weight * x, wires=0)
    qml.CNOT(wires=[0, 1])

@ct.qelectron(executors=processes)
@qml.qnode(device, diff_method="parameter-shift")
def circuit(x):
    "Of this cell."
    layer(x)
    return qml.expval(qml.Z(1))
"""


class Notebook:
    """A kernel, and the cells that are run in it."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(self, code: str) -> str:
        """Run a cell.

        Returns:
            What it prints.

        """
        printed: list[str] = []

        def note(message: Any) -> None:
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                printed.append(message["content"]["text"])

        reply = self._client.execute_interactive(code, output_hook=note, timeout=WAIT)["content"]
        assert reply["status"] == "ok", "\n".join(reply["traceback"])
        return "".join(printed)

    def value(self, expression: str) -> Any:
        """What an expression gives, by way of JSON."""
        return json.loads(self.run(f"print(json.dumps({expression}))"))


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """A notebook of whose kernel no process is left in the end."""
    folder = tmp_path_factory.mktemp("notebook")
    env = {**os.environ, "COVALENT_CONFIG_DIR": str(folder), "IPYTHONDIR": str(folder)}
    manager, client = start_new_kernel(startup_timeout=WAIT, kernel_name="python3", env=env)
    made = Notebook(client)
    made.run(SETUP)
    made.run(CIRCUIT)
    children = psutil.Process(made.value("os.getpid()")).children
    try:
        yield made
        began = children(recursive=True)
        assert began, "circuits ran in other processes"
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    _, left = psutil.wait_procs(began, timeout=WAIT)
    assert not left


def test_a_call(notebook: Notebook) -> None:
    assert notebook.value("float(circuit(0.2))") == pytest.approx(np.cos(0.4))


def test_calls_later_run_side_by_side(notebook: Notebook, tmp_path: Path) -> None:
    notebook.run(f"""
import time
from pathlib import Path

class Meeting(ct.executor.Simulator):
    folder: str

    def run_circuit(self, qscript, *more):
        mine = str(qscript.get_parameters(trainable_only=False)[0])
        (Path(self.folder) / mine).write_text(str(os.getpid()))
        end = time.monotonic() + 60
        while len(os.listdir(self.folder)) < 2:  # each waits for the other
            assert time.monotonic() < end
            time.sleep(0.01)
        return super().run_circuit(qscript, *more)

meeting = Meeting(folder={str(tmp_path)!r}, parallel="process", workers=2)
both = ct.qelectron(qml.QNode(circuit.func, device), executors=meeting)
futures = [both.run_later(x) for x in (0.1, 0.2)]
""")
    found = notebook.value("[float(each.result(60)) for each in futures]")
    assert found == pytest.approx([np.cos(0.2), np.cos(0.4)])
    there = {each.read_text() for each in tmp_path.iterdir()}
    assert len(there) == 2
    assert str(notebook.value("os.getpid()")) not in there


def test_gradients(notebook: Notebook) -> None:
    notebook.run("at = qml.numpy.array(0.3, requires_grad=True)")
    assert notebook.value("float(qml.grad(circuit)(at))") == pytest.approx(-2 * np.sin(0.6))
    shifted = "qml.grad(lambda x: circuit.run_later(x).result(60))(at)"
    assert notebook.value(f"float({shifted})") == pytest.approx(-2 * np.sin(0.6))


def test_a_cell_that_is_run_again_counts(notebook: Notebook) -> None:
    notebook.run("weight = 3.0")
    assert notebook.value("float(circuit(0.2))") == pytest.approx(np.cos(0.6))
    notebook.run(CIRCUIT.replace("qml.RX(angle", "qml.RY(-angle").replace("2.0", "1.0"))
    assert notebook.value("float(circuit.run_later(0.2).result(60))") == pytest.approx(np.cos(0.2))
    notebook.run(CIRCUIT)


def test_a_cell_with_an_event_loop(notebook: Notebook) -> None:
    cell = "import asyncio\nprint(float(await asyncio.wrap_future(circuit.run_later(0.2))))"
    assert float(notebook.run(cell)) == pytest.approx(np.cos(0.4))


@pytest.mark.parametrize(
    "executor",
    [
        "LocalBraketQubitExecutor(num_processes=1)",
        "LocalBraketQubitExecutor(num_threads=1)",
        "QiskitExecutor(shots=None)",
    ],
)
def test_other_executors(notebook: Notebook, executor: str) -> None:
    made = f"ct.qelectron(qml.QNode(circuit.func, device), executors=ct.executor.{executor})"
    assert notebook.value(f"float({made}(0.2))") == pytest.approx(np.cos(0.4))
