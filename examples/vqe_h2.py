"""The ground state of the hydrogen molecule by VQE: classical and quantum electrons take turns.

pip install 'covalent-serverless[local,quantum]'
covalent start
python examples/vqe_h2.py

A step is two electrons. The quantum one has the molecule's energy measured, and its slope by the parameter-shift rule:
three circuits, which a cluster of two simulators shares. The classical one goes downhill.
"""

import argparse
from typing import NamedTuple

import pennylane as qml
from pennylane import numpy as np

import covalent as ct

# H2 with its nuclei 0.7414 Angstrom apart, in the STO-3G basis, after the Jordan-Wigner transformation: spin orbitals 0
# to 3 are qubits 0 to 3, energies are in Hartree. From PennyLane 0.45.1:
#   qml.qchem.molecular_hamiltonian(qml.qchem.Molecule(["H", "H"], coordinates), method="dhf")
# The two-qubit form of these numbers is in P. J. J. O'Malley et al., Phys. Rev. X 6, 031007 (2016), table I.
TERMS = {
    "IIII": -0.09886397745767511,
    "ZIII": 0.1711977493802634,
    "IZII": 0.1711977493802634,
    "IIZI": -0.22278592618845972,
    "IIIZ": -0.22278592618845972,
    "ZZII": 0.1686221919601558,
    "ZIZI": 0.12054482197285082,
    "IZIZ": 0.12054482197285082,
    "IZZI": 0.16586702387479024,
    "ZIIZ": 0.16586702387479024,
    "IIZZ": 0.174348441083318,
    "YXXY": 0.04532220190193944,
    "XYYX": 0.04532220190193944,
    "YYXX": -0.04532220190193944,
    "XXYY": -0.04532220190193944,
}
HYDROGEN = qml.Hamiltonian(
    list(TERMS.values()), [qml.pauli.string_to_pauli_word(word) for word in TERMS]
)


class Measured(NamedTuple):
    """What a quantum computer says of an angle."""

    angle: float
    energy: float
    slope: float


@ct.qelectron(executors=[ct.executor.Simulator(), ct.executor.Simulator()])
@qml.qnode(qml.device("default.qubit", wires=4), diff_method="parameter-shift")
def energy(angle: float) -> object:
    """Both electrons in the lower orbital, then some of both in the upper one."""
    qml.BasisState([1, 1, 0, 0], wires=range(4))
    qml.DoubleExcitation(angle, wires=range(4))
    return qml.expval(HYDROGEN)


@ct.electron
def measure(angle: float) -> Measured:
    """The energy at an angle, and how it changes with it."""
    at = np.array(angle, requires_grad=True)
    return Measured(angle, float(energy(at)), float(qml.grad(energy)(at)))


@ct.electron
def downhill(measured: Measured, rate: float) -> float:
    """The next angle."""
    return measured.angle - rate * measured.slope


@ct.lattice
def vqe(steps: int = 5, rate: float = 1.5) -> list[Measured]:
    """Begin with the Hartree-Fock state and go downhill."""
    path = [measure(0.0)]
    for _ in range(steps):
        path.append(measure(downhill(path[-1], rate)))
    return path


def main() -> None:
    """Dispatch the workflow, wait for it and print how the energy fell."""
    parser = argparse.ArgumentParser(description="The ground state of H2 by VQE.")
    parser.add_argument("--steps", type=int, default=5, help="steps downhill (default 5)")
    arguments = parser.parse_args()
    result = ct.get_result(ct.dispatch(vqe)(steps=arguments.steps), wait=True)
    if result.error:
        raise SystemExit(result.error)
    for number, measured in enumerate(result.result):
        print(f"step {number}: {measured.energy:.6f} Ha at {measured.angle:.4f}")
    circuits = [
        circuit
        for node in result.get_all_node_results()
        for circuit in node["qelectron_data"] or ()
    ]
    print(f"circuits {len(circuits)}, the last one on a {circuits[-1]['executor']}:")
    print(circuits[-1]["circuit"])


if __name__ == "__main__":
    main()
