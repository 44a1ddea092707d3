"""Circuits on IBM Quantum, each as a job of its own, from threads."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from pydantic import field_validator

from covalent._quantum.calls import settled
from covalent._quantum.executors.base import BaseThreadPoolQExecutor
from covalent._quantum.executors.configured import configured
from covalent._quantum.ibm import options as documented
from covalent._quantum.ibm import retired
from covalent._quantum.ibm.fields import (
    IBMQuantumFields,
    TokenField,
    checked_shots,
    place_of,
    sampler_device,
)
from covalent._quantum.records import CircuitRecord


class IBMQExecutor(IBMQuantumFields, BaseThreadPoolQExecutor):
    """A quantum executor that runs circuits on IBM Quantum backends, each as a job of its own.

    It used the Pennylane native "qiskit.ibmq" device, which is gone: Qiskit Runtime's Sampler takes its place. The
    attributes `backend`, `ibmqx_token`, `hub`, `group`, and `project` are taken from the Covalent configuration file by
    default, if available.

    Args:
        max_jobs: The maximum number of jobs that can be submitted to the backend concurrently. This number corresponds
            to the number of threads utilized by this executor. Defaults to 20.
        shots: The number of shots to use for the execution device. Overrides the `shots` value from the original
            device if set to `None` or a positive `int`. The shots setting from the original device is used by default,
            when this argument is 0.
        backend: The name of the IBM Quantum backend device. Defaults to "ibmq_qasm_simulator".
        ibmqx_token: The IBM Quantum API token: today, an API key of IBM Cloud.
        hub: An IBM Quantum hub name. Defaults to "ibm-q".
        group: An IBM Quantum group name. Defaults to "open".
        project: An IBM Quantum project name. Defaults to "main".

    """

    max_jobs: int = 20
    shots: int | None = 0
    backend: str = configured("IBMQExecutor", "backend", "ibmq_qasm_simulator")
    ibmqx_token: TokenField = configured("IBMQExecutor", "ibmqx_token", "")
    hub: str = configured("IBMQExecutor", "hub", "ibm-q")
    group: str = configured("IBMQExecutor", "group", "open")
    project: str = configured("IBMQExecutor", "project", "main")

    @field_validator("max_jobs")
    @classmethod
    def _some_jobs(cls, max_jobs: int) -> int:
        if max_jobs < 1:
            raise ValueError("max_jobs must be at least 1")
        return max_jobs

    @field_validator("shots")
    @classmethod
    def _some_shots(cls, shots: int | None) -> int | None:
        return checked_shots(shots)

    @property
    def device_init_kwargs(self) -> dict[str, Any]:
        """Keyword arguments to pass to the device constructor, beside its wires."""
        here = place_of(self, documented.settings({}), in_session=False)
        return {"place": here, "owner": type(self).__name__}

    def execution_device(self) -> Any:
        """The PennyLane device that runs the circuits: a Sampler's."""
        retired.ibmq_device()
        return sampler_device(self)

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Future[CircuitRecord]]:
        """Begin to run circuits in `max_jobs` threads, each circuit as a job.

        Args:
            qscripts_list: PennyLane's QuantumScripts.

        Returns:
            A future for each, in their order.

        """
        return [self._pool.submit(self.max_jobs, self.run_circuit, each) for each in qscripts_list]

    def give_up(self, futures_list: Sequence[Any]) -> None:
        """Cancel the jobs, and wait a while until the service knows."""
        super().give_up(futures_list)
        settled(futures_list)
