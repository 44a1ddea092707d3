"""What Step Functions calls for an executor that has an adapter."""

import json
from typing import Any

import pytest
from pydantic import Field
from statelint.config import Config
from statelint.linter import Linter

from covalent_contracts.errors import InvalidWorkflow
from covalent_contracts.manifest import Manifest
from covalent_executors import bridged, registry
from covalent_executors.place import Place
from covalent_executors.spec import Spec
from covalent_executors.task import TaskTemplate
from covalent_step_functions.compiler import compile_dispatch
from covalent_step_functions.names import machine_name

PLACE = Place({"3.11": "runner"}, bridge="the-bridge", machines="arn:aws:states:eu:1:stateMachine:")


class _Spec(Spec):
    poll_freq: float = 30
    options: dict[str, Any] = Field(default_factory=dict)


def test_the_state_machine_of_a_job_is_valid() -> None:
    assert Linter.validate(bridged.definition("f"), Config(["URI", "FLOAT"], False, False)) == []


def test_what_the_user_set_travels_as_text() -> None:
    """A key that ends in `.$` must not be read as a path."""
    spec = _Spec(options={"a.$": "$.dispatch_id"}, retries=2, time_limit=9, poll_freq=7.2)
    task = bridged.bridged("far", spec, PLACE)
    given: Any = task.parameters["Input"]
    assert json.loads(given["attributes"])["options"] == {"a.$": "$.dispatch_id"}
    assert (given["executor"], given["poll"]) == ("far", 8)
    assert (task.retries, task.time_limit, task.is_managed) == (2, 9, True)


def test_a_deployment_without_a_bridge_says_how_to_get_one() -> None:
    with pytest.raises(InvalidWorkflow, match=r"executor .far. needs the bridge, .* Terraform"):
        bridged.bridged("far", _Spec(), Place({"3.11": "runner"}))


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """An executor of that name is known."""
    find = registry.task

    def task(name: str, attributes: Any, place: Place, python: str) -> TaskTemplate:
        if name != "far":
            return find(name, attributes, place, python)
        return bridged.bridged(name, _Spec(**attributes), place)

    monkeypatch.setattr(registry, "task", task)


def manifest(*executors: str, kind: str = "function") -> Manifest:
    asset = {"digest": "0" * 64, "size": 1}
    identifier = "6f5902ac-2372-4d3c-a3ad-9d2f0c0e5a11"
    nodes = [
        {"id": i, "name": "f", "kind": kind, "executor": name, "function": asset}
        for i, name in enumerate(executors)
    ]
    last = {"id": len(nodes), "name": "p", "kind": "postprocess", "value": asset}
    return Manifest.model_validate(
        {
            "dispatch_id": identifier,
            "root_dispatch_id": identifier,
            "python": "3.11.7",
            "covalent": "1",
            "lattice": {"name": "w", "function": asset, "inputs": asset},
            "executors": {n: {"name": n, "attributes": {"retries": 3}} for n in set(executors)},
            "nodes": [*nodes, last],
            "edges": [],
            "uploads": [{"digest": "0" * 64, "size": 1}],
            "recipe": asset,
        }
    )


@pytest.mark.usefixtures("far")
def test_the_machine_of_jobs_is_made_before_the_one_that_starts_it() -> None:
    found = compile_dispatch(manifest("far", "local", "far"), PLACE, "owner")
    helper, main = found.machines
    assert helper.definition == bridged.definition("the-bridge")
    assert helper.name == machine_name(PLACE.prefix, helper.definition)
    states = json.loads(main.definition)["States"]
    task = states[json.loads(main.definition)["StartAt"]]["Branches"][0]["States"]["f (0)"]
    assert task["Parameters"] == {
        "StateMachineArn": PLACE.machines + helper.name,
        "Name.$": "States.Format('{}-{}',$.dispatch_id,0)",
        "Input": {
            "electron": {"dispatch_id.$": "$.dispatch_id", "node": 0},
            "executor": "far",
            "attributes": '{"retries": 3}',
            "poll": 30,
        },
    }
    assert [retry["ErrorEquals"][0][:6] for retry in task["Retry"]] == ["StepFu"]


@pytest.mark.usefixtures("far")
def test_the_runner_is_told_of_retries_that_the_state_has_not() -> None:
    found = compile_dispatch(manifest("far"), PLACE, "owner")
    (sheet,) = json.loads(found.pages[0])["sheets"]
    assert sheet["retries"] == 3


@pytest.mark.usefixtures("far")
def test_a_sublattice_is_built_where_the_sdk_is() -> None:
    found = compile_dispatch(manifest("far", kind="sublattice"), PLACE, "owner")
    (main,) = found.machines
    build = json.loads(main.definition)["States"]["f (0)"]
    assert build["Parameters"]["FunctionName"] == "runner"
