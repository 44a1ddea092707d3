"""What every quantum executor has in common, and the three ways in which they run circuits side by side.

A subclass says which device runs its circuits (`device`, `device_init_kwargs`, or `execution_device` as a whole) and
derives from the class whose parallelism it wants: threads, processes, or coroutines on one event loop. A circuit's way:

`batch_submit` --one future a circuit--> `run_circuit` in a worker --a filled `CircuitRecord`--> `batch_get_results`
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from covalent._quantum.calls import cancel_all, until_one_fails
from covalent._quantum.executors import configured
from covalent._quantum.executors.pools import Coroutines, Processes, Threads
from covalent._quantum.missing import needed, pennylane
from covalent._quantum.records import CircuitRecord

_TAKE_ANY_WIRES = ("default.qubit", "default.mixed", "lightning.qubit", "reference.qubit")
"""PennyLane's devices that need not be told how many wires there are, and so have some to spare."""


class BaseQExecutor(BaseModel, ABC):
    """A quantum executor: where and how circuits run.

    The fields that begin with `qnode_device` describe the device of the QNode whose circuits run; a quantum electron
    sets them for each call, in a copy.
    """

    model_config = ConfigDict(
        extra="allow",
        arbitrary_types_allowed=True,
        protected_namespaces=(),
        ser_json_inf_nan="constants",
    )

    persist_data: bool = True
    qnode_device_import_path: tuple[str, str] | None = None
    qnode_device_shots: int | None = None
    qnode_device_wires: int | None = None
    pennylane_active_return: bool | None = None

    _mcm: dict[str, Any] = PrivateAttr(default_factory=dict)
    _any_wires: bool = PrivateAttr(default=False)

    has_variance_of_sums: ClassVar[bool] = True
    """Whether its devices take `qml.var` of a sum of observables."""

    if TYPE_CHECKING:
        name: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def set_name(cls, values: Any) -> Any:
        """Give the executor the name of its class."""
        return {**values, "name": cls.__name__} if isinstance(values, dict) else values

    @model_validator(mode="wrap")
    @classmethod
    def _blame_the_configuration(cls, values: Any, made: ModelWrapValidatorHandler[Self]) -> Self:
        """Say of a value that stands in the configuration file where that is."""
        try:
            return made(values)
        except ValidationError as exc:
            configured.check(cls, values, exc)
            raise

    @property
    def device_init_kwargs(self) -> dict[str, Any]:
        """Keyword arguments to pass to the device constructor, beside its wires."""
        return {}

    def execution_device(self) -> Any:
        """The PennyLane device that runs the circuits."""
        name = getattr(self, "device", "default.qubit")
        any_wires = self._any_wires and name in _TAKE_ANY_WIRES
        wires = None if any_wires else self.qnode_device_wires
        return pennylane().device(name, wires=wires, **self.device_init_kwargs)

    def shots_for(self, qscript: Any) -> Any:
        """The shots of a circuit on this executor. A shot vector stays: one number of shots does not give its parts."""
        own = qscript.shots
        return own if own.has_partitioned_shots else self.overriding(own)

    def overriding(self, shots: Any) -> Any:
        """The shots that take the place of a QNode's: its own where `shots` is 0 or there is no such field.

        Args:
            shots: PennyLane's Shots of the QNode.

        """
        field = getattr(self, "shots", 0)
        return shots if field == 0 else pennylane().measurements.Shots(field)

    def bound(
        self, mcm: Mapping[str, Any] | None = None, any_wires: bool = False, **of_the_qnode: Any
    ) -> Self:
        """A copy that knows what the QNode says of its circuits; it shares pools with this one.

        Args:
            mcm: how mid-circuit measurements are done: `mcm_method` and `postselect_mode`.
            any_wires: whether its device takes any wires; then `qnode_device_wires` is how many the circuits have.
            of_the_qnode: the fields that describe its device.

        """
        copied = self.model_copy(update=of_the_qnode)
        copied._mcm, copied._any_wires = dict(mcm or {}), any_wires
        return copied

    def ran_by(self, future: Any) -> "BaseQExecutor":  # noqa: ARG002  # for those that hand on
        """The executor whose future this is: this one, unless it hands circuits to others."""
        return self

    def gives_adjoint(self, qscript: Any) -> bool:  # noqa: ARG002  # for those that can
        """Whether `batch_submit_derivatives` can differentiate the circuit."""
        return False

    def batch_submit_derivatives(self, qscripts_list: Sequence[Any]) -> Sequence[Any]:
        """Begin to differentiate circuits by the adjoint method; `batch_get_results` gives their Jacobians.

        Args:
            qscripts_list: circuits as the execution device's own transforms for this method leave them.

        Raises:
            NotImplementedError: the devices of this executor have no such method.

        """
        raise NotImplementedError(f"{self.name} has no adjoint method: use parameter-shift")

    @abstractmethod
    def batch_submit(self, qscripts_list: Sequence[Any]) -> Sequence[Any]:
        """Begin to run circuits.

        Args:
            qscripts_list: PennyLane's QuantumScripts, whose wires are 0, 1, ... and whose parameters are NumPy's.

        Returns:
            A future for each, in their order.

        """

    def batch_get_results(self, futures_list: Sequence[Any]) -> list[Any]:
        """Wait for circuits.

        Args:
            futures_list: what `batch_submit` gave.

        Returns:
            The results, in their order.

        Raises:
            Exception: the first error that a circuit raised, as soon as it is there. The others are given up.

        """
        try:
            until_one_fails(futures_list)
            return [_result(future.result()) for future in futures_list]
        except BaseException:  # also when somebody interrupts the program
            self.give_up(futures_list)
            raise

    def give_up(self, futures_list: Sequence[Any]) -> None:
        """Nobody waits for these circuits any more.

        It is called when one of them has failed, when somebody interrupts the program, and when a future of `run_later`
        is cancelled; perhaps more than once. The default cancels the futures: circuits that wait do not begin,
        processes that run one end, and threads go on, unheard. An executor that has jobs elsewhere cancels those, too.

        Args:
            futures_list: some of what `batch_submit` gave; they may have ended.

        """
        cancel_all(futures_list)

    def run_circuit(
        self, qscript: Any, device: Any = None, result_obj: CircuitRecord | None = None
    ) -> CircuitRecord:
        """Run one circuit: prepare it for the device, execute what that gives, and put the results together.

        Args:
            qscript: the QuantumScript.
            device: the device that runs it; `execution_device()` by default.
            result_obj: the record to fill; a new one by default.

        Returns:
            The record, with times, shots and result.

        """
        record = result_obj or self.new_record(qscript)
        record.started = datetime.now(UTC)
        record.result = self._executed(qscript, device)
        record.ended = datetime.now(UTC)
        return record

    def run_all_circuits(
        self,
        qscripts_list: Sequence[Any],
        device: Any = None,
        result_objs: Sequence[CircuitRecord] | None = None,
    ) -> list[CircuitRecord]:
        """Run several circuits, one after the other, on one device."""
        device = device or self.execution_device()
        records = result_objs or [self.new_record(each) for each in qscripts_list]
        return [
            self.run_circuit(each, device, record)
            for each, record in zip(qscripts_list, records, strict=True)
        ]

    def new_record(self, qscript: Any) -> CircuitRecord:
        """A record of a circuit that has not run yet."""
        return CircuitRecord(executor=self.name, shots=self.shots_for(qscript).total_shots)

    def with_shots(self, qscript: Any) -> Any:
        """The circuit, with the shots that this executor gives it."""
        shots = self.shots_for(qscript)
        if not shots:
            self._refuse_without_shots(qscript)
        if not self.has_variance_of_sums:
            self._refuse_variance_of_sums(qscript)
        return qscript if shots == qscript.shots else qscript.copy(shots=shots)

    def json_text(self) -> str:
        """The executor's settings as JSON: what makes a hashable value of it."""
        return json.dumps(self.shown(), default=str, sort_keys=True)

    def shown(self) -> dict[str, Any]:
        """The executor's settings, in which secrets are replaced by something that tells them apart."""
        return self.model_dump()

    def without_secrets(self, text: str) -> str:
        """A text from which what the executor keeps secret is struck out: what is stored must not have it."""
        return text

    def _executed(self, qscript: Any, device: Any) -> Any:
        try:
            return _executed(self.with_shots(qscript), device or self.execution_device(), self._mcm)
        except Exception as exc:
            exc.add_note(f"in a circuit of a quantum electron, on {self.name}")
            raise

    def _refuse_without_shots(self, qscript: Any) -> None:
        measures = pennylane().measurements
        for each in qscript.measurements:
            exact = isinstance(each, measures.StateMeasurement)
            if isinstance(each, measures.SampleMeasurement) and not exact:
                raise ValueError(
                    f"{self.name}: {each} needs shots, and there are none: give the QNode some "
                    f"(qml.set_shots) or the executor ({self.name}(shots=1000))"
                )

    def _refuse_variance_of_sums(self, qscript: Any) -> None:
        qml = pennylane()
        for each in qscript.measurements:
            is_sum = isinstance(each.obs, qml.ops.Sum | qml.ops.LinearCombination)
            if isinstance(each, qml.measurements.VarianceMP) and is_sum:
                raise ValueError(
                    f"{self.name}: the device has no variance of a sum, as {each}: take qml.var of its terms, or "
                    "use a Simulator"
                )


class SyncBaseQExecutor(BaseQExecutor):
    """Runs circuits one after the other, while they are submitted."""

    device: str = "default.qubit"

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Future[CircuitRecord]]:
        """Run the circuits; the futures are done."""
        return [finished(self.run_circuit, each) for each in qscripts_list]


class BaseThreadPoolQExecutor(BaseQExecutor):
    """Runs circuits in threads of this process."""

    device: str = "default.qubit"
    num_threads: int = 10
    _pool: Threads = PrivateAttr(default_factory=Threads)

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Future[CircuitRecord]]:
        """Begin to run circuits in `num_threads` threads."""
        return [
            self._pool.submit(self.num_threads, self.run_circuit, each) for each in qscripts_list
        ]


class BaseProcessPoolQExecutor(BaseQExecutor):
    """Runs circuits in other processes, which stay for the next ones."""

    device: str = "default.qubit"
    num_processes: int = 10
    _pool: Processes = PrivateAttr(default_factory=Processes)

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Future[CircuitRecord]]:
        """Begin to run circuits in `num_processes` processes."""
        return [
            self._pool.submit(self.num_processes, self.run_circuit, each) for each in qscripts_list
        ]


class AsyncBaseQExecutor(BaseQExecutor):
    """Runs circuits as coroutines, all on one event loop in a thread of its own.

    A subclass has `async def run_circuit(self, qscript, device, result_obj)`.
    """

    device: str = "default.qubit"
    _loop: Coroutines = PrivateAttr(default_factory=Coroutines)

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Future[CircuitRecord]]:
        """Begin to run circuits on the event loop."""
        device = self.execution_device()
        return [
            self.start(self.run_circuit(each, device, self.new_record(each)))
            for each in qscripts_list
        ]

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Begin to run a coroutine on the event loop of this executor."""
        return self._loop.submit(coroutine)

    def give_up(self, futures_list: Sequence[Any]) -> None:
        """Cancel the coroutines, and wait a while for what they do about it."""
        super().give_up(futures_list)
        self._loop.settle()

    async def run_circuit(  # type: ignore[override]  # the asynchronous executors await
        self, qscript: Any, device: Any = None, result_obj: CircuitRecord | None = None
    ) -> CircuitRecord:
        """Run one circuit; the default runs it at once, and holds up the loop."""
        return BaseQExecutor.run_circuit(self, qscript, device, result_obj)


def _result(found: Any) -> Any:
    return found.result if isinstance(found, CircuitRecord) else found


def _executed(qscript: Any, device: Any, mcm: Mapping[str, Any]) -> Any:
    """The circuit's result on a device."""
    devices = needed("pennylane.devices")
    asked = devices.ExecutionConfig(mcm_config=devices.MCMConfig(**mcm))
    config = device.setup_execution_config(asked, qscript)
    batch, together = device.preprocess_transforms(config)([qscript])
    return together(device.execute(batch, config))[0]


def finished(function: Callable[..., Any], *args: Any) -> Future[Any]:
    """Call a function now.

    Returns:
        A future that is done.

    """
    future: Future[Any] = Future()
    try:
        future.set_result(function(*args))
    except Exception as exc:  # noqa: BLE001  # it is the future's, as in a pool
        future.set_exception(exc)
    return future
