"""Graphs of heavy electrons to measure with: for each node, in order of creation, its direct parents.

All are of the size asked for, and the same for the same size in every process.
"""

import random
from collections.abc import Callable, Mapping
from itertools import pairwise

Dag = Mapping[int, tuple[int, ...]]
"""Nodes are numbered from 0, parents before their children."""


def chain(n: int) -> Dag:
    """One after the other."""
    return {i: (i - 1,) if i else () for i in range(n)}


def fan_out(n: int) -> Dag:
    """One, then all others at once, then one that needs them all."""
    last = n - 1
    middle = range(1, last)
    return {0: (), **dict.fromkeys(middle, (0,)), last: tuple(middle)}


def layered(n: int) -> Dag:
    """Twenty layers; each electron has two random parents in the layer before."""
    rng = random.Random(n)
    width = max(2, n // 20)

    def parents(i: int) -> tuple[int, ...]:
        layer = i // width
        before = range((layer - 1) * width, layer * width)
        return tuple(sorted(rng.sample(before, 2))) if layer else ()

    return {i: parents(i) for i in range(n)}


def n_rich(n: int) -> Dag:
    """Two or three random parents among the last twenty: hardly anything in it is series-parallel."""
    rng = random.Random(n)

    def parents(i: int) -> tuple[int, ...]:
        near = range(max(0, i - 20), i)
        return tuple(sorted(rng.sample(near, min(len(near), rng.choice((2, 3))))))

    return {i: parents(i) for i in range(n)}


def stencil(n: int) -> Dag:
    """A wavefront over a grid: each electron needs the one above and the one on its left."""
    side = max(1, round(n**0.5))
    grid: dict[int, tuple[int, ...]] = {}
    for i in range(n):
        left = (i - 1,) if i % side else ()
        above = (i - side,) if i >= side else ()
        grid[i] = above + left
    return grid


def montage(n: int) -> Dag:
    """A mosaic of images, as in Montage: project, compare neighbours, one model, correct, shrink, add.

    https://doi.org/10.1016/j.future.2012.08.015 (Juve et al., figure 1)
    """
    dag: dict[int, tuple[int, ...]] = {}

    def add(*parents: int) -> int:
        dag[len(dag)] = parents
        return len(dag) - 1

    images = max(1, (n - 2) // 4)
    projected = [add() for _ in range(images)]
    seams = n - 2 * images - 6
    pairs = [*pairwise(projected), *((a, projected[i // 2]) for i, a in enumerate(projected))]
    differences = [add(*sorted(set(pair))) for pair in pairs[:seams]]
    model = add(add(*differences))
    corrected = [add(image, model) for image in projected]
    mosaic = add(add(*corrected))
    add(add(mosaic))
    return dag


SHAPES: Mapping[str, Callable[[int], Dag]] = {
    "chain": chain,
    "fan-out": fan_out,
    "layered": layered,
    "N-rich": n_rich,
    "stencil": stencil,
    "Montage-like": montage,
}
"""By the names that the tables show."""


def sparse(n: int, probability: float, seed: int) -> Dag:
    """Each pair of electrons is an edge with the same probability."""
    rng = random.Random(seed)
    return {i: tuple(j for j in range(i) if rng.random() < probability) for i in range(n)}
