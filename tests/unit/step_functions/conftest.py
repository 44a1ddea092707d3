from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest

from covalent_contracts.manifest import Manifest
from covalent_executors.place import Place

DIGEST = "a" * 64
ASSET = {"digest": DIGEST, "size": 8}
ID = "11111111-2222-3333-4444-555555555555"
LIGHT = ("item", "attribute", "operator")

Edges = Iterable[tuple[Any, ...]]
Build = Callable[..., Manifest]


def build_manifest(
    edges: Edges = (),
    n: int = 0,
    *,
    names: Mapping[int, str] | None = None,
    kinds: Mapping[int, str] | None = None,
    python: str = "3.11.7",
    executors: Mapping[str, Any] | None = None,
    executor_of: Mapping[int, str] | None = None,
    dispatch_id: str = ID,
) -> Manifest:
    """A manifest of n electrons (or of `kinds`); edges are (source, target[, "arg"/"kwarg"/"wait"])."""
    edges = [(*edge, "arg")[:3] for edge in edges]
    count = max([n, *(max(edge[:2]) + 1 for edge in edges)])
    nodes = [
        _node(i, (names or {}).get(i), (kinds or {}).get(i, "function"), (executor_of or {}).get(i))
        for i in range(count)
    ]
    seen: dict[int, int] = {}
    listed = []
    for source, target, kind in edges:
        index = seen.get(target, 0)
        seen[target] = index + 1
        listed.append(
            {"source": source, "target": target, "kind": kind, "index": index, "name": f"p{index}"}
        )
    return Manifest.model_validate(
        {
            "dispatch_id": dispatch_id,
            "root_dispatch_id": dispatch_id,
            "python": python,
            "covalent": "1",
            "lattice": {"name": "flow", "function": ASSET, "inputs": ASSET},
            "executors": executors or {"local": {"name": "local"}},
            "nodes": nodes,
            "edges": listed,
            "uploads": [{"digest": DIGEST, "size": 8}],
            "recipe": ASSET,
        }
    )


def _node(i: int, name: str | None, kind: str, executor: str | None) -> dict[str, Any]:
    node: dict[str, Any] = {"id": i, "name": name or f"f{i}", "kind": kind}
    if kind in ("function", "sublattice"):
        return node | {"function": ASSET, "executor": executor or "local"}
    if kind in ("parameter", "collection"):
        return node | {"value": ASSET}
    return node | {"op": "add" if kind == "operator" else ""}


@pytest.fixture(scope="session")
def manifest() -> Build:
    return build_manifest


@pytest.fixture(scope="session")
def place() -> Place:
    return Place({"3.11": "runner-311", "3.12": "runner-312"})


@pytest.fixture(scope="session")
def parents_of() -> Callable[[Sequence[tuple[int, int]], int], dict[int, list[int]]]:
    def parents(edges: Sequence[tuple[int, int]], n: int) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {i: [] for i in range(n)}
        for source, target in edges:
            found[target].append(source)
        return found

    return parents
