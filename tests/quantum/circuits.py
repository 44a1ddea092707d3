"""Random circuits, as instructions that Hypothesis draws."""

from collections.abc import Callable, Sequence
from typing import Any

import pennylane as qml
from hypothesis import strategies as st

WIRES = 3
_ROTATIONS = {"RX": qml.RX, "RY": qml.RY, "RZ": qml.RZ, "PhaseShift": qml.PhaseShift}
_PAIRS = {"CNOT": qml.CNOT, "CZ": qml.CZ, "SWAP": qml.SWAP}
_wire = st.integers(0, WIRES - 1)
_pair = st.permutations(range(WIRES)).map(lambda order: order[:2])
_angle = st.floats(-3, 3, allow_nan=False)

Instruction = tuple[str, Any, Any]
instructions: st.SearchStrategy[list[Instruction]] = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(_ROTATIONS)), _angle, _wire),
        st.tuples(st.sampled_from(sorted(_PAIRS)), st.none(), _pair),
    ),
    min_size=1,
    max_size=12,
)
MEASURES: dict[str, Callable[[Sequence[Any]], Any]] = {
    "expval": lambda w: qml.expval(qml.Z(w[0]) @ qml.X(w[1])),
    "several": lambda w: (qml.expval(qml.Y(w[0])), qml.var(qml.Z(w[2]))),
    "probs": lambda w: qml.probs(wires=[w[1], w[0]]),
    "all probs": lambda w: qml.probs(wires=w),
    "state": lambda w: qml.state(),
    "dict": lambda w: {"z": qml.expval(qml.Z(w[0])), "p": qml.probs(wires=w[1])},
    "hamiltonian": lambda w: qml.expval(0.5 * qml.Z(w[0]) + 2 * (qml.X(w[1]) @ qml.Y(w[2]))),
    "density": lambda w: qml.density_matrix(wires=[w[2], w[0]]),
}


def circuit_of(program: Sequence[Instruction], labels: Sequence[Any], measure: str) -> Any:
    """A function of a scale of all angles."""

    def circuit(scale: Any) -> Any:
        for name, angle, where in program:
            if name in _PAIRS:
                _PAIRS[name](wires=[labels[each] for each in where])
            else:
                _ROTATIONS[name](scale * angle, wires=labels[where])
        return MEASURES[measure](labels)

    return circuit
