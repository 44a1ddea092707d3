"""The program that simulates circuits: `python -m covalent_localstack.quantum_program`.

Reads a line of JSON per circuit, `{"simulator": ..., "action": ..., "shots": ...}`, and answers each with a line:
`{"result": ...}`, a document of `braket.task_result.gate_model_task_result`, or `{"error": ...}`. It ends with its
input, also in the middle of a circuit.
"""

import json
import os
import queue
import sys
import threading
import time
from enum import Enum
from importlib import import_module
from typing import IO, Any

PACKAGE = "amazon-braket-default-simulator"
MISSING = f"{PACKAGE} is not installed where `covalent start` runs: pip install 'covalent-serverless[braket]'"
_SIMULATORS = {
    "braket_sv": "braket.default_simulator.state_vector_simulator:StateVectorSimulator",
    "braket_dm": "braket.default_simulator.density_matrix_simulator:DensityMatrixSimulator",
}


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a package prints is no answer
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, requests), daemon=True).start()
    while True:
        answers.write(json.dumps(answered(json.loads(requests.get()))) + "\n")
        answers.flush()


def answered(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request."""
    try:
        return {"result": _simulated(**request)}
    except ModuleNotFoundError as exc:
        return {"error": MISSING if str(exc.name).startswith("braket") else str(exc)}
    except Exception as exc:  # noqa: BLE001  # whatever a circuit brings about is why its task fails
        return {"error": f"{type(exc).__name__}: {exc}"}


def _simulated(simulator: str, action: str, shots: int) -> Any:
    module, _, name = _SIMULATORS[simulator].partition(":")
    device = getattr(import_module(module), name)()
    program = import_module("braket.ir.openqasm").Program.parse_raw(action)
    began = time.monotonic()
    result = device.run(program, shots=shots)
    document = json.loads(json.dumps(result.dict(exclude_none=True), default=_plain))
    if shots and result.resultTypes:
        document["resultTypes"] = _estimated(result)
    took = {"executionDuration": int(1000 * (time.monotonic() - began))}
    header = {"name": "braket.task_result.simulator_metadata", "version": "1"}
    document["additionalMetadata"]["simulatorMetadata"] = {"braketSchemaHeader": header, **took}
    if not document.get("measurements"):
        document.pop("measurements", None)  # the schema has at least one, or no such member
    return document


def _estimated(result: Any) -> Any:
    """What the shots tell of each result that was asked for. The service computes that, the simulator does not."""
    read = import_module("braket.tasks").GateModelQuantumTaskResult.from_object(result)
    found = [{"type": each.type.dict(), "value": each.value} for each in read.result_types]
    return json.loads(json.dumps(found, default=_plain))


def _plain(value: Any) -> Any:
    """A value as JSON has it; complex numbers are pairs there."""
    match value:
        case complex():
            return [value.real, value.imag]
        case Enum():
            return value.value
        case _ if hasattr(value, "tolist"):
            return value.tolist()
        case _:
            return str(value)


def _listen(source: IO[str], requests: "queue.SimpleQueue[str]") -> None:
    for line in source:
        requests.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
