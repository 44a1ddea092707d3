from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from covalent_contracts.manifest import WIRE, Manifest, NodeKind

ID = "12345678-1234-1234-1234-123456789abc"
D = {letter: letter * 64 for letter in "abcdef"}

Change = Callable[[dict[str, Any]], object]


def document() -> dict[str, Any]:
    """`f(1)`: the function, its parameter and the end; two assets lie in one pack."""
    return {
        "wire": WIRE,
        "dispatch_id": ID,
        "root_dispatch_id": ID,
        "python": "3.11.7",
        "covalent": "0.1.0",
        "lattice": {
            "name": "flow",
            "function": {"digest": D["a"], "size": 100},
            "inputs": {"digest": D["b"], "size": 10, "pack": D["f"], "offset": 0},
        },
        "executors": {"local": {"name": "local"}},
        "nodes": [
            {
                "id": 0,
                "name": "f",
                "kind": "function",
                "executor": "local",
                "function": {"digest": D["c"], "size": 30, "pack": D["f"], "offset": 10},
            },
            {
                "id": 1,
                "name": ":parameter:1",
                "kind": "parameter",
                "value": {"digest": D["b"], "size": 10, "pack": D["f"], "offset": 0},
            },
        ],
        "edges": [{"source": 1, "target": 0, "kind": "arg", "name": "x"}],
        "uploads": [{"digest": D["a"], "size": 100}, {"digest": D["f"], "size": 40}],
        "recipe": {"digest": D["c"], "size": 30, "pack": D["f"], "offset": 10},
    }


def test_a_good_manifest_comes_back_as_it_was() -> None:
    manifest = Manifest.model_validate(document())
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest
    assert manifest.nodes[0].kind is NodeKind.FUNCTION


def test_assets_are_all_that_is_named() -> None:
    assets = list(Manifest.model_validate(document()).assets())
    assert [asset.digest[0] for asset in assets] == ["a", "b", "c", "c", "b"]


def node(number: int, **fields: Any) -> Change:
    return lambda d: d["nodes"][number].update(fields)


def edge(**fields: Any) -> Change:
    return lambda d: d["edges"][0].update(fields)


def top(**fields: Any) -> Change:
    return lambda d: d.update(fields)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (node(1, id=2), "count from 0 without gaps"),
        (node(0, id=1), "count from 0 without gaps"),
        (edge(source=2), "leads to a missing node"),
        (edge(target=99), "leads to a missing node"),
        (edge(source=-1), "greater than or equal to 0"),
        (edge(kind="friend"), "'arg', 'kwarg' or 'wait'"),
        (node(0, executor="slurm"), "names executor 'slurm', which is missing"),
        (node(0, executor=None), "needs a function and an executor"),
        (node(0, function=None), "needs a function and an executor"),
        (node(1, value=None), "needs a value"),
        (node(1, kind="planet"), "Input should be 'function'"),
        (node(0, name="n" * 1025), "at most 1024"),
        (node(0, surprise=1), "Extra inputs"),
        (top(recipe={"digest": D["e"], "size": 1}), "is not uploaded"),
        (top(recipe={"digest": D["e"], "size": 1, "pack": D["d"]}), "is not uploaded"),
        (
            top(recipe={"digest": D["c"], "size": 30, "pack": D["f"], "offset": 11}),
            "reaches past the end",
        ),
        (top(recipe={"digest": D["a"], "size": 101}), "reaches past the end"),
        (top(recipe={"digest": "A" * 64, "size": 1}), "match pattern"),
        (top(recipe={"digest": D["a"] + "\n", "size": 1}), "match pattern"),
        (top(recipe={"digest": D["a"], "size": -1}), "greater than or equal to 0"),
        (top(dispatch_id="../../secrets"), "match pattern"),
        (top(python="three"), "match pattern"),
        (top(executors={"local": {"name": ""}}), "at least 1 character"),
        (top(nodes=None), "valid list"),
    ],
)
def test_a_bad_manifest_is_refused_by_name(change: Change, message: str) -> None:
    bad = document()
    change(bad)
    with pytest.raises(ValidationError, match=message):
        Manifest.model_validate(bad)


@pytest.mark.parametrize("field", sorted(set(document()) - {"wire"}))
def test_no_field_may_be_missing(field: str) -> None:
    bad = document()
    del bad[field]
    with pytest.raises(ValidationError, match="Field required"):
        Manifest.model_validate(bad)


def test_heavy_are_functions_and_sublattices() -> None:
    assert {kind for kind in NodeKind if kind.is_heavy} == {
        NodeKind.FUNCTION,
        NodeKind.SUBLATTICE,
    }
