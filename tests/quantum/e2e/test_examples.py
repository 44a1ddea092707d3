"""The quantum examples, as a user runs them, reach what is known."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pennylane as qml
import pytest
from tests.running import Server

import covalent as ct

pytestmark = pytest.mark.quantum
EXAMPLES = Path(__file__).parents[3] / "examples"
GROUND_STATE = -1.13727
"""Hartree: of H2 at 0.7414 Angstrom in STO-3G, by full configuration interaction."""
LARGEST_CUT = 7
"""Edges: see the docstring of the example."""


def run(example: str, server: Server, config_dir: Path) -> str:
    ct.set_config({"dispatcher.port": server.port, "dispatcher.token": server.token})
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{example}.py")],
        env={**os.environ, "COVALENT_CONFIG_DIR": str(config_dir)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_vqe_finds_the_ground_state_of_hydrogen(server: Server, config_dir: Path) -> None:
    printed = run("vqe_h2", server, config_dir)
    energies = [float(found) for found in re.findall(r"(-[\d.]+) Ha", printed)]
    assert len(energies) == 6
    assert energies[0] == pytest.approx(-1.11668, abs=1e-4)  # Hartree-Fock
    assert energies[-1] == pytest.approx(GROUND_STATE, abs=2e-5)
    assert "on a Simulator" in printed
    assert "DoubleExcitation" in printed or "G²" in printed


def test_the_numbers_of_the_example_are_those_of_the_molecule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)
    from vqe_h2 import HYDROGEN  # type: ignore[import-not-found]  # a script of its own

    bohr = 0.529177210903
    molecule = qml.qchem.Molecule(["H", "H"], qml.numpy.array([[0, 0, 0], [0, 0, 0.7414 / bohr]]))
    computed, _ = qml.qchem.molecular_hamiltonian(molecule, method="dhf")
    difference = qml.matrix(HYDROGEN, wire_order=range(4)) - qml.matrix(computed, range(4))
    assert abs(difference).max() < 1e-8
    lowest = qml.numpy.linalg.eigvalsh(qml.matrix(HYDROGEN, wire_order=range(4)))[0]
    assert lowest == pytest.approx(GROUND_STATE, abs=1e-5)


def test_qaoa_finds_the_largest_cut(server: Server, config_dir: Path) -> None:
    printed = run("qaoa_maxcut", server, config_dir)
    (mean,) = re.findall(r"on average: ([\d.]+) of 9", printed)
    ((cut, edges),) = re.findall(r"best cut: ([01]{6}), (\d+) edges", printed)
    assert float(mean) == pytest.approx(6.3, abs=0.5)  # at random it would be 4.5
    assert int(edges) == LARGEST_CUT
    prism = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)]
    assert sum(cut[a] != cut[b] for a, b in prism) == LARGEST_CUT
