"""A definition depends on the shape of the workflow and the settings of its executors, and on nothing else."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from covalent_contracts.manifest import Manifest
from covalent_executors.place import Place
from covalent_step_functions.compiler import compile_dispatch

NAMES = [
    "f",
    "x" * 90,
    "x" * 91,
    "gate: " * 20,
    "parallel: 2 x f",
    "stopped",
    "ended",
    "ß" * 80,
    "",
]
SETTINGS = [
    {},
    {"retries": 2},
    {"retries": 2, "time_limit": 5.5},
    {"time_limit": 5.5, "retries": 2},
]
KINDS = ["function"] * 6 + ["sublattice", "item", "operator"]

PROGRAM = """
import sys
from covalent_contracts.manifest import Manifest
from covalent_executors.place import Place
from covalent_step_functions.compiler import compile_dispatch
place = Place({'3.12': 'runner-312', '3.11': 'runner-311'})
for line in sys.stdin:
    print(compile_dispatch(Manifest.model_validate_json(line), place, 'me').name)
"""


def drawn(shapes: ModuleType, rng: random.Random, n: int) -> Manifest:
    """A workflow with all there is: kinds of nodes, names, executors with settings."""
    executors = {
        f"local-{i}": {"name": "local", "attributes": each} for i, each in enumerate(SETTINGS)
    }
    made = shapes.manifest(
        shapes.scattered(n, rng.choice([0.05, 0.2, 0.4]), rng.randrange(1000)),
        n,
        names={i: rng.choice(NAMES) for i in range(n)},
        kinds={i: rng.choice(KINDS) for i in range(n)},
        executors=executors,
        executor_of={i: rng.choice(list(executors)) for i in range(n)},
    )
    assert isinstance(made, Manifest)
    return made


def disguised(manifest: Manifest, rng: random.Random) -> Manifest:
    """The same workflow with other arguments, in another dispatch, everything without an order in another one."""
    document = manifest.model_dump()
    asset = {"digest": f"{rng.getrandbits(256):064x}", "size": rng.randrange(1, 10**6)}
    dispatch_id = "-".join(f"{rng.getrandbits(4 * n):0{n}x}" for n in (8, 4, 4, 4, 12))
    for node in document["nodes"]:
        node.update({part: asset for part in ("function", "value", "hooks") if node[part]})
    rng.shuffle(document["edges"])
    for executor in document["executors"].values():
        executor["attributes"] = _shuffled(executor["attributes"], rng)
    document |= {
        "dispatch_id": dispatch_id,
        "root_dispatch_id": dispatch_id,
        "python": "3.11.99",
        "covalent": "other",
        "lattice": {"name": "other", "doc": "other", "function": asset, "inputs": asset},
        "executors": _shuffled(document["executors"], rng),
        "uploads": [asset],
        "recipe": asset,
    }
    return Manifest.model_validate(_shuffled(document, rng))


def _shuffled(items: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    keys = list(items)
    rng.shuffle(keys)
    return {key: items[key] for key in keys}


def state_names(machine: dict[str, Any]) -> Iterator[str]:
    for name, state in machine["States"].items():
        yield name
        for branch in state.get("Branches", ()):
            yield from state_names(branch)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(0, 30))
def test_nothing_else_changes_the_definition(
    seed: int, n: int, shapes: ModuleType, place: Place
) -> None:
    rng = random.Random(seed)
    manifest = drawn(shapes, rng, n)
    other = disguised(manifest, rng)
    turned = Place(dict(reversed(list(place.runners.items()))), place.prefix)
    one, two = compile_dispatch(manifest, place, "me"), compile_dispatch(other, turned, "you")
    assert (one.name, one.definition, one.plan) == (two.name, two.definition, two.plan)
    assert other.dispatch_id not in two.definition
    assert other.recipe.digest not in two.definition


def test_no_process_has_a_definition_of_its_own(shapes: ModuleType, place: Place) -> None:
    rng = random.Random(1)
    manifests = [drawn(shapes, rng, n) for n in range(0, 60, 3)]
    here = [compile_dispatch(each, place, "me").name for each in manifests]
    for seed in ("0", "1", "4242"):
        posted = "\n".join(disguised(each, rng).model_dump_json() for each in manifests)
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        there = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=posted,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert there.stdout.split() == here


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 30))
def test_all_states_of_a_machine_have_names_of_their_own(
    seed: int, n: int, shapes: ModuleType, place: Place
) -> None:
    compiled = compile_dispatch(drawn(shapes, random.Random(seed), n), place, "me")
    names = list(state_names(json.loads(compiled.definition)))
    assert len(set(names)) == len(names)
    assert all(0 < len(name) <= 80 and name.isascii() and name.isprintable() for name in names)
