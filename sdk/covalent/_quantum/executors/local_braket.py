"""Circuits on the simulators that come with Amazon Braket's SDK, on this machine."""

from collections.abc import Sequence
from concurrent.futures import Future
from importlib.metadata import entry_points
from typing import Any, ClassVar, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from covalent._quantum.amazon import circuits, plugin
from covalent._quantum.amazon.run_kwargs import sorted_out
from covalent._quantum.executors.base import BaseProcessPoolQExecutor
from covalent._quantum.executors.configured import configured
from covalent._quantum.executors.pools import Threads
from covalent._quantum.missing import pennylane
from covalent._quantum.records import CircuitRecord

NAME = "LocalBraketQubitExecutor"
BACKENDS = ("default", "braket_sv", "braket_dm", "braket_ahs")
_ANALOG = "braket_ahs"


class LocalBraketQubitExecutor(BaseProcessPoolQExecutor):
    """The local Braket executor based on the existing Pennylane local Braket qubit device.

    Args:
        max_jobs: maximum number of parallel jobs sent by processes on `batch_submit`. There are no more than
            `num_processes` processes. With `num_threads=...` there are so many threads instead.
        shots: number of shots used to estimate quantum observables. 0 leaves those of the QNode; None, the default,
            asks for exact results.
        backend: The name of the simulator backend. Defaults to the `"default"` simulator backend name. "braket_sv" and
            "braket_dm" are others; "braket_ahs" has no gates, and runs no circuits. `device` may name one, too.
        run_kwargs: Variable length keyword arguments for `braket.devices.Device.run()`.

    """

    has_variance_of_sums: ClassVar[bool] = False
    max_jobs: int = 20
    shots: int | None = None
    backend: str = configured(NAME, "backend", "default")
    run_kwargs: dict[str, Any] = Field(default={})
    _threads: Threads = PrivateAttr(default_factory=Threads)

    @model_validator(mode="before")
    @classmethod
    def _fields_of_run_kwargs(cls, values: Any) -> Any:
        return sorted_out(values, cls.model_fields)

    @field_validator("shots")
    @classmethod
    def _some_shots(cls, shots: int | None) -> int | None:
        if shots is not None and shots < 0:
            raise ValueError(f"shots={shots}: give a positive number, 0 or None")
        return shots

    @field_validator("max_jobs", "num_processes")
    @classmethod
    def _at_least_one(cls, number: int) -> int:
        if number < 1:
            raise ValueError(f"{number} is not enough: give at least 1")
        return number

    @model_validator(mode="after")
    def _device_names_a_backend(self) -> Self:
        if self.device in BACKENDS and "backend" not in self.model_fields_set:
            self.backend = self.device
        return self

    @property
    def device_init_kwargs(self) -> dict[str, Any]:
        """Keyword arguments to pass to the device constructor, beside its wires."""
        return {"backend": self.backend, **self.run_kwargs}

    def execution_device(self) -> Any:
        """The PennyLane device that runs the circuits: "braket.local.qubit".

        Raises:
            MissingExtra: the plugin is not installed.
            ValueError: the back end is none, or none for circuits.

        """
        shots = pennylane().measurements.Shots(self.qnode_device_shots)
        return self._made(self.qnode_device_wires or 1, self.overriding(shots).total_shots)

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Future[CircuitRecord]]:
        """Submit qscripts for execution using `num_processes`-many processes.

        Args:
            qscripts_list: a list of Pennylane style `QuantumScripts`.

        Returns:
            A future for each, in their order.

        """
        threads = (self.model_extra or {}).get("num_threads")
        pool: Any = self._threads if threads else self._pool
        size = min(self.max_jobs, threads or self.num_processes)
        return [pool.submit(size, self.run_circuit, each) for each in qscripts_list]

    def run_circuit(
        self, qscript: Any, device: Any = None, result_obj: CircuitRecord | None = None
    ) -> CircuitRecord:
        """Run one circuit."""
        if device is None:
            shots = self.shots_for(qscript)
            if shots.has_partitioned_shots:
                raise ValueError(f"{NAME}: Braket has no shot vectors: {shots}; give one number")
            wires = self.qnode_device_wires or len(qscript.wires)
            device = self._made(wires, shots.total_shots)
        record = super().run_circuit(circuits.for_plugin(qscript), device, result_obj)
        record.result = circuits.plain(record.result)
        return record

    def _made(self, wires: int, shots: int | None) -> Any:
        plugin.load(NAME)
        backend = self.backend
        if backend == _ANALOG:
            raise ValueError(
                f"{NAME}: backend={backend!r} simulates Rydberg atoms, not gates, and runs no circuits: "
                f"choose {', '.join(map(repr, BACKENDS[:-1]))}"
            )
        there = entry_points(group="braket.simulators").names
        if backend not in there:
            raise ValueError(f"{NAME}: backend={backend!r} is none of {', '.join(sorted(there))}")
        settings = self.device_init_kwargs
        return plugin.device("braket.local.qubit", NAME, wires=wires, shots=shots, **settings)
