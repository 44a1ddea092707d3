"""Manifests of known shapes, for golden files and tests of the compiler."""

import json
import random
from collections.abc import Iterable, Mapping
from typing import Any

from covalent_contracts.manifest import Manifest
from covalent_executors.place import Place
from covalent_step_functions.compiler import compile_dispatch
from covalent_step_functions.split import BUDGET
from covalent_step_functions.weights import Weight

DIGEST = "a" * 64
ASSET = {"digest": DIGEST, "size": 8}
ID = "11111111-2222-3333-4444-555555555555"
PLACE = Place({"3.11": "runner-311", "3.12": "runner-312"})

Edges = Iterable[tuple[int, int] | tuple[int, int, str]]


def manifest(
    edges: Edges = (),
    n: int = 0,
    *,
    names: Mapping[int, str] | None = None,
    kinds: Mapping[int, str] | None = None,
    executors: Mapping[str, Any] | None = None,
    executor_of: Mapping[int, str] | None = None,
    dispatch_id: str = ID,
    python: str = "3.11.7",
) -> Manifest:
    """At least n nodes, electrons unless `kinds` says otherwise; edges are (source, target[, kind])."""
    triples = [(edge[0], edge[1], edge[2] if len(edge) == 3 else "arg") for edge in edges]
    count = max([n, *(max(source, target) + 1 for source, target, _ in triples)])
    return Manifest.model_validate(
        {
            "dispatch_id": dispatch_id,
            "root_dispatch_id": dispatch_id,
            "python": python,
            "covalent": "1",
            "lattice": {"name": "flow", "function": ASSET, "inputs": ASSET},
            "executors": executors or {"local": {"name": "local"}},
            "nodes": [
                _node(
                    i,
                    (names or {}).get(i, f"f{i}"),
                    (kinds or {}).get(i, "function"),
                    (executor_of or {}).get(i, "local"),
                )
                for i in range(count)
            ],
            "edges": _edges(triples),
            "uploads": [{"digest": DIGEST, "size": 8}],
            "recipe": ASSET,
        }
    )


def _node(i: int, name: str, kind: str, executor: str) -> dict[str, Any]:
    node: dict[str, Any] = {"id": i, "name": name, "kind": kind}
    if kind in ("function", "sublattice"):
        return node | {"function": ASSET, "executor": executor}
    if kind in ("parameter", "collection"):
        return node | {"value": ASSET}
    return node | {"op": "add" if kind == "operator" else ""}


def _edges(triples: Iterable[tuple[int, int, str]]) -> list[dict[str, Any]]:
    taken: dict[int, int] = {}
    found = []
    for source, target, kind in triples:
        index = taken.get(target, 0)
        taken[target] = index + (kind != "wait")
        name = f"p{index}" if kind == "kwarg" else ""
        found.append(
            {"source": source, "target": target, "kind": kind, "index": index, "name": name}
        )
    return found


def chain(n: int) -> list[tuple[int, int]]:
    return [(i, i + 1) for i in range(n - 1)]


def fan_out(n: int) -> list[tuple[int, int]]:
    return [(0, i) for i in range(1, n)]


def fan_in(n: int) -> list[tuple[int, int]]:
    return [(i, n - 1) for i in range(n - 1)]


def diamonds(n: int) -> list[tuple[int, int]]:
    corners = ((0, 1), (0, 2), (1, 3), (2, 3))
    return [(3 * i + a, 3 * i + b) for i in range(n) for a, b in corners]


def ladder(n: int) -> list[tuple[int, int]]:
    """Two chains, 0 2 4 .. and 1 3 5 .., with rungs from the first to the second."""
    sides = [(i, i + 2) for i in range(2 * n - 2)]
    return sides + [(2 * i, 2 * i + 1) for i in range(n)]


def grid(n: int) -> list[tuple[int, int]]:
    across = [(n * i + j, n * i + j + 1) for i in range(n) for j in range(n - 1)]
    down = [(n * i + j, n * i + j + n) for i in range(n - 1) for j in range(n)]
    return across + down


def caterpillar(n: int) -> list[tuple[int, int]]:
    """A chain of n, each with a leaf beside its successor."""
    return [e for i in range(n) for e in ((2 * i, 2 * i + 1), (2 * i, 2 * i + 2)) if e[1] < 2 * n]


def scattered(n: int, density: float, seed: int) -> list[tuple[int, int]]:
    rng = random.Random(seed)
    return [(i, j) for j in range(n) for i in range(j) if rng.random() < density]


N = [(0, 2), (0, 3), (1, 3)]
BUDGETS = {"nested": (5_000, 10**6), "map": (7_000, 10**6), "distributed": (16_000, 10**6)}
"""Bytes and events of one machine, for the golden plans that are divided."""


def golden() -> dict[str, Manifest]:
    """The manifests whose definitions are kept under `tests/golden/asl`."""
    named = {
        "chain": manifest(chain(4)),
        "fan_out": manifest(fan_out(5)),
        "fan_in": manifest(fan_in(5)),
        "diamond": manifest(diamonds(1)),
        "n": manifest(N),
        "ladder": manifest(ladder(4)),
        "grid": manifest(grid(3)),
        "two_components": manifest([(0, 1), (2, 3)]),
        "wait_for": manifest([(0, 1), (0, 2, "wait"), (1, 3, "wait"), (2, 3)]),
        "shared_gate": manifest([(0, 2), (0, 3), (0, 4), (1, 3), (1, 4), (5, 1), (3, 6), (4, 6)]),
        "empty": manifest(n=2, kinds={0: "parameter", 1: "postprocess"}),
        "light": manifest(
            [(0, 1), (2, 1), (1, 3), (0, 4), (3, 4), (4, 5)],
            kinds={1: "item", 2: "parameter", 4: "operator"},
            names={1: "f0[0]", 4: "f0 + f3"},
        ),
        "limits": manifest(
            [(0, 1)],
            executors={"a": {"name": "local", "attributes": {"time_limit": 2.5, "retries": 3}}},
            executor_of={0: "a", 1: "a"},
        ),
    }
    named["sublattice"] = manifest(
        [(0, 1), (0, 2), (1, 3), (2, 3)],
        kinds={1: "sublattice", 3: "sublattice"},
        names={1: ":sublattice:fit", 3: ":sublattice:rank"},
        executors={"a": {"name": "local", "attributes": {"time_limit": 60, "retries": 2}}},
        executor_of=dict.fromkeys(range(4), "a"),
    )
    alike = dict.fromkeys(range(1, 49), "work")
    named |= {
        "nested": manifest([*fan_out(6), (5, 6), (6, 7), (7, 8), (8, 9), (9, 10)]),
        "map": manifest(
            [e for i in range(6) for e in ((0, 1 + 2 * i), (1 + 2 * i, 2 + 2 * i))],
            names={i: ("load", "fit")[(i - 1) % 2] for i in range(1, 13)},
        ),
        "distributed": manifest([*fan_out(49), *((i, 49) for i in range(1, 49))], names=alike),
    }
    drawn = {
        f"random_{seed}": manifest(scattered(12, 0.05 + 0.03 * seed, seed), 12)
        for seed in range(10)
    }
    return named | drawn


def written(name: str, manifest: Manifest) -> str:
    """The golden file: a list of all definitions, the one to start last."""
    budget = Weight(*BUDGETS[name]) if name in BUDGETS else BUDGET
    compiled = compile_dispatch(manifest, PLACE, "owner", budget)
    machines = [json.loads(each.definition) for each in compiled.machines]
    return json.dumps(machines if len(machines) > 1 else machines[0], indent=1) + "\n"
