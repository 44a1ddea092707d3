"""Circuits as quantum tasks of Braket.

`Sender` stands between PennyLane's plugin and the SDK's device. The SDK gives None for the result of a task that has
not ended well, and the plugin breaks on that. Here such a task is sent again if it FAILED, and whatever cannot be
mended is an error that says why.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from covalent._quantum.amazon.errors import (
    NAME,
    QuantumTaskCancelled,
    QuantumTaskFailed,
    QuantumTaskTimeout,
    code,
    told,
)
from covalent._quantum.calls import Cancellation, begun, cancel_all, current, until_one_fails
from covalent._shared_files.logger import app_log

_BUSY = ("ThrottlingException", "ServiceQuotaExceededException")
_HAS_ENDED = "ConflictException"
_LONGEST_PAUSE = 30.0
_BATCH = 10
"""Circuits of a batch at a time, as the SDK has it."""


@dataclass(frozen=True)
class Limits:
    """How long and how often something is tried.

    Args:
        retries: how often a task that failed is sent again.
        timeout: seconds that a task may take.
        interval: seconds between two looks at a task.

    """

    retries: int
    timeout: float
    interval: float


class Batch:
    """Tasks that have ended, as the plugin wants them."""

    def __init__(self, tasks: Sequence[Any]) -> None:
        self.tasks = list(tasks)
        self.unsuccessful: set[str] = set()

    def results(self, **_: Any) -> list[Any]:
        """Their results."""
        return [each.result() for each in self.tasks]


class Sender:
    """A device of the SDK whose `run` waits for the task to end, and sends it again if need be.

    Args:
        device: the SDK's AwsDevice.
        limits: how long and how often.

    """

    def __init__(self, device: Any, limits: Limits) -> None:
        self._device = device
        self._limits = limits

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_device" not in vars(self):
            raise AttributeError(name)
        return getattr(self._device, name)

    def run(self, circuit: Any, **settings: Any) -> Any:
        """Run a circuit.

        Returns:
            The task, which is COMPLETED.

        Raises:
            BraketError: it did not complete.

        """
        with told(self._device.arn):
            return self._run(circuit, current(), settings)

    def run_batch(
        self,
        circuits: Sequence[Any],
        *,
        max_parallel: int | None = None,
        max_connections: int | None = None,  # noqa: ARG002  # the session has been told
        inputs: Sequence[Mapping[str, float]] | Mapping[str, float] | None = None,
        **settings: Any,
    ) -> Batch:
        """Run several circuits, so many at a time."""
        each_inputs: list[Any] = (
            list(inputs)
            if inputs and not isinstance(inputs, Mapping)
            else [inputs or {}] * len(circuits)
        )
        with ThreadPoolExecutor(max_parallel or _BATCH, thread_name_prefix="braket") as pool:
            calls = [
                begun(pool, self.run, circuit, inputs=dict(of_it), **settings)
                for circuit, of_it in zip(circuits, each_inputs, strict=True)
            ]
            try:
                with current().reaching(partial(cancel_all, calls)):
                    until_one_fails(calls)
            except BaseException:
                cancel_all(calls)  # nobody waits for the others any more
                raise
            return Batch([each.result() for each in calls])

    def _run(self, circuit: Any, cancellation: Cancellation, settings: dict[str, Any]) -> Any:
        for left in reversed(range(self._limits.retries + 1)):
            cancellation.check()
            task = self._patiently(lambda: self._device.run(circuit, **settings), cancellation)
            with cancellation.reaching(partial(self._cancel, task)):
                if self._completed(task, left, cancellation):
                    return task
        raise AssertionError("the last try returns or raises")

    def _completed(self, task: Any, left: int, cancellation: Cancellation) -> bool:
        """Wait for a task. False if it should be sent again; it is cancelled where nobody can wait any longer."""
        try:
            if self._patiently(task.result, cancellation) is not None:
                return True
            self._check_end(task, left)
        except (QuantumTaskFailed, QuantumTaskCancelled):
            raise
        except BaseException as exc:
            exc.add_note(f"while it waited for the quantum task {task.id}")
            self._cancel(task)
            raise
        return False

    def _check_end(self, task: Any, left: int) -> None:
        """Look why there is no result; return if the task should be sent again."""
        found = task.metadata()
        status, where = found["status"], f"{NAME}: the quantum task {task.id}"
        if status == "FAILED":
            if left:
                return
            tries = f"(sent {self._limits.retries + 1} times: see `max_retries`)"
            reason = found.get("failureReason", "Braket gives no reason")
            raise QuantumTaskFailed(f"{where} failed on {self._device.name} {tries}: {reason}")
        if status in ("CANCELLING", "CANCELLED"):
            raise QuantumTaskCancelled(f"{where} was cancelled")
        raise QuantumTaskTimeout(
            f"{where} was {status} after {self._limits.timeout:g} s, and is cancelled: raise `poll_timeout_seconds`"
        )

    def _patiently(self, call: Callable[[], Any], cancellation: Cancellation) -> Any:
        """Call AWS, again after a while if it is busy."""
        end = time.monotonic() + self._limits.timeout
        pause = self._limits.interval
        while True:
            try:
                return call()
            except ClientError as exc:
                if code(exc) not in _BUSY or time.monotonic() + pause > end:
                    raise
            cancellation.pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _cancel(self, task: Any) -> None:
        try:
            self._device.aws_session.cancel_quantum_task(task.id)
        except (ClientError, BotoCoreError) as exc:
            if isinstance(exc, ClientError) and code(exc) == _HAS_ENDED:
                return
            app_log.warning(
                "the quantum task %s could not be cancelled, and may go on: %s", task.id, exc
            )
