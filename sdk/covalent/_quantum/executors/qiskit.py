"""Circuits on IBM Quantum and on Qiskit's own simulators, through Qiskit's Sampler."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from pydantic import field_validator

from covalent._quantum.executors.base import AsyncBaseQExecutor
from covalent._quantum.executors.configured import configured
from covalent._quantum.executors.shared_future import parts
from covalent._quantum.ibm import options as documented
from covalent._quantum.ibm import retired
from covalent._quantum.ibm.fields import (
    IBMQuantumFields,
    RuntimeOptions,
    TokenField,
    checked_shots,
    place_of,
    sampler_device,
)
from covalent._quantum.missing import pennylane
from covalent._quantum.records import CircuitRecord

_DEVICES = ("sampler", "local_sampler")


class QiskitExecutor(IBMQuantumFields, AsyncBaseQExecutor):
    """A quantum executor that lets the user run circuits on IBM Quantum backends.

    It uses runtime sessions and Qiskit primitives. The attributes `device`, `backend`, `ibmqx_token`, `hub`,
    `group`, and `project` are taken from the Covalent configuration file by default, if available.

    Args:
        device: The Qiskit primitive used to execute circuits. Valid values are "sampler" and "local_sampler". The value
            "sampler" corresponds to the Qiskit Runtime `Sampler` primitive. The value "local_sampler" corresponds to
            the Qiskit `Sampler` primitive, which is entirely local.
        backend: The name of the IBM Quantum backend device, of a fake one ("fake_manila"), or "aer_simulator". Defaults
            to "ibmq_qasm_simulator", which has moved to this machine.
        ibmqx_token: The IBM Quantum API token: today, an API key of IBM Cloud.
        hub: An IBM Quantum hub name. Defaults to "ibm-q". The service has no hubs any more.
        group: An IBM Quantum group name. Defaults to "open".
        project: An IBM Quantum project name. Defaults to "main".
        shots: The number of shots to run per circuit. Defaults to 1024. 0 leaves those of the QNode; None is exact, and
            for "local_sampler" only.
        single_job: Whether all circuits are submitted as one job or as separate jobs. Defaults to False.
        max_time: An optional time limit for circuit execution on the IBM Quantum backend, in seconds or as
            "2h 30m 40s". Defaults to None, i.e. no time limit.
        local_transpile: Whether to optimise circuits for simulators on this machine. Defaults to False. The service
            takes transpiled circuits only, so circuits for devices always are.
        ibmqx_url: An optional URL for the Qiskit Runtime API.
        channel: An optional channel for the Qiskit Runtime API. Defaults to "ibm_quantum", whose successor is
            "ibm_quantum_platform".
        instance: The CRN or the name of an instance; formerly "my-hub/my-group/my-project".
        cloud_instance: Same as `instance` but for the case `channel="ibm_cloud"`.
        options: A dictionary of options to pass to Qiskit Runtime: see `covalent._quantum.ibm.options`.

    """

    device: str = configured("QiskitExecutor", "device", "local_sampler")
    backend: str = configured("QiskitExecutor", "backend", "ibmq_qasm_simulator")
    ibmqx_token: TokenField = configured("QiskitExecutor", "ibmqx_token", "")
    hub: str = configured("QiskitExecutor", "hub", "ibm-q")
    group: str = configured("QiskitExecutor", "group", "open")
    project: str = configured("QiskitExecutor", "project", "main")
    shots: int | None = 1024
    single_job: bool = False
    local_transpile: bool = False
    max_time: int | str | None = None
    ibmqx_url: str | None = None
    channel: str = "ibm_quantum"
    instance: str = ""
    cloud_instance: str = ""
    options: Any = configured(
        "QiskitExecutor", "options", {"optimization_level": 3, "resilience_level": 1}
    )

    @field_validator("device")
    @classmethod
    def _one_of_the_primitives(cls, device: str) -> str:
        if device in _DEVICES:
            return device
        near = get_close_matches(device, _DEVICES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"device must be one of {', '.join(_DEVICES)}{hint}")

    @field_validator("options")
    @classmethod
    def _known_options(cls, options: Any) -> RuntimeOptions:
        return RuntimeOptions.of(options)

    @field_validator("max_time")
    @classmethod
    def _positive_time(cls, max_time: int | str | None) -> int | str | None:
        documented.seconds(max_time)
        return max_time

    @field_validator("channel")
    @classmethod
    def _known_channel(cls, channel: str) -> str:
        retired.check_channel(channel)
        return channel

    @field_validator("shots")
    @classmethod
    def _some_shots(cls, shots: int | None) -> int | None:
        return checked_shots(shots)

    def overriding(self, shots: Any) -> Any:
        """The shots that take the place of a QNode's; `options["default_shots"]` where nobody gave any."""
        found, default = super().overriding(shots), self.options.get("default_shots")
        if found or default is None or self.shots != 0:
            return found
        return pennylane().measurements.Shots(default)

    @property
    def device_init_kwargs(self) -> dict[str, Any]:
        """Keyword arguments to pass to the device constructor, beside its wires."""
        settings = documented.settings(RuntimeOptions.of(self.options))
        here = place_of(self, settings, in_session=True)
        return {"place": here, "owner": type(self).__name__}

    def execution_device(self) -> Any:
        """The PennyLane device that runs the circuits: a Sampler's."""
        return sampler_device(self)

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Future[CircuitRecord]]:
        """Begin to run circuits: as one job with `single_job`, else each as one.

        Args:
            qscripts_list: PennyLane's QuantumScripts.

        Returns:
            A future for each, in their order. One that is cancelled cancels its job.

        """
        if not self.single_job:
            return super().batch_submit(qscripts_list)
        records = [self.new_record(each) for each in qscripts_list]
        device = self.execution_device()
        whole = self.start(self.run_all_circuits(qscripts_list, device, records))
        return parts(whole, len(records))

    async def run_circuit(  # type: ignore[override]  # the asynchronous executors await
        self, tapes: Any, device: Any = None, result_obj: CircuitRecord | None = None
    ) -> CircuitRecord:
        """Run one circuit, as a job of its own.

        Args:
            tapes: the QuantumScript.
            device: the device that runs it; `execution_device()` by default.
            result_obj: the record to fill; a new one by default.

        """
        record = result_obj or self.new_record(tapes)
        return (await self.run_all_circuits([tapes], device, [record]))[0]

    async def run_all_circuits(  # type: ignore[override]  # as above
        self,
        tapes: Sequence[Any],
        device: Any = None,
        result_obj: Sequence[CircuitRecord] | None = None,
    ) -> list[CircuitRecord]:
        """Run several circuits, as a single IBM Qiskit Runtime job.

        Args:
            tapes: the QuantumScripts.
            device: the device that runs them; `execution_device()` by default.
            result_obj: the records to fill; new ones by default.

        """
        records = list(result_obj or [self.new_record(each) for each in tapes])
        device = device or await asyncio.to_thread(self.execution_device)
        started = datetime.now(UTC)
        results = await device.run([self.with_shots(each) for each in tapes])
        ended = datetime.now(UTC)
        for record, result in zip(records, results, strict=True):
            record.started, record.ended, record.result = started, ended, result
        return records
