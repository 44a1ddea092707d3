"""Electrons that are several states."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from covalent_contracts import sheet
from covalent_contracts.manifest import Manifest
from covalent_contracts.quoted import quoted_size
from covalent_executors.place import Place
from covalent_step_functions import split as splitting
from covalent_step_functions.compiler import compile_dispatch
from covalent_step_functions.cost import Cost
from covalent_step_functions.plan import Each, Nested, Task
from covalent_step_functions.weights import Weight

Compile = Callable[..., Manifest]
CHILD = "99999999-2222-3333-4444-555555555555"


def _states(definition: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(definition)["States"]
    return found


def test_a_sublattice_is_built_adopted_called_and_collected(
    manifest: Compile, place: Place
) -> None:
    made = manifest([(0, 1)], kinds={0: "sublattice"}, names={0: ":sublattice:fit"})
    states = _states(compile_dispatch(made, place, "owner").definition)
    names = list(states)
    assert names[:5] == [
        ":sublattice:fit (0)",
        "adopt: :sublattice:fit (0)",
        "call: :sublattice:fit (0)",
        "collect: :sublattice:fit (0)",
        "f1 (1)",
    ]
    for name, following in pairwise(names[:5]):
        assert states[name]["Next"] == following
        assert [catch["Next"] for catch in states[name]["Catch"]] == ["stopped (0)"]


def test_what_adopting_gives_is_called_and_then_forgotten(manifest: Compile, place: Place) -> None:
    made = manifest(n=1, kinds={0: "sublattice"})
    _, adopt, call, collect, _ = _states(compile_dispatch(made, place, "o").definition).values()
    assert adopt["ResultPath"] == "$.kept"
    assert call["Parameters"] == {
        "StateMachineArn.$": "$.kept.machine",
        "Name.$": "$.kept.dispatch_id",
        "Input": {"dispatch_id.$": "$.kept.dispatch_id"},
    }
    assert collect["ResultSelector"] == {"dispatch_id.$": "$$.Execution.Input.dispatch_id"}
    assert "ResultPath" not in collect


def test_only_the_building_has_the_users_retries_and_time_limit(
    manifest: Compile, place: Place
) -> None:
    attributes = {"retries": 3, "time_limit": 9}
    made = manifest(
        n=1,
        kinds={0: "sublattice"},
        executors={"local": {"name": "local", "attributes": attributes}},
    )
    build, *others, _ = _states(compile_dispatch(made, place, "owner").definition).values()
    assert build["TimeoutSeconds"] == 9
    assert [retry["MaxAttempts"] for retry in build["Retry"]] == [12, 3]
    assert all("TimeoutSeconds" not in state for state in others)
    assert all(len(state["Retry"]) == 1 for state in others)


def test_it_is_built_by_the_builder_where_there_is_one(manifest: Compile, place: Place) -> None:
    somewhere = replace(place, builders={"3.11": "builder-311"}, adopter="adopter")
    made = manifest([(0, 1)], kinds={0: "sublattice"})
    states = _states(compile_dispatch(made, somewhere, "owner").definition)
    called = [state["Parameters"].get("FunctionName") for state in states.values()]
    assert called[:5] == ["builder-311", "adopter", None, "runner-311", "runner-311"]


def test_what_names_covalent_runs_where_the_sdk_is(manifest: Compile, place: Place) -> None:
    somewhere = replace(place, builders={"3.11": "builder-311"}, adopter="adopter")
    made = manifest([(0, 1)])
    nodes = [made.nodes[0].model_copy(update={"needs_sdk": True}), *made.nodes[1:]]
    made = made.model_copy(update={"nodes": nodes})
    states = _states(compile_dispatch(made, somewhere, "owner").definition)
    called = [state["Parameters"].get("FunctionName") for state in states.values()]
    assert called[:2] == ["builder-311", "runner-311"]


def test_one_that_stopped_and_is_followed_is_looked_at_once_more(
    manifest: Compile, place: Place
) -> None:
    edges = [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)]
    made = manifest(edges, kinds={1: "sublattice"})
    checked = _states(compile_dispatch(made, place, "owner").definition)["checked (1)"]
    assert checked["Parameters"]["Payload"]["do"] == "run"


def test_its_states_are_counted(manifest: Compile, place: Place) -> None:
    plain = compile_dispatch(manifest([(0, 1)]), place, "owner").cost
    cost = compile_dispatch(manifest([(0, 1)], kinds={0: "sublattice"}), place, "owner").cost
    assert (plain.transitions, cost.transitions) == (2, 5)
    assert cost.events == plain.events + 5 + 6 + 5
    assert cost.bill.functions > plain.bill.functions


def test_wide_ones_are_divided_but_never_rows_of_a_map(manifest: Compile, place: Place) -> None:
    width = 60
    made = manifest(
        [(0, i) for i in range(1, width + 1)],
        kinds=dict.fromkeys(range(1, width + 1), "sublattice"),
        names=dict.fromkeys(range(1, width + 1), ":sublattice:fit"),
    )
    budget = Weight(30_000, 10**6)
    compiled = compile_dispatch(made, place, "owner", budget)
    items = list(compiled.plan.walk())
    assert any(isinstance(item, Nested) for item in items)
    assert not any(isinstance(item, Each) for item in items)
    assert all(quoted_size(machine.definition) <= budget.bytes for machine in compiled.machines)
    found = sorted(item.node for item in items if isinstance(item, Task))
    assert found == list(range(width + 1))


def test_a_thousand_fit(manifest: Compile, place: Place) -> None:
    kinds = dict.fromkeys(range(1000), "sublattice")
    compiled = compile_dispatch(manifest(n=1000, kinds=kinds), place, "owner")
    for machine in compiled.machines:
        assert quoted_size(machine.definition) <= splitting.BUDGET.bytes
    assert isinstance(compiled.cost, Cost)
    assert compiled.cost.events <= 25_000


def _child(made: Manifest) -> Manifest:
    return made.model_copy(update={"dispatch_id": CHILD})


def test_the_sheets_of_a_sublattices_dispatch_tell_what_it_returns(
    manifest: Compile, place: Place
) -> None:
    made = manifest([(0, 2), (1, 2)], kinds={2: "postprocess"})
    [own] = compile_dispatch(made, place, "owner").pages.values()
    assert set(sheet.load(own).sheets) == {0, 1}
    [page] = compile_dispatch(_child(made), place, "owner").pages.values()
    returned = sheet.load(page).sheets[2]
    assert returned.inputs == (0, 1)
    assert returned.light is not None
    assert returned.light.value is not None


@pytest.mark.parametrize("kind", ["function", "sublattice"])
def test_the_sheet_tells_a_sublattice(manifest: Compile, place: Place, kind: str) -> None:
    [page] = compile_dispatch(manifest(n=1, kinds={0: kind}), place, "owner").pages.values()
    assert sheet.load(page).sheets[0].sublattice is (kind == "sublattice")


def test_equal_workflows_with_sublattices_share_a_machine(manifest: Compile, place: Place) -> None:
    made = manifest([(0, 1)], kinds={1: "sublattice"})
    names = {compile_dispatch(each, place, "owner").name for each in (made, _child(made))}
    assert len(names) == 1
