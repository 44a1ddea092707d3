"""A maximum cut by QAOA: quantum electrons look for good angles side by side, a classical one decides between them.

pip install 'covalent-serverless[local,quantum]'
covalent start
python examples/qaoa_maxcut.py

Cut a graph in two so that as many edges as possible lie between the parts. The graph is a prism: two triangles, and an
edge from each corner of one to the other's. No cut takes more than two edges of a triangle: 2 + 2 + 3 = 7 is the most.
"""

from collections import Counter
from typing import Any, NamedTuple

import networkx as nx
import pennylane as qml
from pennylane import numpy as np

import covalent as ct

PRISM = nx.circular_ladder_graph(3)
COST, MIXER = qml.qaoa.maxcut(PRISM)
WIRES = range(len(PRISM))


class Angles(NamedTuple):
    """The angles of each layer, and how many edges such a state cuts on average."""

    angles: Any
    edges: float


def layers(angles: Any) -> None:
    """Begin with all cuts at once; each layer weighs them anew."""
    for wire in WIRES:
        qml.Hadamard(wire)
    for of_cost, of_mixer in zip(*angles, strict=True):
        qml.qaoa.cost_layer(of_cost, COST)
        qml.qaoa.mixer_layer(of_mixer, MIXER)


@ct.qelectron(executors=ct.executor.Simulator(device="lightning.qubit", workers=2))
@qml.qnode(qml.device("default.qubit", wires=WIRES), diff_method="parameter-shift")
def cost(angles: Any) -> object:
    """The number of edges that are cut, on average, with the opposite sign."""
    layers(angles)
    return qml.expval(COST)


@ct.qelectron(executors=ct.executor.Simulator(shots=200))
@qml.qnode(qml.device("default.qubit", wires=WIRES))
def sides(angles: Any) -> object:
    """On which side each corner is, 200 times."""
    layers(angles)
    return qml.sample()


@ct.electron
def start(seed: int, depth: int) -> Any:
    """Small angles by chance."""
    return np.random.default_rng(seed).uniform(0, 0.5, (2, depth))


@ct.electron
def improve(angles: Any, steps: int) -> Angles:
    """Go downhill, with PennyLane's optimiser and the gradient from quantum executors."""
    optimiser = qml.AdagradOptimizer(0.25)
    angles = np.array(angles, requires_grad=True)
    for _ in range(steps):
        angles = optimiser.step(cost, angles)
    return Angles(np.array(angles), -float(cost(angles)))


@ct.electron
def best(found: list[Angles]) -> Angles:
    """The angles that cut most edges on average."""
    return max(found, key=lambda each: each.edges)


@ct.electron
def sample(found: Angles) -> Counter[str]:
    """How often each cut was measured: for each corner, in order, on which side it is."""
    return Counter("".join(map(str, np.array(row, dtype=int))) for row in sides(found.angles))


@ct.electron
def largest(cuts: Counter[str]) -> tuple[str, int]:
    """The best cut among those measured, and its edges: to count them takes no quantum computer."""
    return max(
        ((cut, sum(cut[a] != cut[b] for a, b in PRISM.edges)) for cut in cuts), key=lambda x: x[1]
    )


@ct.lattice
def qaoa(starts: int = 2, depth: int = 2, steps: int = 6) -> tuple[Angles, tuple[str, int]]:
    """Look from several places at once, then measure what is best."""
    found = best([improve(start(seed, depth), steps) for seed in range(starts)])
    return found, largest(sample(found))


def main() -> None:
    """Dispatch the workflow, wait for it and print the cut."""
    result = ct.get_result(ct.dispatch(qaoa)(), wait=True)
    if result.error:
        raise SystemExit(result.error)
    angles, (cut, edges) = result.result
    print(f"edges cut on average: {angles.edges:.3f} of {PRISM.size()}")
    print(f"best cut: {cut}, {edges} edges")


if __name__ == "__main__":
    main()
