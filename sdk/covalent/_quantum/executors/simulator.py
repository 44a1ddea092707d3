"""Circuits on PennyLane's own simulators."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from pydantic import PrivateAttr

from covalent._quantum.executors.base import BaseQExecutor, finished
from covalent._quantum.executors.pools import Processes, Threads
from covalent._quantum.records import CircuitRecord


class Simulator(BaseQExecutor):
    """A quantum executor that uses the specified Pennylane device to execute circuits.

    Parallelizes circuit execution on the specified `device` using either threads or processes.

    Args:
        device: A valid string corresponding to a Pennylane device. Simulation-based devices (e.g. "default.qubit" and
            "lightning.qubit") are recommended. Defaults to "default.qubit".
        parallel: The type of parallelism to use. Valid values are "thread" and "process". Passing any other value will
            result in synchronous execution. Defaults to "thread".
        workers: The number of threads or processes to use. Defaults to 10.
        shots: The number of shots to use for the execution device. Overrides the `shots` value from the original device
            if set to `None` or a positive `int`. The shots setting from the original device is used by default, when
            this argument is 0.

    """

    device: str = "default.qubit"
    parallel: bool | str = "thread"
    workers: int = 10
    shots: int | None = 0
    _threads: Threads = PrivateAttr(default_factory=Threads)
    _processes: Processes = PrivateAttr(default_factory=Processes)

    def batch_submit(self, qscripts_list: Sequence[Any]) -> list[Future[CircuitRecord]]:
        """Begin to run circuits in threads or processes, or run them, as `parallel` says."""
        return [self._submit(each) for each in qscripts_list]

    def _submit(self, qscript: Any) -> Future[CircuitRecord]:
        match self.parallel:
            case "thread":
                return self._threads.submit(self.workers, self.run_circuit, qscript)
            case "process":
                return self._processes.submit(self.workers, self.run_circuit, qscript)
            case _:
                return finished(self.run_circuit, qscript)
