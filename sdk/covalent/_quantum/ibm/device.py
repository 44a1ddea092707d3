"""A PennyLane device whose circuits a Sampler of Qiskit runs."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pennylane as qml
from pennylane.devices import Device, ExecutionConfig
from pennylane.devices.preprocess import (
    decompose,
    validate_device_wires,
    validate_measurements,
    validate_observables,
)
from pennylane.tape import QuantumScript
from pennylane.transforms import broadcast_expand, split_non_commuting
from pennylane.transforms.core import CompilePipeline

from covalent._quantum.calls import current, settled
from covalent._quantum.executors.pools import Coroutines
from covalent._quantum.ibm.circuits import OPERATIONS, Translated, exact, measured, translated
from covalent._quantum.ibm.errors import ShotsMissing, TooFewQubits
from covalent._quantum.ibm.place import Place

_loop = Coroutines()
"""Of those who wait in a thread of their own, which may have an event loop itself."""


class SamplerDevice(Device):  # type: ignore[misc]  # PennyLane has no types for mypy
    """A device that samples circuits in a place.

    Args:
        wires: of the QNode's own device, or None for those of each circuit.
        place: where circuits run.
        owner: the executor's name, for messages.

    """

    def __init__(self, wires: Any = None, *, place: Place, owner: str = "Sampler") -> None:
        super().__init__(wires=wires)
        self.place = place
        self.owner = owner
        self._check_qubits(len(self.wires) if self.wires else 0)

    @property
    def name(self) -> str:
        """The place's name."""
        return f"{self.owner} on {self.place.name}"

    def preprocess_transforms(self, execution_config: Any = None) -> Any:  # noqa: ARG002  # PennyLane's
        """What a circuit goes through until Qiskit can say it and one basis can measure it."""
        program = CompilePipeline()
        if self.wires:
            program.add_transform(validate_device_wires, self.wires, name=self.name)
        program.add_transform(qml.defer_measurements, allow_postselect=False)
        program.add_transform(
            decompose, stopping_condition=_sayable, skip_initial_state_prep=False, name=self.name
        )
        program.add_transform(validate_measurements, name=self.name)
        program.add_transform(validate_observables, stopping_condition=_measurable, name=self.name)
        program.add_transform(broadcast_expand)
        program.add_transform(split_non_commuting)
        return program

    def execute(self, circuits: Any, execution_config: Any = None) -> Any:  # noqa: ARG002  # PennyLane's
        """Run circuits, as one job, and wait."""
        several = not isinstance(circuits, QuantumScript)
        batch = list(circuits) if several else [circuits]
        results = _waited(_loop.submit(self.sample(batch)))
        return results if several else results[0]

    async def run(self, tapes: Sequence[Any]) -> tuple[Any, ...]:
        """Run circuits as they come from users, as one job.

        Returns:
            One result for each circuit, in order.

        """
        ready, finish = await asyncio.to_thread(self._preprocessed, tapes)
        return tuple(finish(tuple(await self.sample(ready))))

    async def sample(self, circuits: Sequence[Any]) -> list[Any]:
        """Run preprocessed circuits, as one job.

        Raises:
            TooFewQubits: a circuit is too wide for the place.
            ShotsMissing: the place can only sample, and a circuit has no shots.

        """
        every = await asyncio.to_thread(self._translated, circuits)
        sampled = [each for each in every if each.shots is not None]
        bits = iter(await self._bits(sampled))
        return [exact(each) if each.shots is None else measured(each, next(bits)) for each in every]

    async def _bits(self, sampled: Sequence[Translated]) -> list[Any]:
        if not sampled:
            return []
        ready = await asyncio.to_thread(self.place.prepared, [each.circuit for each in sampled])
        pubs = [(qc, None, each.shots) for qc, each in zip(ready, sampled, strict=True)]
        running = await self.place.submit(pubs)
        found = await running.result()
        return [getattr(each.data, qc.cregs[0].name) for each, qc in zip(found, ready, strict=True)]

    def _preprocessed(self, tapes: Sequence[Any]) -> tuple[Sequence[Any], Callable[..., Any]]:
        ready, finish = self.preprocess_transforms(ExecutionConfig())(list(tapes))
        return ready, finish

    def _translated(self, circuits: Sequence[Any]) -> list[Translated]:
        return [self._checked(translated(tape, self._all_wires(tape))) for tape in circuits]

    def _all_wires(self, tape: Any) -> list[Any]:
        if not self.wires:
            return list(tape.wires)
        return [*self.wires, *(wire for wire in tape.wires if wire not in self.wires)]

    def _checked(self, each: Translated) -> Translated:
        self._check_qubits(each.circuit.num_qubits)
        if each.shots is None and not self.place.exact:
            raise ShotsMissing(
                f"{self.owner}: {self.place.name} can only sample; give shots to the executor or the QNode"
            )
        return each

    def _check_qubits(self, wanted: int) -> None:
        if self.place.qubits is not None and wanted > self.place.qubits:
            raise TooFewQubits(
                f"{self.owner}: {wanted} wires are more than the {self.place.qubits} qubits of {self.place.name}"
            )


def _waited(running: Future[Any]) -> Any:
    """The result of a job; it is cancelled with the call that waits here."""
    try:
        with current().reaching(running.cancel):
            return running.result()
    except BaseException:
        running.cancel()
        settled([running])
        raise


def _sayable(operation: Any) -> bool:
    return operation.name in OPERATIONS


def _measurable(observable: Any) -> bool:
    return bool(observable.has_diagonalizing_gates)
