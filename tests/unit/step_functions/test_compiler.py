import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest

from covalent_contracts.errors import (
    InvalidWorkflow,
    UnknownExecutor,
    UnsupportedPython,
)
from covalent_contracts.manifest import Manifest
from covalent_executors.place import Place
from covalent_step_functions.compiler import compile_dispatch

Build = Callable[..., Manifest]
OTHER = "99999999-2222-3333-4444-555555555555"


def test_what_is_compiled(manifest: Build, place: Place) -> None:
    found = compile_dispatch(manifest([(0, 2), (0, 3), (1, 3)]), place, "owner")
    assert (found.cost.tasks, found.cost.gates, found.cost.transitions) == (4, 1, 6)
    assert found.cost.events == 4 * 5 + 6 + 4 + 2
    assert set(found.pages) == {0}


def test_equal_workflows_share_a_machine(manifest: Build, place: Place) -> None:
    one = compile_dispatch(manifest([(0, 1)]), place, "me")
    two = compile_dispatch(manifest([(0, 1, "kwarg")], dispatch_id=OTHER), place, "you")
    assert one.definition == two.definition
    assert one.name == two.name
    assert one.pages != two.pages
    assert OTHER not in two.definition


@pytest.mark.parametrize(
    "change",
    [
        {"edges": [(0, 2), (1, 2)]},
        {"names": {0: "other"}},
        {"executors": {"local": {"name": "local", "attributes": {"retries": 1}}}},
        {"python": "3.12.1"},
    ],
)
def test_other_workflows_have_other_machines(
    manifest: Build, place: Place, change: dict[str, object]
) -> None:
    base = compile_dispatch(manifest(edges=[(0, 1), (1, 2)]), place, "me")
    other = compile_dispatch(manifest(**{"edges": [(0, 1), (1, 2)], **change}), place, "me")
    assert base.name != other.name


def test_machine_names_are_legal(manifest: Build, place: Place) -> None:
    long = replace(place, prefix="covalent-" * 12)
    found = compile_dispatch(manifest(n=1), long, "me")
    assert len(found.name) == 80
    assert found.name.replace("-", "").isalnum()


def test_the_order_of_edges_does_not_matter(shapes: ModuleType, place: Place) -> None:
    posted = shapes.manifest([(0, 3, "kwarg"), (1, 3, "wait"), (2, 3), (0, 1), (0, 2)])
    turned = posted.model_copy(update={"edges": posted.edges[::-1]})
    assert compile_dispatch(posted, place, "me") == compile_dispatch(turned, place, "me")


def test_the_hash_seed_does_not_matter(shapes: ModuleType, place: Place) -> None:
    posted: Manifest = shapes.manifest(
        shapes.scattered(40, 0.1, 3), 40, kinds={9: "operator", 20: "item"}
    )
    program = (
        "import sys\n"
        "from covalent_contracts.manifest import Manifest\n"
        "from covalent_executors.place import Place\n"
        "from covalent_step_functions.compiler import compile_dispatch\n"
        "place = Place({'3.11': 'runner-311', '3.12': 'runner-312'})\n"
        "found = compile_dispatch(Manifest.model_validate_json(sys.stdin.read()), place, 'me')\n"
        "print(found.name, found.pages)\n"
    )
    here = compile_dispatch(posted, place, "me")
    for seed in ("0", "1", "4242"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        there = subprocess.run(
            [sys.executable, "-c", program],
            input=posted.model_dump_json(),
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert there.stdout == f"{here.name} {here.pages}\n"


def test_nine_hundred_electrons_into_a_collector_fit_into_one_machine(
    shapes: ModuleType, place: Place
) -> None:
    names = dict.fromkeys(range(1001), "a_function_of_some_length")
    place = Place({"3.11": "covalent-some-deployment-runner-py311"})
    posted = shapes.manifest(shapes.fan_in(901), names=names)
    found = compile_dispatch(posted, place, "me")
    assert found.cost.transitions == 902
    assert len(json.loads(found.definition)["States"]) == 3


def test_an_unknown_python_is_refused(manifest: Build, place: Place) -> None:
    with pytest.raises(UnsupportedPython, match=r"3\.9 here \(there are: 3\.11, 3\.12\)"):
        compile_dispatch(manifest(n=1, python="3.9.1"), place, "me")


def test_an_unknown_executor_is_refused(manifest: Build, place: Place) -> None:
    posted = manifest(n=1, executors={"local": {"name": "slurmy"}})
    with pytest.raises(UnknownExecutor, match=r"'slurmy'; there are .*awslambda, .*local"):
        compile_dispatch(posted, place, "me")


def test_an_executor_that_nobody_uses_is_not_looked_up(manifest: Build, place: Place) -> None:
    executors = {"local": {"name": "local"}, "x": {"name": "slurmy"}}
    assert compile_dispatch(manifest(n=1, executors=executors), place, "me").cost.tasks == 1


def test_an_impossible_setting_is_refused(manifest: Build, place: Place) -> None:
    executors = {"local": {"name": "local", "attributes": {"retries": -1}}}
    with pytest.raises(InvalidWorkflow, match="retries"):
        compile_dispatch(manifest(n=1, executors=executors), place, "me")
