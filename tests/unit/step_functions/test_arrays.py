import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statelint.config import Config
from statelint.linter import Linter

from covalent_contracts.quoted import quoted_size
from covalent_executors import registry
from covalent_executors.awsbatch.template import ARRAY
from covalent_executors.place import Batch, Place
from covalent_executors.task import JOB_EVENTS, lambda_task
from covalent_step_functions.arrays import TEXT, arrayed
from covalent_step_functions.compiler import Compiled, compile_dispatch
from covalent_step_functions.cost import EXECUTION_EVENTS
from covalent_step_functions.emit import emit
from covalent_step_functions.plan import Array, Gate, Items, Parallel, Plan, Task
from covalent_step_functions.states import Calls, states_of
from covalent_step_functions.weights import Weight, Weights

Edges = list[tuple[int, int]]
PlanOf = Callable[[Edges, int], Plan]

PLACE = Place({"3.11": "runner-311"}, batch=Batch("jobs", {"3.11": "jobs-py311"}))
LEAST = ARRAY.least
JOB = registry.task("awsbatch", {}, PLACE, "3.11.7")
PAIR = replace(JOB, array=replace(ARRAY, least=2))
"""A kind of electron of which two are enough for an array."""


@st.composite
def layered(draw: st.DrawFn) -> tuple[Edges, int]:
    """Layers of electrons, each of which needs some of the layer before: equal siblings in all sorts of positions."""
    widths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    edges: Edges = []
    start, before = 0, range(0)
    for width in widths:
        layer = range(start, start + width)
        for node in layer:
            picked = draw(st.sets(st.sampled_from(before))) if before else set()
            edges += [(parent, node) for parent in sorted(picked)]
        start, before = start + width, layer
    return edges, start


@settings(max_examples=300, deadline=None)
@given(dag=layered(), data=st.data())
def test_arrays_enforce_the_order_of_the_graph_and_no_more(
    dag: tuple[Edges, int], data: st.DataObject, plan_of: PlanOf, waits_of: Any, closed: Any
) -> None:
    edges, n = dag
    kinds = [PAIR, replace(PAIR), lambda_task("f")]
    tasks = {node: data.draw(st.sampled_from(kinds)) for node in range(n)}
    plan = plan_of(edges, n)
    found = arrayed(plan, tasks)
    assert closed(waits_of(found)) == closed(waits_of(plan))
    assert [node for node in range(n) if node not in waits_of(found)] == []
    for item in found.walk():
        if isinstance(item, Array):
            assert len({id(tasks[node]) for node in item.nodes}) == 1
            assert tasks[item.nodes[0]].array is not None
            assert len(item.nodes) >= 2
            assert list(item.nodes) == sorted(item.nodes)


@settings(max_examples=100, deadline=None)
@given(dag=layered())
def test_a_gate_is_never_in_exchange_for_one_electron(
    dag: tuple[Edges, int], plan_of: PlanOf
) -> None:
    edges, n = dag
    plan = plan_of(edges, n)
    found = arrayed(plan, dict.fromkeys(range(n), PAIR))

    def gates(plan: Plan) -> int:
        return sum(isinstance(item, Gate) for item in plan.walk())

    saved = sum(len(item.nodes) - 1 for item in found.walk() if isinstance(item, Array))
    assert gates(found) - gates(plan) <= saved


def siblings(n: int, start: int = 0) -> tuple[Items, ...]:
    return tuple((Task(node),) for node in range(start, start + n))


@pytest.mark.parametrize(
    ("branches", "expected"),
    [
        pytest.param(siblings(3), (Array((0, 1, 2), 18),), id="all of them"),
        pytest.param(
            (*siblings(2), (Task(2), Task(3))),
            (Parallel(((Array((0, 1), 18),), (Task(2), Task(3)))),),
            id="one that goes on stays",
        ),
        pytest.param(
            (*siblings(2), (Task(2), Gate(9, (0,)), Task(9))),
            (Parallel(((Array((0, 1, 2), 18),), (Gate(9, (0, 2)), Task(9)))),),
            id="one in front of a gate",
        ),
        pytest.param(
            (*siblings(1), (Parallel(siblings(2, 1)), Task(9))),
            (Parallel(((Array((0, 1, 2), 18),), (Gate(9, (1, 2)), Task(9)))),),
            id="several that are joined",
        ),
        pytest.param(
            ((Task(8), Task(7)), (Parallel(siblings(2)), Task(9))),
            (Parallel(((Task(8), Task(7)), (Array((0, 1), 18), Task(9)))),),
            id="several in one branch only",
        ),
        pytest.param(
            (*siblings(1), (Gate(1, (0,)), Task(1))),
            (Parallel(((Task(0),), (Gate(1, (0,)), Task(1)))),),
            id="one behind a gate is not the first",
        ),
    ],
)
def test_what_becomes_an_array(branches: tuple[Items, ...], expected: Items) -> None:
    found = arrayed(Plan((Parallel(branches),)), dict.fromkeys(range(10), PAIR))
    assert found.items == expected


def compiled(
    shapes: ModuleType,
    n: int,
    edges: Sequence[tuple[int, int]] = (),
    more: int = 0,
    **attributes: Any,
) -> Compiled:
    """A dispatch of n electrons on Batch, and some more on the runner."""
    executors = {
        "jobs": {"name": "awsbatch", "attributes": attributes},
        "local": {"name": "local"},
    }
    made = shapes.manifest(
        edges,
        n + more,
        names=dict.fromkeys(range(n), "fit"),
        executors=executors,
        executor_of=dict.fromkeys(range(n), "jobs"),
    )
    return compile_dispatch(made, PLACE, "owner")


def states(found: Compiled) -> dict[str, Any]:
    machine: dict[str, Any] = json.loads(found.definition)
    assert Linter.validate(found.definition, Config(["URI", "FLOAT"], False, False)) == []
    return dict(machine["States"])


def test_what_batch_takes_in_a_second_is_no_array(shapes: ModuleType) -> None:
    assert compiled(shapes, LEAST - 1).cost.arrays == 0
    assert compiled(shapes, LEAST).cost.arrays == 1


def test_the_states_of_an_array(shapes: ModuleType) -> None:
    found = states(compiled(shapes, LEAST, [(i, LEAST) for i in range(LEAST)], more=1))
    name = f"array: {LEAST} x fit (0)"
    assert list(found)[:4] == [name, "look (0)", "left (0)", "lost (0)"]
    submit = found[name]
    assert submit["Resource"] == "arn:aws:states:::batch:submitJob.sync"
    assert submit["Parameters"]["ArrayProperties"] == {"Size": LEAST}
    assert submit["Parameters"]["JobName.$"] == "States.Format('{}-{}-{}',$.dispatch_id,0,0)"
    electron, *_ = submit["Parameters"]["ContainerOverrides"]["Environment"]
    assert electron["Value.$"] == f"States.Format('{{}} {{}} {{}}',$.dispatch_id,'0:{LEAST}:1',0)"
    assert [(each["ErrorEquals"], each["Next"]) for each in submit["Catch"]] == [
        (
            [
                *("Batch.ClientException", "Batch.SdkClientException", "Batch.ServerException"),
                *("Batch.AWSBatchException", "Batch.ThrottlingException"),
                "Batch.TooManyRequestsException",
            ],
            "lost (0)",
        ),
        (["States.TaskFailed"], "look (0)"),
        (["States.ALL"], "lost (0)"),
    ]
    assert "States.TaskFailed" not in str(submit["Retry"]), "the array itself never runs again"
    assert submit["ResultSelector"] == {"dispatch_id.$": "$$.Execution.Input.dispatch_id"}
    assert submit["Next"] == found["lost (0)"]["Next"] == f"f{LEAST} ({LEAST})"
    assert found["lost (0)"]["Parameters"]["Payload"]["nodes"] == f"0:{LEAST}:1"


@pytest.mark.parametrize("retries", [0, 1])
def test_one_call_finds_what_has_no_result_and_each_of_that_is_a_row(
    shapes: ModuleType, retries: int
) -> None:
    """Its cause, a document of up to 32 KiB, comes no further: a batch of rows gets the id of the array."""
    found = states(compiled(shapes, LEAST, retries=retries))
    look, left = found["look (0)"], found["left (0)"]
    explains = not retries
    assert look["Parameters"]["Payload"]["nodes"] == f"0:{LEAST}:1"
    assert ("cause.$" in look["Parameters"]["Payload"]) == explains
    kept = {"dispatch_id", "rows", "job"} if explains else {"dispatch_id", "rows"}
    assert {name.removesuffix(".$") for name in look["ResultSelector"]} == kept
    assert "ResultPath" not in look, "its result is all that goes on"
    assert look["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "lost (0)"}
    ]
    assert (look["Next"], left["ItemsPath"]) == ("left (0)", "$.rows")
    passed = {f"{name}.$": f"$.{name}" for name in sorted(kept - {"rows"})}
    assert left["ItemBatcher"] == {"MaxItemsPerBatch": 40, "BatchInput": passed}
    assert left.get("MaxConcurrency", 0) == (10 if explains else 0), "jobs are not to wait"


def rows_of(found: dict[str, Any]) -> dict[str, Any]:
    batch = found["left (0)"]["ItemProcessor"]["States"]["batch: fit (0)"]
    return dict(batch["ItemProcessor"]["States"])


def test_without_retries_the_job_of_each_is_asked_for(shapes: ModuleType) -> None:
    found = states(compiled(shapes, LEAST))
    ask, _ = rows_of(found).values()
    assert ask["Parameters"] == {"Jobs.$": "States.Array(States.Format('{}:{}',$.job,$.row[1]))"}
    assert ask["ResultPath"] == "$.error"
    assert ask["Next"] == "stopped (0)"


def test_with_retries_each_runs_again_as_a_job_of_its_own(shapes: ModuleType) -> None:
    found = states(compiled(shapes, LEAST, retries=3))
    again, report = rows_of(found).values()
    number = "States.MathAdd($$.State.RetryCount,1)"
    assert again["Parameters"]["JobName.$"].endswith(f"$.row[0],{number})")
    assert "ArrayProperties" not in again["Parameters"]
    assert again["Retry"][-1]["MaxAttempts"] == 2, "the array was the first try"
    assert report["Parameters"]["Payload"]["nodes.$"] == "States.Array($.row[0])"
    once = rows_of(states(compiled(shapes, LEAST, retries=1)))["each: fit (0)"]
    assert "States.TaskFailed" not in str(once["Retry"])


def test_electrons_with_other_settings_are_in_another_array(
    shapes: ModuleType, manifest: Any
) -> None:
    executors = {
        "small": {"name": "awsbatch", "attributes": {"vcpu": 1}},
        "large": {"name": "awsbatch", "attributes": {"vcpu": 8}},
    }
    of = {i: ("small", "large")[i % 2] for i in range(2 * LEAST)}
    made = manifest(n=2 * LEAST, executors=executors, executor_of=of)
    found = compile_dispatch(made, PLACE, "me")
    arrays = [item for item in found.plan.walk() if isinstance(item, Array)]
    assert [item.nodes for item in arrays] == [
        tuple(range(start, 2 * LEAST, 2)) for start in (0, 1)
    ]


def test_an_array_has_up_to_10_000_jobs(shapes: ModuleType) -> None:
    found = compiled(shapes, 10_001)
    arrays = [item for item in found.plan.walk() if isinstance(item, Array)]
    assert max(len(item.nodes) for item in arrays) <= 10_000
    assert sorted(node for item in arrays for node in item.nodes) == list(range(10_001))
    assert len(found.machines) == 1


def test_a_submission_is_below_30_kib_whatever_the_ids(shapes: ModuleType) -> None:
    """Ids without any order, of which every one has to be told."""
    kinds = {
        i: "function" if i**2 % 7 in (1, 2) and i % 5 != 3 else "parameter" for i in range(20_000)
    }
    of = {i: "jobs" for i, kind in kinds.items() if kind == "function"}
    executors = {"jobs": {"name": "awsbatch"}}
    made = shapes.manifest(n=20_000, kinds=kinds, executors=executors, executor_of=of)
    found = compile_dispatch(made, PLACE, "me")
    arrays = [item for item in found.plan.walk() if isinstance(item, Array)]
    assert sorted(node for item in arrays for node in item.nodes) == sorted(of)
    for state in _all(json.loads(found.definition)):
        if "ArrayProperties" in state.get("Parameters", {}):
            assert len(json.dumps(state["Parameters"])) < TEXT + 4096 < 30 * 1024


def _all(machine: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for state in machine["States"].values():
        found.append(state)
        for branch in state.get("Branches", []):
            found += _all(branch)
    return found


def test_what_an_array_takes(shapes: ModuleType) -> None:
    """One state and as many events as one electron, however many there are."""
    found = compiled(shapes, 1000)
    assert (found.cost.tasks, found.cost.arrayed, found.cost.transitions) == (1000, 1000, 1)
    assert found.cost.events == EXECUTION_EVENTS + JOB.events
    assert JOB.events > JOB_EVENTS, "it may be refused"


@pytest.mark.parametrize("retries", [0, 2])
@pytest.mark.parametrize("nodes", [tuple(range(LEAST)), tuple(range(3, 5000, 7))])
def test_the_weight_of_an_array_is_that_of_its_states(nodes: tuple[int, ...], retries: int) -> None:
    task = registry.task("awsbatch", {"retries": retries}, PLACE, "3.11.7")
    calls = Calls(dict.fromkeys(nodes, task), lambda node: "fit", "runner-311")
    item = Array(nodes, task.events)
    written = emit(states_of((item,), calls, lambda _: ""))
    weight = Weights(calls, PLACE).item(item)
    assert quoted_size(written) <= weight.bytes + 100 <= quoted_size(written) + 500


def test_nested_executions_hold_arrays(shapes: ModuleType) -> None:
    """One that dies is settled as any other: its electrons are reported."""
    before, after = range(LEAST), range(LEAST + 1, 2 * LEAST + 1)
    made = shapes.manifest(
        [*((i, LEAST) for i in before), *((LEAST, i) for i in after)],
        executors={"jobs": {"name": "awsbatch"}},
        executor_of=dict.fromkeys(range(2 * LEAST + 1), "jobs"),
    )
    whole = compile_dispatch(made, PLACE, "me")
    assert (whole.cost.arrays, whole.cost.machines) == (2, 1)
    small = Weight(whole.cost.size - 2000, whole.cost.events)
    found = compile_dispatch(made, PLACE, "me", budget=small)
    assert found.cost.arrays == 2
    assert found.cost.machines > 1
    assert all(quoted_size(machine.definition) <= small.bytes for machine in found.machines)
