"""Circuits on the devices of Amazon Braket."""

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr, field_serializer, field_validator, model_validator

from covalent._quantum.amazon import circuits, plugin, sessions
from covalent._quantum.amazon.devices import Devices
from covalent._quantum.amazon.run_kwargs import sorted_out
from covalent._quantum.executors.base import BaseThreadPoolQExecutor
from covalent._quantum.executors.configured import configured
from covalent._quantum.executors.shared_future import parts
from covalent._quantum.missing import needed, pennylane
from covalent._quantum.records import CircuitRecord

NAME = "BraketQubitExecutor"
NOT_GIVEN = (None,)
"""The default of `shots`: those of the QNode."""
_EXAMPLE = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"


class BraketQubitExecutor(BaseThreadPoolQExecutor):
    """The remote Braket executor based on the existing Pennylane Braket qubit device.

    Usage of this device requires valid AWS credentials as set up following the instructions at
    https://github.com/aws/amazon-braket-sdk-python#prerequisites.

    Args:
        max_jobs: maximum number of parallel jobs sent by threads on `batch_submit`.
        shots: number of shots used to estimate quantum observables. By default, and if it is 0, those of the QNode;
            None asks for exact results, which simulators give.
        device_arn: an alpha-numeric code (arn=Amazon Resource Name) specifying a quantum device.
        poll_timeout_seconds: number of seconds before a poll to remote device is considered timed-out. The task is
            cancelled then.
        poll_interval_seconds: number of seconds between polling of a remote device's status.
        aws_session: An `AwsSession` object created to manage interactions with AWS services, to be supplied if extra
            control is desired; or the name of an AWS profile. Its profile, region and bucket travel with the executor,
            its credentials do not: they are looked for where the circuits run.
        parallel: turn parallel execution on or off: circuits that are submitted together are one batch of the device.
        max_parallel: the maximum number of circuits to be executed in parallel. Defaults to 10.
        max_connections: the maximum number of connections in the `Boto3` connection pool.
        max_retries: the maximum number of time a job will be re-sent if it failed.
        s3_destination_folder: Name of the S3 bucket and folder, specified as a tuple. Defaults to the configuration's,
            and then to the bucket that Braket's SDK makes, "amazon-braket-<region>-<account>".
        run_kwargs: Variable length keyword arguments for `braket.devices.Device.run()`.

    """

    has_variance_of_sums: ClassVar[bool] = False
    max_jobs: int = 20
    shots: Any = NOT_GIVEN
    device_arn: str | None = None
    poll_timeout_seconds: float = 432000.0
    poll_interval_seconds: float = 1.0
    aws_session: Any = Field(default=None, repr=False)
    parallel: bool = False
    max_parallel: int | None = None
    max_connections: int = 100
    max_retries: int = 3
    s3_destination_folder: tuple[str, ...] = configured(NAME, "s3_destination_folder", ())
    run_kwargs: dict[str, Any] = Field(default={})
    _devices: Devices = PrivateAttr(default_factory=Devices)

    @model_validator(mode="before")
    @classmethod
    def _fields_of_run_kwargs(cls, values: Any) -> Any:
        return sorted_out(values, cls.model_fields)

    @field_validator("shots")
    @classmethod
    def _some_shots(cls, shots: Any) -> Any:
        if shots in (NOT_GIVEN, list(NOT_GIVEN)):  # as JSON has it
            return NOT_GIVEN
        if shots is None or (isinstance(shots, int) and shots >= 0):
            return shots
        raise ValueError(f"shots={shots!r}: give a positive number, 0 or None")

    @field_validator("max_jobs", "max_parallel", "max_connections")
    @classmethod
    def _at_least_one(cls, number: int | None) -> int | None:
        if number is not None and number < 1:
            raise ValueError(f"{number} is not enough: give at least 1")
        return number

    @field_validator("max_retries", "poll_timeout_seconds", "poll_interval_seconds")
    @classmethod
    def _not_negative(cls, number: float) -> float:
        if not number >= 0:
            raise ValueError(f"{number} is not enough: give 0 or more")
        return number

    @field_validator("aws_session")
    @classmethod
    def _session_or_profile(cls, session: Any) -> Any:
        return sessions.checked(session)

    @field_validator("s3_destination_folder")
    @classmethod
    def _bucket_and_folder(cls, folder: tuple[str, ...]) -> tuple[str, ...]:
        if len(folder) in (0, 2) and all(folder):
            return folder
        raise ValueError('name a bucket and a folder, as in ("my-bucket", "my-prefix")')

    @field_serializer("aws_session")
    def _without_credentials(self, session: Any) -> Any:
        return sessions.settings(session)

    @property
    def device_init_kwargs(self) -> dict[str, Any]:
        """Keyword arguments to pass to the device constructor, beside its wires."""
        return {
            "device_arn": self.device_arn,
            "s3_destination_folder": self.s3_destination_folder or None,
            "poll_timeout_seconds": self.poll_timeout_seconds,
            "poll_interval_seconds": self.poll_interval_seconds,
            "parallel": self.parallel,
            "max_parallel": self.max_parallel,
            "max_connections": self.max_connections,
            "max_retries": self.max_retries,
            **self.run_kwargs,
        }

    def execution_device(self) -> Any:
        """The PennyLane device that runs the circuits: "braket.aws.qubit", which waits and re-sends as told here.

        Raises:
            MissingExtra: the plugin is not installed.
            ValueError: `device_arn` is not set, or there is no such device.
            BraketError: AWS cannot be asked, or the device takes no circuits.

        """
        shots = pennylane().measurements.Shots(self.qnode_device_shots)
        return self._made(self.qnode_device_wires or 1, self.overriding(shots).total_shots)

    def overriding(self, shots: Any) -> Any:
        """The shots that take the place of a QNode's: its own where `shots` is not given, or 0."""
        return shots if self.shots == NOT_GIVEN else super().overriding(shots)

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Future[CircuitRecord]]:
        """Submit qscripts for execution using `max_jobs`-many threads.

        Args:
            qscripts_list: a list of Pennylane style `QuantumScripts`.

        Returns:
            A future for each, in their order. One that is cancelled cancels its task; with `parallel`, the whole batch.

        """
        if self.parallel and len(qscripts_list) > 1:
            whole = self._pool.submit(self.max_jobs, self.run_all_circuits, qscripts_list)
            return parts(whole, len(qscripts_list))
        return [self._pool.submit(self.max_jobs, self.run_circuit, each) for each in qscripts_list]

    def run_circuit(
        self, qscript: Any, device: Any = None, result_obj: CircuitRecord | None = None
    ) -> CircuitRecord:
        """Run one circuit as a quantum task, and wait for it."""
        if device is None:
            with self._borrowed(self.shots_for(qscript), len(qscript.wires)) as found:
                return self.run_circuit(qscript, found, result_obj)
        record = super().run_circuit(circuits.for_plugin(qscript), device, result_obj)
        record.result = circuits.plain(record.result)
        return record

    def run_all_circuits(
        self,
        qscripts_list: Sequence[Any],
        device: Any = None,
        result_objs: Sequence[CircuitRecord] | None = None,
    ) -> list[CircuitRecord]:
        """Run several circuits: with `parallel` as batches of the device, one for each number of shots."""
        records = result_objs or [self.new_record(each) for each in qscripts_list]
        if not self.parallel:
            return super().run_all_circuits(qscripts_list, device, records)
        for places in _alike([self.shots_for(each) for each in qscripts_list]):
            self._run_batch(
                [qscripts_list[place] for place in places],
                [records[place] for place in places],
                device,
            )
        return list(records)

    def __getstate__(self) -> dict[Any, Any]:
        """What travels: no session, since that has credentials, but what makes another one."""
        state = super().__getstate__()
        values = state["__dict__"]
        travelling = sessions.parameters(values.get("aws_session"))
        return {**state, "__dict__": {**values, "aws_session": travelling}}

    def _run_batch(
        self, qscripts: Sequence[Any], records: Sequence[CircuitRecord], device: Any
    ) -> None:
        began = datetime.now(UTC)
        wires = max(len(each.wires) for each in qscripts)
        with self._given_or_borrowed(device, self.shots_for(qscripts[0]), wires) as found:
            ready = [circuits.for_plugin(self.with_shots(each)) for each in qscripts]
            results = map(circuits.plain, _together(ready, found))
        for record, result in zip(records, results, strict=True):
            record.started, record.ended, record.result = began, datetime.now(UTC), result

    def _given_or_borrowed(
        self, device: Any, shots: Any, wires: int
    ) -> AbstractContextManager[Any]:
        return self._borrowed(shots, wires) if device is None else nullcontext(device)

    @contextmanager
    def _borrowed(self, shots: Any, wires: int) -> Iterator[Any]:
        """A device that nobody else uses meanwhile."""
        if shots.has_partitioned_shots:
            raise ValueError(f"{NAME}: Braket has no shot vectors: {shots}; give one number")
        wires = self.qnode_device_wires or wires
        settings = json.dumps(self.device_init_kwargs, default=str)
        kind = (wires, shots.total_shots, settings)
        with self._devices.borrowed(kind, lambda: self._made(wires, shots.total_shots)) as device:
            yield device

    def _made(self, wires: int, shots: int | None) -> Any:
        if not self.device_arn:
            raise ValueError(f"{NAME}: device_arn is not set: name a device, as {_EXAMPLE!r}")
        plugin.load(NAME)
        from covalent._quantum.amazon import remote, tasks  # noqa: PLC0415  # boto3 is slow to import

        limits = tasks.Limits(
            self.max_retries, self.poll_timeout_seconds, self.poll_interval_seconds
        )
        settings = {**self.device_init_kwargs, "aws_session": self._session()}
        return remote.device(settings.pop("device_arn"), limits, wires, shots, **settings)

    def _session(self) -> Any:
        from covalent._quantum.amazon import errors  # noqa: PLC0415  # as above

        with errors.told(str(self.device_arn)):
            return self._devices.one(
                "session", lambda: sessions.made(self.aws_session, self.max_connections)
            )


def _together(scripts: Sequence[Any], device: Any) -> Any:
    """The results of circuits that a device gets at once."""
    asked = needed("pennylane.devices").ExecutionConfig()
    config = device.setup_execution_config(asked, scripts[0])
    batch, joined = device.preprocess_transforms(config)(scripts)
    return joined(device.execute(batch, config))


def _alike(values: Sequence[Any]) -> Iterable[list[int]]:
    """The places of values that are equal."""
    places: dict[Any, list[int]] = {}
    for place, value in enumerate(values):
        places.setdefault(value, []).append(place)
    return places.values()
