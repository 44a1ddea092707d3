"""What executors for IBM Quantum have in common. Nothing of Qiskit is imported until a circuit runs."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field

from covalent._quantum.executors.base import BaseQExecutor
from covalent._quantum.ibm import options as documented
from covalent._quantum.ibm.secret import Token
from covalent._quantum.missing import needed

_PACKAGES = ("pennylane", "qiskit", "qiskit_ibm_runtime", "pennylane_qiskit")


TokenField = Annotated[str, Field(repr=False), AfterValidator(Token)]
"""A token: a plain string for users, that shows in no `repr`."""


class RuntimeOptions(dict[str, Any]):
    """Options of a `QiskitExecutor`: a dictionary, whose names have been checked."""

    @classmethod
    def of(cls, options: Any) -> Self:
        """The options, checked.

        Raises:
            TypeError: they are no dictionary.
            BadOption: the Sampler has no such option, or no such value.

        """
        if not isinstance(options, Mapping):
            raise ValueError("options must be a dictionary")  # pydantic wants it
        documented.check(options)
        return cls(options)


class IBMQuantumFields(BaseQExecutor):
    """The account. The classes take the defaults from their own sections of the configuration."""

    model_config = ConfigDict(hide_input_in_errors=True)

    backend: str = ""
    ibmqx_token: TokenField = ""
    hub: str = ""
    group: str = ""
    project: str = ""

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Leave out what has to do with tokens, whatever it is called."""
        return [(k, v) for k, v in super().__repr_args__() if "token" not in (k or "").lower()]

    def json_text(self) -> str:
        """The settings as JSON, with a digest for the token: what makes a hashable value of an executor."""
        digest = hashlib.sha256(self.ibmqx_token.encode()).hexdigest()
        settings = {**self.model_dump(), "ibmqx_token": f"sha256:{digest}"}
        return json.dumps(settings, default=str, sort_keys=True)


def checked_shots(shots: int | None) -> int | None:
    """The shots.

    Raises:
        ValueError: they are negative.

    """
    if shots is not None and shots < 0:
        raise ValueError("shots must be positive, 0 for those of the QNode, or None")
    return shots


def sampler_device(executor: BaseQExecutor) -> Any:
    """The PennyLane device of an executor.

    Raises:
        MissingExtra: PennyLane or Qiskit is not installed.

    """
    device = _loaded("device", executor)
    return device.SamplerDevice(executor.qnode_device_wires, **executor.device_init_kwargs)


def place_of(executor: BaseQExecutor, settings: documented.Settings, *, in_session: bool) -> Any:
    """Where an executor's circuits run.

    Raises:
        MissingExtra: PennyLane or Qiskit is not installed.

    """
    return _loaded("place", executor).of(executor, settings, in_session=in_session)


def _loaded(module: str, executor: BaseQExecutor) -> Any:
    """A module here that imports Qiskit, which only those need whose circuits run."""
    for package in _PACKAGES:
        needed(package, "qiskit", type(executor).__name__)
    return import_module(f"covalent._quantum.ibm.{module}")
