"""What IBM Quantum and PennyLane no longer offer, and what takes its place.

IBM Quantum's classic platform (channel "ibm_quantum", hub/group/project) ended on 1 July 2025; its cloud simulators
on 15 May 2024; the devices of the `ibmq_` names before them. PennyLane-Qiskit 0.43 and later have no "qiskit.ibmq".
Each is told of once in a process.
"""

from __future__ import annotations

import threading
import warnings
from types import MappingProxyType

PLATFORM = "ibm_quantum_platform"
CHANNELS = frozenset({PLATFORM, "ibm_cloud", "local"})
DEFAULT_INSTANCE = ("ibm-q", "open", "main")
SIMULATORS = MappingProxyType(
    {
        "ibmq_qasm_simulator": "automatic",
        "ibm_qasm_simulator": "automatic",  # the reference's tables spell it so
        "simulator_statevector": "statevector",
        "simulator_mps": "matrix_product_state",
        "simulator_stabilizer": "stabilizer",
        "simulator_extended_stabilizer": "extended_stabilizer",
    }
)
"""The cloud's simulators, and the method of Aer that does the same here."""

_CLASSIC_HOSTS = ("quantum-computing.ibm.com", "api.quantum.ibm.com", "auth.quantum.ibm.com")
_told: set[str] = set()
_lock = threading.Lock()


class SuccessorWarning(UserWarning):
    """Something is gone, and its successor is used."""


def tell_once(about: str, text: str) -> None:
    """Warn of something that is gone, the first time in this process.

    Args:
        about: what is gone; the second warning about it is not given.
        text: what happened to it, and what is used instead.

    """
    with _lock:
        if about in _told:
            return
        _told.add(about)
    warnings.warn(text, SuccessorWarning, stacklevel=3)


def forget() -> None:
    """Warn of everything anew."""
    with _lock:
        _told.clear()


def channel(given: str) -> str:
    """The channel that is in service for the one that was given."""
    check_channel(given)
    if given in CHANNELS:
        return given
    tell_once(
        "channel ibm_quantum",
        "The channel 'ibm_quantum' ended on 1 July 2025: 'ibm_quantum_platform' is used. It wants an API key of IBM "
        "Cloud as ibmqx_token (https://quantum.cloud.ibm.com); tokens of the old platform are not valid there.",
    )
    return PLATFORM


def check_channel(given: str) -> None:
    """Refuse a channel that never was.

    Raises:
        ValueError: there never was such a channel.

    """
    if given not in CHANNELS and given != "ibm_quantum":
        raise ValueError(f"channel must be one of {', '.join(sorted(CHANNELS))}")


def instance(given: str, cloud_instance: str, parts: tuple[str, str, str]) -> str | None:
    """The instance to use: a CRN or a service's name, or None for those of the account.

    Args:
        given: the field `instance`; hub/group/project in former times.
        cloud_instance: the field `cloud_instance`.
        parts: hub, group and project.

    """
    if cloud_instance:
        return cloud_instance
    if given and not _classic(given):
        return given
    if given or parts != DEFAULT_INSTANCE:
        tell_once(
            "hub/group/project",
            f"{given or '/'.join(parts)!r}: hub, group and project ended with IBM Quantum's classic platform, the "
            "account's own instances are used. To choose one, give its CRN or its name as instance.",
        )
    return None


def _classic(given: str) -> bool:
    parts = 3  # hub, group, project
    return not given.startswith("crn:") and len(given.split("/")) == parts


def simulator(backend: str) -> str | None:
    """The method of Aer that replaces a simulator of the cloud, or None if the back end was none."""
    method = SIMULATORS.get(backend)
    if method is not None:
        tell_once(
            f"simulator {backend}",
            f"The cloud simulator {backend!r} was retired on 15 May 2024: its circuits run on this machine, "
            "with qiskit-aer (or Qiskit's own statevector if that is missing).",
        )
    return method


def url(given: str | None) -> str | None:
    """The address of the service, or None for its own; those of the classic platform are of no use."""
    if given and any(host in given for host in _CLASSIC_HOSTS):
        tell_once(
            "url", f"{given} was IBM Quantum's classic platform: the address in service is used."
        )
        return None
    return given or None


def ibmq_device() -> None:
    """Tell that PennyLane's device "qiskit.ibmq" is gone."""
    tell_once(
        "qiskit.ibmq",
        "PennyLane-Qiskit has no device 'qiskit.ibmq' any more: IBMQExecutor runs each circuit as a job of Qiskit "
        "Runtime's Sampler. QiskitExecutor does the same in sessions, many circuits to a job.",
    )
