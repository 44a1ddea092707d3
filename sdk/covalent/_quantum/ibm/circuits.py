"""PennyLane's circuits as Qiskit's, and bits as PennyLane's measurements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pennylane as qml
from pennylane_qiskit.converter import QISKIT_OPERATION_MAP, circuit_to_qiskit
from qiskit.quantum_info import Statevector
from qiskit.transpiler import generate_preset_pass_manager

from covalent._quantum.ibm.options import Settings

OPERATIONS = frozenset(QISKIT_OPERATION_MAP) | {"GlobalPhase"}
"""What the converter can say in Qiskit; all else is decomposed."""


@dataclass(frozen=True)
class Translated:
    """A circuit in both worlds.

    Args:
        tape: of PennyLane, its wires numbered from 0.
        circuit: of Qiskit, with every qubit measured at the end.

    """

    tape: Any
    circuit: Any

    @property
    def shots(self) -> int | None:
        """The sum of all its shots, or None for exact results."""
        total = self.tape.shots.total_shots
        return None if total is None else int(total)


def translated(tape: Any, wires: Sequence[Any]) -> Translated:
    """Say a circuit in Qiskit.

    Args:
        tape: a circuit of operations in `OPERATIONS`, with measurements that commute.
        wires: all wires, in their order; they become qubits 0, 1, ...

    """
    numbered = tape.map_to_standard_wires() if not wires else _numbered(tape, wires)
    return Translated(numbered, circuit_to_qiskit(numbered, max(1, len(wires or numbered.wires))))


def _numbered(tape: Any, wires: Sequence[Any]) -> Any:
    (mapped,), _ = qml.map_wires(tape, {wire: i for i, wire in enumerate(wires)})
    return mapped


def measured(each: Translated, bits: Any) -> Any:
    """The measurements of a circuit, from its bits.

    Args:
        each: the circuit.
        bits: Qiskit's BitArray of the whole register.

    Returns:
        As PennyLane's devices do: a result, several as a tuple, and a tuple of those for several numbers of shots.

    """
    samples = bits.to_bool_array(order="little").astype(np.int64)
    found = tuple(_processed(each.tape, samples[slice(*piece)]) for piece in each.tape.shots.bins())
    return found if each.tape.shots.has_partitioned_shots else found[0]


def _processed(tape: Any, samples: Any) -> Any:
    wires = qml.wires.Wires(range(samples.shape[1]))
    return _one_or_all([mp.process_samples(samples, wire_order=wires) for mp in tape.measurements])


def exact(each: Translated) -> Any:
    """The measurements of a circuit without shots, from its state."""
    circuit = each.circuit.remove_final_measurements(inplace=False)
    state = Statevector(circuit).reverse_qargs().data
    wires = qml.wires.Wires(range(circuit.num_qubits))
    return _one_or_all([mp.process_state(state, wire_order=wires) for mp in each.tape.measurements])


def _one_or_all(results: list[Any]) -> Any:
    return results[0] if len(results) == 1 else tuple(results)


def transpiled(
    circuits: Sequence[Any], backend: Any, settings: Settings, level: int
) -> Sequence[Any]:

    how = dict(settings.transpiler)
    if how.pop("skip_transpilation", False):
        return circuits
    manager = generate_preset_pass_manager(optimization_level=level, backend=backend, **how)
    return [manager.run(circuit) for circuit in circuits]
