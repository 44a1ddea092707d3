"""The PennyLane device of a quantum electron: it hands circuits to the executors, and computes nothing itself.

PennyLane calls `execute` with all the circuits of a step at once: one for a call, many for a gradient or a batch
transform. They are spread over the cluster. What comes back is NumPy's; PennyLane makes of it what the QNode's
interface wants.
"""

import warnings
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pennylane as qml
from pennylane.devices import Device, ExecutionConfig
from pennylane.devices.preprocess import validate_device_wires
from pennylane.transforms import convert_to_numpy_parameters
from pennylane.transforms.core import CompilePipeline, transform

from covalent._quantum import records
from covalent._quantum.calls import current
from covalent._quantum.executors.base import BaseQExecutor
from covalent._quantum.records import CircuitRecord
from covalent._shared_files.logger import app_log

_OF_DEVICES = ("adjoint", "backprop", "device")
_ADJOINT = {
    "use_device_gradient": True,
    "grad_on_execution": False,
    "use_device_jacobian_product": False,
}
_NO_ADJOINT = (
    "diff_method='adjoint' is not possible for this circuit on all of the quantum executors: "
    "'parameter-shift' is used instead"
)

_GIVEN_UP = "it was given up while it ran"


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
        self,
        execution_config: ExecutionConfig | None = None,
        circuit: Any = None,  # noqa: ARG002  # PennyLane's signature
    ) -> bool:
        """Whether `setup_execution_config` has the last word on how derivatives are computed."""
        return execution_config is not None and execution_config.gradient_method in _OF_DEVICES

    def setup_execution_config(
        self, config: ExecutionConfig | None = None, circuit: Any = None
    ) -> ExecutionConfig:
        """What a device would do with its state, which is elsewhere, is done by parameter shifts.

        The adjoint method stays, where the executors' own devices have it.
        """
        config = config or ExecutionConfig()
        if config.gradient_method not in _OF_DEVICES:
            return config
        if config.gradient_method == "adjoint":
            if circuit is None or self._bound([circuit]).gives_adjoint(
                _on_standard_wires(circuit, self.wires)
            ):
                return replace(config, **_ADJOINT)
            warnings.warn(_NO_ADJOINT, UserWarning, stacklevel=2)
        shifts = {**dict.fromkeys(_ADJOINT), "gradient_method": qml.gradients.param_shift}
        return replace(config, **shifts)

    def preprocess_transforms(
        self, execution_config: ExecutionConfig | None = None
    ) -> CompilePipeline:
        """Check the wires. All else depends on the device that runs a circuit, which does it there.

        For the adjoint method that device's transforms come first: their derivatives are PennyLane's.
        """
        program = CompilePipeline()
        program.add_transform(validate_device_wires, self.wires, name=self.name)
        if execution_config is None or execution_config.gradient_method != "adjoint":
            return program
        program.add_transform(_standard_wires, self.wires)
        wires = len(self.wires) if self.wires else None
        bound = self.cluster.bound(any_wires=not self.wires, qnode_device_wires=wires)
        device = bound.execution_device()
        return program + device.preprocess_transforms(
            device.setup_execution_config(ExecutionConfig(gradient_method="adjoint"))
        )

    def execute(self, circuits: Any, execution_config: ExecutionConfig | None = None) -> Any:
        """Run circuits on the executors."""
        if isinstance(circuits, qml.tape.QuantumScript):
            return self.execute([circuits], execution_config)[0]
        if self.tracker.active:
            self.tracker.update(batches=1, executions=len(circuits))
            self.tracker.record()
        config = execution_config or ExecutionConfig()
        executors = self._bound(circuits, config)
        plain = [_plain(each, self.wires) for each in circuits]
        current().check()
        clock = _Clock()
        futures = executors.batch_submit(plain)
        clock.watch(futures)
        try:
            return tuple(_waited(executors, futures))
        finally:
            self._tell(executors, circuits, futures, clock)

    def compute_derivatives(
        self, circuits: Any, execution_config: ExecutionConfig | None = None
    ) -> Any:
        """Differentiate circuits on the executors, by the adjoint method of their devices."""
        if isinstance(circuits, qml.tape.QuantumScript):
            return self.compute_derivatives([circuits], execution_config)[0]
        executors = self._bound(circuits)
        plain = [_plain(each, self.wires) for each in circuits]
        current().check()
        return tuple(_waited(executors, executors.batch_submit_derivatives(plain)))

    def _bound(
        self, scripts: Sequence[Any], config: ExecutionConfig | None = None
    ) -> BaseQExecutor:
        """The executors, told of the QNode's device."""
        kind = type(getattr(self.original, "target_device", self.original))
        mcm = (config or ExecutionConfig()).mcm_config
        return self.cluster.bound(
            {"mcm_method": mcm.mcm_method, "postselect_mode": mcm.postselect_mode},
            any_wires=not self.wires,
            qnode_device_import_path=(kind.__module__, kind.__qualname__),
            qnode_device_shots=scripts[0].shots.total_shots,
            qnode_device_wires=len(self.wires or max((s.wires for s in scripts), key=len)),
            pennylane_active_return=True,
        )

    def _tell(
        self,
        executors: BaseQExecutor,
        scripts: Sequence[Any],
        futures: Sequence[Any],
        clock: "_Clock",
    ) -> None:
        """Keep records. What goes wrong with one is logged: it neither fails a circuit nor hides an error."""
        if not (self.cluster.persist_data and records.is_collecting()):
            return
        for each, future in zip(scripts, futures, strict=True):
            try:
                executor = executors.ran_by(future)
                if executor.persist_data and clock.started(future):
                    records.keep(_record(executor, each, future, clock))
            except Exception:  # noqa: BLE001  # a user's executor, or what it gave, may raise anything
                app_log.exception("a circuit of a quantum electron leaves no record")


class _Clock:
    """When circuits began and ended: for those that failed, and so do not tell."""

    def __init__(self) -> None:
        self._submitted = datetime.now(UTC)
        self._ended: dict[int, datetime] = {}

    def watch(self, futures: Sequence[Any]) -> None:
        for each in futures:
            if isinstance(each, Future):
                each.add_done_callback(self._note)

    def started(self, future: Any) -> datetime | None:
        """When it began; None if it did not. Where a future does not tell, it began when it was submitted."""
        found: datetime | None = getattr(future, "started", self._submitted)
        return found

    def ended(self, future: Any) -> datetime:
        return self._ended.get(id(future)) or datetime.now(UTC)

    def _note(self, future: Any) -> None:
        self._ended[id(future)] = datetime.now(UTC)


@transform
def _standard_wires(script: Any, wires: Any) -> Any:
    """A circuit on wires 0, 1, ... in the order of the device's."""
    return (_on_standard_wires(script, wires),), _only


def _only(results: Sequence[Any]) -> Any:
    return results[0]


def _on_standard_wires(script: Any, wires: Any) -> Any:
    if not wires:
        return script.map_to_standard_wires()
    order = {label: place for place, label in enumerate(wires)}
    if all(label == place for label, place in order.items()):
        return script
    (mapped,), _ = qml.map_wires(script, order)
    return mapped


def _plain(script: Any, wires: Any) -> Any:
    """The circuit with NumPy's numbers, on wires 0, 1, ..."""
    (script,), _ = convert_to_numpy_parameters(script)
    return _on_standard_wires(script, wires)


def _waited(executors: BaseQExecutor, futures: Sequence[Any]) -> list[Any]:
    """The results; all is given up where one circuit fails, or the call is interrupted or cancelled."""
    give_up = partial(_give_up, executors, futures)
    try:
        with current().reaching(give_up):
            return executors.batch_get_results(futures)
    except BaseException:
        give_up()
        raise


def _give_up(executors: BaseQExecutor, futures: Sequence[Any]) -> None:
    try:
        executors.give_up(futures)
    except Exception:  # noqa: BLE001  # a user's executor may raise anything, which must not hide why
        app_log.exception("circuits of a quantum electron could not be given up")


def _outcome(future: Any) -> Any:
    """The result. A user's futures may only have that."""
    if hasattr(future, "done") and not future.done():
        raise CancelledError
    return future.result()


def _record(executor: BaseQExecutor, script: Any, future: Any, clock: _Clock) -> CircuitRecord:
    try:
        found = _outcome(future)
    except Exception as exc:  # noqa: BLE001  # whatever the circuit raised
        found = executor.new_record(script)
        found.error = executor.without_secrets(f"{type(exc).__qualname__}: {str(exc) or _GIVEN_UP}")
        found.started, found.ended = clock.started(future), clock.ended(future)
    if not isinstance(found, CircuitRecord):
        found = CircuitRecord(executor=executor.name, result=found)
    (plain,), _ = convert_to_numpy_parameters(script)
    found.parameters = plain.get_parameters(trainable_only=False)
    found.circuit = _drawing(plain)
    return found


def _drawing(script: Any) -> str:
    try:
        return str(qml.drawer.tape_text(script, decimals=4))
    except Exception as exc:  # noqa: BLE001  # whatever a user's gate raises
        return f"[no drawing: {type(exc).__qualname__}: {exc}]"
