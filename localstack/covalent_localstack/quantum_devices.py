"""The simulators of Amazon Braket as devices: SV1, TN1 and DM1, with documents of their properties.

https://docs.aws.amazon.com/braket/latest/developerguide/braket-submit-tasks-simulators.html

The documents have the form of `braket.device_schema.simulators.gate_model_simulator_device_capabilities`. They
promise what the simulators of this machine can do, which is a little less than those of AWS: no adjoint gradients.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from covalent_localstack import braket_faults
from covalent_localstack.braket_model import Json, Refusal, invalid
from covalent_localstack.environment import REGION

PREFIX = "arn:aws:braket:::device/quantum-simulator/amazon/"
OPENQASM = "braket.ir.openqasm.program"
_OPERATIONS = (
    "ccnot cnot cphaseshift cphaseshift00 cphaseshift01 cphaseshift10 cswap cv cy cz ecr gphase gpi gpi2 h i "
    "iswap ms phaseshift prx pswap rx ry rz s si swap t ti u unitary v vi x xx xy y yy z zz"
)
_NOISE = (
    "amplitude_damping bit_flip depolarizing generalized_amplitude_damping kraus pauli_channel phase_damping "
    "phase_flip two_qubit_dephasing two_qubit_depolarizing"
)
_OBSERVABLES = ["x", "y", "z", "h", "i", "hermitian"]


@dataclass(frozen=True)
class Device:
    """A simulator.

    Args:
        name: as AWS calls it.
        simulator: the local one that does its work.
        qubits: how many it has.
        shots: the fewest and the most of a task.
        tasks: how many an account may have at a time.
        exact: names of result types, as pragmas spell them, beside those that shots can give; for tasks without shots.
        has_noise: whether circuits may have noise.

    """

    name: str
    simulator: str
    qubits: int
    shots: tuple[int, int]
    tasks: int
    exact: tuple[str, ...] = ()
    has_noise: bool = False

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"{PREFIX}{self.name.lower()}"

    @property
    def status(self) -> str:
        """Whether it takes tasks."""
        return braket_faults.statuses.get(self.arn, "ONLINE")

    def listed(self) -> Json:
        """As SearchDevices tells."""
        return {
            "deviceArn": self.arn,
            "deviceName": self.name,
            "deviceType": "SIMULATOR",
            "deviceStatus": self.status,
            "providerName": "Amazon Braket",
        }

    def shown(self) -> Json:
        """As GetDevice tells."""
        queues = [
            {"queue": "QUANTUM_TASKS_QUEUE", "queueSize": "0", "queuePriority": "Normal"},
            {"queue": "QUANTUM_TASKS_QUEUE", "queueSize": "0", "queuePriority": "Priority"},
            {"queue": "JOBS_QUEUE", "queueSize": "0"},
        ]
        capabilities = json.dumps(self.capabilities())
        return {**self.listed(), "deviceCapabilities": capabilities, "deviceQueueInfo": queues}

    def capabilities(self) -> Json:
        """The document of its properties."""
        folder = "braket.device_schema.simulators.gate_model_simulator"
        return {
            "braketSchemaHeader": _header(f"{folder}_device_capabilities"),
            "service": self._service(),
            "action": {OPENQASM: self._openqasm()},
            "paradigm": {
                "braketSchemaHeader": _header(f"{folder}_paradigm_properties"),
                "qubitCount": self.qubits,
            },
            "deviceParameters": {},
        }

    def _service(self) -> Json:
        hours = {"windowStartHour": "00:00", "windowEndHour": "23:59:59"}
        return {
            "braketSchemaHeader": _header("braket.device_schema.device_service_properties"),
            "executionWindows": [{"executionDay": "Everyday", **hours}],
            "shotsRange": list(self.shots),
            "deviceCost": {"price": 0.0, "unit": "minute"},
            "deviceDocumentation": {"summary": f"{self.name}, simulated on this machine"},
            "deviceLocation": REGION,
            "getTaskPollIntervalMillis": 200,
        }

    def _openqasm(self) -> Json:
        noise = [f"braket_noise_{each}" for each in _NOISE.split()]
        pragmas = [f"braket_result_type_{each}" for each in self._result_types]
        pragmas += ["braket_unitary_matrix", *(noise if self.has_noise else [])]
        return {
            "actionType": OPENQASM,
            "version": ["1"],
            "supportedOperations": _OPERATIONS.split(),
            "supportedModifiers": [
                {"name": "ctrl"},
                {"name": "negctrl"},
                {"name": "pow", "exponent_types": ["int", "float"]},
                {"name": "inv"},
            ],
            "supportedPragmas": pragmas,
            "forbiddenPragmas": [] if self.has_noise else noise,
            "supportedResultTypes": list(map(self._result_type, self._result_types)),
            "supportPhysicalQubits": False,
            "requiresContiguousQubitIndices": True,
            "requiresAllQubitsMeasurement": False,
            "supportsUnassignedMeasurements": True,
            "disabledQubitRewiringSupported": False,
        }

    @property
    def _result_types(self) -> tuple[str, ...]:
        return ("sample", "expectation", "variance", *self.exact)

    def _result_type(self, name: str) -> Json:
        fewest, most = self.shots
        if name == "sample":
            fewest = 1
        elif name in ("state_vector", "amplitude", "density_matrix"):
            most = 0
        shots = {"minShots": fewest, "maxShots": most}
        of = {"observables": _OBSERVABLES} if name in ("sample", "expectation", "variance") else {}
        return {"name": name.title().replace("_", ""), **of, **shots}


def _header(name: str) -> Json:
    return {"name": name, "version": "1"}


_LISTED = ("deviceArn", "deviceName", "deviceType", "deviceStatus", "providerName")
_ALL = (
    Device(
        "SV1",
        simulator="braket_sv",
        qubits=34,
        shots=(0, 100_000),
        tasks=100,
        exact=("probability", "state_vector", "amplitude", "density_matrix"),
    ),
    Device("TN1", simulator="braket_sv", qubits=50, shots=(1, 100_000), tasks=10),
    Device(
        "DM1",
        simulator="braket_dm",
        qubits=17,
        shots=(0, 100_000),
        tasks=100,
        exact=("probability", "density_matrix"),
        has_noise=True,
    ),
)
DEVICES: Mapping[str, Device] = {each.arn: each for each in _ALL}


def get(request: Json) -> Json:
    """GetDevice."""
    device = DEVICES.get(request["deviceArn"])
    if device is None:
        raise Refusal("ResourceNotFoundException", f"there is no device {request['deviceArn']}")
    return device.shown()


def search(request: Json) -> Json:
    """SearchDevices."""
    found = [each.listed() for each in DEVICES.values()]
    for wanted in request["filters"]:
        if wanted["name"] not in _LISTED:
            raise invalid(f"devices have no {wanted['name']} to look for")
        found = [each for each in found if each[wanted["name"]] in wanted["values"]]
    return {"devices": found}


def ready(arn: str, shots: int, action: Any) -> Device:
    """The device that is to do a task.

    Raises:
        Refusal: it cannot.

    """
    device = DEVICES.get(arn)
    if device is None:
        raise invalid(f"{arn} is no device that is served offline: {', '.join(DEVICES)}")
    if device.status != "ONLINE":
        code = f"Device{device.status.title()}Exception"
        raise Refusal(code, f"{arn} is {device.status.lower()}")
    fewest, most = device.shots
    if not fewest <= shots <= most:
        raise invalid(
            f"Shot count should be between {fewest} and {most} on {arn}, but found {shots}."
        )
    if action != OPENQASM:
        raise invalid(f"{arn} does not support the action {action}")
    return device
