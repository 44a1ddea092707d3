"""The PennyLane device of Braket's plugin for a device of AWS, made so that tasks go through a `Sender`."""

from typing import Any

from covalent._quantum.amazon import plugin
from covalent._quantum.amazon.errors import NAME, BraketError, told
from covalent._quantum.amazon.tasks import Limits, Sender


def device(arn: str, limits: Limits, wires: int, shots: int | None, **settings: Any) -> Any:
    """Make a device.

    Args:
        arn: of the device of AWS.
        limits: how long and how often a task is tried.
        wires: how many the circuits have.
        shots: how many they are run with; None for exact results.
        settings: what else the plugin's device is made with.

    Raises:
        BraketError: AWS cannot be asked, or the device takes no circuits.
        ValueError: there is no such device, or it has not the wires or the shots.

    """
    with told(arn):
        try:
            found = plugin.device(
                "braket.aws.qubit", NAME, device_arn=arn, wires=wires, shots=shots, **settings
            )
        except ValueError as exc:
            raise ValueError(f"{NAME}(device_arn={arn!r}): {exc}") from exc
    of_plugin = getattr(found, "target_device", found)
    _check(of_plugin._device, wires, shots)
    of_plugin._device = Sender(of_plugin._device, limits)
    return found


def _check(device: Any, wires: int, shots: int | None) -> None:
    where = f"{NAME}(device_arn={device.arn!r})"
    if device.status != "ONLINE":
        raise BraketError(
            f"{where}: {device.name} is {device.status}: choose another `device_arn`, or wait"
        )
    qubits = getattr(device.properties.paradigm, "qubitCount", wires)
    if wires > qubits:
        raise ValueError(
            f"{where}: the circuit has {wires} wires, {device.name} has {qubits} qubits"
        )
    fewest, most = device.properties.service.shotsRange
    if not fewest <= (shots or 0) <= most:
        wanted = f"shots={shots or 0} is not between {fewest} and {most}, as {device.name} wants it"
        raise ValueError(f"{where}: {wanted}: set `shots`, or the shots of the QNode")
