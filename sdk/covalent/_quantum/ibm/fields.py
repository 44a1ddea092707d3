"""What executors for IBM Quantum have in common. Nothing of Qiskit is imported until a circuit runs."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from covalent._quantum.executors.base import BaseQExecutor
from covalent._quantum.ibm import options as documented
from covalent._quantum.ibm.secret import Token, is_secret, without
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
    has_variance_of_sums: ClassVar[bool] = False

    backend: str = ""
    ibmqx_token: TokenField = ""
    hub: str = ""
    group: str = ""
    project: str = ""

    @model_validator(mode="after")
    def _no_token_shows(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            if is_secret(name) and isinstance(value, str):
                setattr(self, name, Token(value))
        return self

    @model_serializer(mode="wrap")
    def _json_has_no_token(
        self, dump: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        """JSON is made to be stored: who reads it back has the token of the configuration there."""
        settings: dict[str, Any] = dump(self)
        if info.mode != "json":
            return settings
        return {name: value for name, value in settings.items() if not is_secret(name)}

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Leave out what has to do with tokens, whatever it is called."""
        return [(name, value) for name, value in super().__repr_args__() if not is_secret(name)]

    def shown(self) -> dict[str, Any]:
        """The settings, with digests for tokens."""
        digests = {name: token.digest() for name, token in self._tokens()}
        return {**super().shown(), **digests}

    def without_secrets(self, text: str) -> str:
        """A text from which tokens are struck out."""
        for _, token in self._tokens():
            text = without(text, token)
        return without(text, self.token_here())

    def token_here(self) -> Token:
        """The token to use: the executor's, or that of the configuration where its circuits run."""
        default = type(self).model_fields["ibmqx_token"].get_default
        return Token(self.ibmqx_token or default(call_default_factory=True))

    def _tokens(self) -> Iterator[tuple[str, Token]]:
        fields = {**self.__dict__, **(self.model_extra or {})}
        return ((name, value) for name, value in fields.items() if isinstance(value, Token))


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
