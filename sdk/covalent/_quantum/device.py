"""The PennyLane device of a quantum electron: it hands circuits to the executors, and computes nothing itself.

PennyLane calls `execute` with all the circuits of a step at once: one for a call, many for a gradient or a batch
transform. They are spread over the cluster. What comes back is NumPy's; PennyLane makes of it what the QNode's
interface wants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pennylane as qml
from pennylane.devices import Device, ExecutionConfig
from pennylane.devices.preprocess import validate_device_wires
from pennylane.transforms import convert_to_numpy_parameters
from pennylane.transforms.core import CompilePipeline

from covalent._quantum import records
from covalent._quantum.executors.base import BaseQExecutor
from covalent._quantum.records import CircuitRecord

_OF_DEVICES = ("adjoint", "backprop", "device")


class QEDevice(Device):
    """Stands in for the device of a QNode.

    Args:
        stand_in_for: the QNode's own device: it says which wires there are.
        cluster: what runs the circuits.

    """

    def __init__(self, stand_in_for: Device, cluster: BaseQExecutor) -> None:
        super().__init__(wires=stand_in_for.wires)
        self._shots = stand_in_for.shots
        self.original = stand_in_for
        self.cluster = cluster

    @property
    def name(self) -> str:
        """The name in PennyLane's messages."""
        return f"quantum electron on {self.cluster.name}"

    def supports_derivatives(
        self, execution_config: ExecutionConfig | None = None, circuit: Any = None
    ) -> bool:
        """Whether `setup_execution_config` has the last word on how derivatives are computed."""
        return execution_config is not None and execution_config.gradient_method in _OF_DEVICES

    def setup_execution_config(
        self, config: ExecutionConfig | None = None, circuit: Any = None
    ) -> ExecutionConfig:
        """What a device would do itself with its state, which stays with the executors, is done by parameter shifts."""
        config = config or ExecutionConfig()
        if config.gradient_method in _OF_DEVICES:
            return replace(config, gradient_method=qml.gradients.param_shift)
        return config

    def preprocess_transforms(
        self, execution_config: ExecutionConfig | None = None
    ) -> CompilePipeline:
        """Check the wires. All else depends on the device that runs a circuit, which does it there."""
        program = CompilePipeline()
        program.add_transform(validate_device_wires, self.wires, name=self.name)
        return program

    def execute(  # type: ignore[override]  # PennyLane's overloads say the same
        self, circuits: Any, execution_config: ExecutionConfig | None = None
    ) -> Any:
        """Run circuits on the executors."""
        one = isinstance(circuits, qml.tape.QuantumScript)
        scripts = [circuits] if one else list(circuits)
        results = self._run([_plain(each, self.wires) for each in scripts])
        return results[0] if one else tuple(results)

    def _run(self, scripts: Sequence[Any]) -> list[Any]:
        executors = self._bound(scripts)
        futures = executors.batch_submit(scripts)
        results = executors.batch_get_results(futures)
        if records.is_collecting():
            for each, future in zip(scripts, futures, strict=True):
                records.keep(_record(executors, each, future))
        return results

    def _bound(self, scripts: Sequence[Any]) -> BaseQExecutor:
        wires = len(self.wires) if self.wires else max(len(each.wires) for each in scripts)
        kind = type(self.original)
        return self.cluster.bound(
            qnode_device_import_path=(kind.__module__, kind.__qualname__),
            qnode_device_shots=scripts[0].shots.total_shots,
            qnode_device_wires=wires,
            pennylane_active_return=True,
        )


def _plain(script: Any, wires: Any) -> Any:
    """The circuit with NumPy's numbers, on wires 0, 1, ..."""
    (script,), _ = convert_to_numpy_parameters(script)
    labels = wires or script.wires
    order = {label: place for place, label in enumerate(labels)}
    if all(label == place for label, place in order.items()):
        return script
    (mapped,), _ = qml.map_wires(script, order)
    return mapped


def _record(executors: BaseQExecutor, script: Any, future: Any) -> CircuitRecord:
    found = future.result()
    if not isinstance(found, CircuitRecord):
        found = CircuitRecord(executor=executors.name, result=found)
    found.circuit = qml.drawer.tape_text(script, decimals=4, wire_order=script.wires)
    found.parameters = script.get_parameters(trainable_only=False)
    return found
