"""Circuits on PennyLane's own simulators."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from pydantic import PrivateAttr, field_validator

from covalent._quantum.executors.base import BaseQExecutor, finished
from covalent._quantum.executors.pools import Processes, Threads
from covalent._quantum.missing import needed
from covalent._quantum.records import CircuitRecord


class Simulator(BaseQExecutor):
    """A quantum executor that uses the specified Pennylane device to execute circuits.

    Parallelizes circuit execution on the specified `device` using either threads or processes.

    Args:
        device: A valid string corresponding to a Pennylane device. Simulation-based devices (e.g. "default.qubit" and
            "lightning.qubit") are recommended. Defaults to "default.qubit".
        parallel: The type of parallelism to use. Valid values are "thread" and "process". Passing any other value will
            result in synchronous execution. Defaults to "thread".
        workers: The number of threads or processes to use. Defaults to 10.
        shots: The number of shots to use for the execution device. Overrides the `shots` value from the original device
            if set to `None` or a positive `int`. The shots setting from the original device is used by default, when
            this argument is 0.

    """

    device: str = "default.qubit"
    parallel: bool | str = "thread"
    workers: int = 10
    shots: int | None = 0
    _threads: Threads = PrivateAttr(default_factory=Threads)
    _processes: Processes = PrivateAttr(default_factory=Processes)

    @field_validator("workers")
    @classmethod
    def _has_workers(cls, workers: int) -> int:
        if workers < 1:
            raise ValueError(f"workers={workers}: a Simulator needs at least one")
        return workers

    @field_validator("shots")
    @classmethod
    def _counts(cls, shots: int | None) -> int | None:
        if shots is not None and shots < 0:
            raise ValueError(f"shots={shots}: give a positive number, 0 or None")
        return shots

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Future[CircuitRecord]]:
        """Begin to run circuits in threads or processes, or run them, as `parallel` says."""
        return [self._submit(self.run_circuit, each) for each in qscripts_list]

    def batch_get_results(self, futures_list: Sequence[Any]) -> list[Any]:
        """Wait for circuits; the results are in the order of the futures."""
        return super().batch_get_results(futures_list)

    def batch_submit_derivatives(self, qscripts_list: Sequence[Any]) -> list[Future[Any]]:
        """Begin to differentiate circuits by the adjoint method."""
        return [self._submit(self.differentiate, each) for each in qscripts_list]

    def gives_adjoint(self, qscript: Any) -> bool:
        """Whether the device has the adjoint method for the circuit."""
        shots = self.with_shots(qscript).shots
        return bool(not shots and self.execution_device().supports_derivatives(_adjoint(), qscript))

    def differentiate(self, qscript: Any) -> Any:
        """The circuit's Jacobian, by the device's adjoint method."""
        device = self.execution_device()
        config = device.setup_execution_config(_adjoint(), qscript)
        return device.compute_derivatives([qscript], config)[0]

    def execution_device(self) -> Any:
        """The device that runs the circuits.

        Raises:
            ValueError: PennyLane has no such device, or cannot make it.

        """
        try:
            return super().execution_device()
        except needed("pennylane.exceptions").DeviceError as exc:
            raise ValueError(f"Simulator(device={self.device!r}): {exc}") from exc

    def _submit(self, function: Callable[..., Any], qscript: Any) -> Future[Any]:
        match self.parallel:
            case "thread":
                return self._threads.submit(self.workers, function, qscript)
            case "process":
                return self._processes.submit(self.workers, function, qscript)
            case _:
                return finished(function, qscript)


def _adjoint() -> Any:
    return needed("pennylane.devices").ExecutionConfig(gradient_method="adjoint")
