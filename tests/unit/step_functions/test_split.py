import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covalent_contracts.errors import LimitExceeded
from covalent_contracts.manifest import Manifest
from covalent_contracts.quoted import quoted_size
from covalent_executors.place import Place
from covalent_step_functions import quotas, split
from covalent_step_functions.compiler import Compiled, compile_dispatch
from covalent_step_functions.cost import events_in
from covalent_step_functions.plan import Each, Nested, Parallel, Plan, Task
from covalent_step_functions.split import WIDTH
from covalent_step_functions.weights import Weight

Edges = list[tuple[int, int]]
Sets = dict[int, frozenset[int]]
WaitsOf = Callable[[Plan], Sets]
Closed = Callable[[Sets], Sets]
Build = Callable[..., Manifest]

AMPLE = Weight(10**9, 10**9)


@st.composite
def workflows(draw: st.DrawFn, shapes: ModuleType) -> tuple[Edges, int, Manifest]:
    """DAGs of up to 60 electrons, of many names or of one."""
    n = draw(st.integers(1, 60))
    shape = draw(st.sampled_from(["scattered", "fan_out", "fan_in", "chain", "diamonds", "grid"]))
    if shape == "scattered":
        density = draw(st.sampled_from([0.02, 0.05, 0.1, 0.3]))
        edges = shapes.scattered(n, density, draw(st.integers(0, 10_000)))
    elif shape in ("diamonds", "grid"):
        edges, n = getattr(shapes, shape)(7), 22 if shape == "diamonds" else 49
    else:
        edges = getattr(shapes, shape)(n)
    names = dict.fromkeys(range(n), "work") if draw(st.booleans()) else None
    return edges, n, shapes.manifest(edges, n, names=names)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), size=st.integers(5_000, 40_000), events=st.integers(40, 400))
def test_a_divided_plan_enforces_the_order_of_the_graph(
    data: st.DataObject,
    size: int,
    events: int,
    shapes: ModuleType,
    waits_of: WaitsOf,
    closed: Closed,
) -> None:
    edges, n, manifest = data.draw(workflows(shapes))
    compiled = compile_dispatch(manifest, shapes.PLACE, "me", Weight(size, events))
    expected = closed({i: frozenset(a for a, b in edges if b == i) for i in range(n)})
    assert closed(waits_of(compiled.plan)) == expected
    for items in compiled.plan.machines():
        assert events_in(items) <= events + 2
    for machine in compiled.machines:
        assert quoted_size(machine.definition) <= size


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_plan_that_just_fits_is_left_alone(data: st.DataObject, shapes: ModuleType) -> None:
    """Estimates are never less than what is written, and hardly more."""
    _, _, manifest = data.draw(workflows(shapes))
    whole = compile_dispatch(manifest, shapes.PLACE, "me", AMPLE)
    size = quoted_size(whole.definition)
    assert len(whole.machines) == 1
    tight = Weight(size * 105 // 100 + 100, whole.cost.events)
    assert compile_dispatch(manifest, shapes.PLACE, "me", tight) == whole


def test_a_chain_becomes_a_chain_of_nested_executions(manifest: Build, place: Place) -> None:
    edges = [(i, i + 1) for i in range(9_999)]
    compiled = compile_dispatch(manifest(edges), place, "me")
    assert all(isinstance(item, Nested) for item in compiled.plan.items)
    assert compiled.cost.transitions == 10_000 + compiled.cost.nested
    assert compiled.cost.machines <= 10
    states = json.loads(compiled.definition)["States"]
    called = [
        state for state in states.values() if state["Resource"].endswith("startExecution.sync:2")
    ]
    named = {state["Parameters"]["StateMachineArn"] for state in called}
    assert named == {place.machines + each.name for each in compiled.machines[:-1]}


def test_a_wide_fan_out_is_a_distributed_map(shapes: ModuleType, place: Place) -> None:
    names = dict.fromkeys(range(1, 10_000), "work")
    compiled = compile_dispatch(shapes.manifest(shapes.fan_out(10_000), names=names), place, "me")
    first, each = compiled.plan.items
    assert first == Task(0)
    assert each == Each(tuple((i,) for i in range(1, 10_000)), WIDTH, events=5)
    assert compiled.cost.transitions <= 1.0504 * 10_000
    assert len(compiled.machines) == 1
    assert len(compiled.definition) < 100_000


def test_what_one_machine_holds_is_no_map(shapes: ModuleType, place: Place) -> None:
    names = dict.fromkeys(range(1, 800), "work")
    compiled = compile_dispatch(shapes.manifest(shapes.fan_out(800), names=names), place, "me")
    assert compiled.cost.transitions == 801
    assert compiled.cost.maps == 0


def test_electrons_of_other_names_or_settings_do_not_share_a_map(
    shapes: ModuleType, place: Place
) -> None:
    names = {i: ("left", "right")[i % 2] for i in range(1, 8_001)}
    compiled = compile_dispatch(shapes.manifest(shapes.fan_out(8_001), names=names), place, "me")
    maps = [item for item in compiled.plan.walk() if isinstance(item, Each)]
    assert [len(each.rows) for each in maps] == [4_000, 4_000]
    executors = {
        "local": {"name": "local"},
        "slow": {"name": "local", "attributes": {"time_limit": 9}},
    }
    manifest = shapes.manifest(
        shapes.fan_out(8_001),
        names=dict.fromkeys(range(8_001), "work"),
        executors=executors,
        executor_of=dict.fromkeys(range(1, 8001, 2), "slow"),
    )
    maps = [
        item
        for item in compile_dispatch(manifest, place, "me").plan.walk()
        if isinstance(item, Each)
    ]
    assert [len(each.rows) for each in maps] == [4_000, 4_000]


def test_long_rows_of_a_narrow_fan_out_are_an_inline_map(manifest: Build, place: Place) -> None:
    """Forty times the same fifty steps: one Map is cheaper than nested executions."""
    edges = [(40 * step + i, 40 * step + 40 + i) for step in range(49) for i in range(40)]
    names = {40 * step + i: f"step{step}" for step in range(50) for i in range(40)}
    compiled = compile_dispatch(manifest(edges, names=names), place, "me")
    assert [type(item) for item in compiled.plan.items] == [Each]
    assert compiled.cost.transitions == 2_002
    assert (compiled.cost.batches, compiled.cost.machines) == (0, 1)


def test_rows_that_are_too_many_for_one_input_are_several_maps(
    shapes: ModuleType, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(split, "ROWS_BYTES", 20_000)
    names = dict.fromkeys(range(4_000), "work")
    compiled = compile_dispatch(shapes.manifest(n=4_000, names=names), place, "me")
    maps = [item for item in compiled.plan.walk() if isinstance(item, Each)]
    assert sum(len(each.rows) for each in maps) == 4_000
    assert len(maps) == 2
    assert all(len(json.dumps(each.rows, separators=(",", ":"))) <= 20_000 for each in maps)


def test_a_gate_stays_with_what_it_is_in_front_of(shapes: ModuleType, place: Place) -> None:
    compiled = compile_dispatch(shapes.manifest(shapes.grid(12)), place, "me", Weight(12_000, 200))
    assert compiled.cost.gates > 0
    assert compiled.cost.nested > 0
    for items in compiled.plan.machines():
        assert type(items[-1]).__name__ != "Gate"


def test_names_tell_what_is_inside(shapes: ModuleType, place: Place) -> None:
    names = {i: ("load", "fit", "plot")[i % 3] for i in range(3_000)}
    compiled = compile_dispatch(shapes.manifest(shapes.chain(3_000), names=names), place, "me")
    found = [name for name in json.loads(compiled.definition)["States"] if "nested" in name]
    assert found[0].startswith("nested: ")
    assert found[0].endswith(" x load, fit, plot (0)")


def test_what_fits_in_no_form_is_refused(
    manifest: Build, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of what a nested execution runs would be too long for its caller."""
    monkeypatch.setattr(quotas, "DEFINITION", replace(quotas.DEFINITION, number=9_000))
    budget = Weight(9_000, 10**6)
    compile_dispatch(manifest([(i, i + 1) for i in range(99)]), place, "me", budget)
    with pytest.raises(
        LimitExceeded, match=r"definition: .* the limit is 9,000 .* fewer electrons"
    ):
        compile_dispatch(manifest([(i, i + 1) for i in range(1_999)]), place, "me", budget)


def test_division_does_not_change_the_sheets(shapes: ModuleType, place: Place) -> None:
    manifest = shapes.manifest(shapes.grid(8))
    whole = compile_dispatch(manifest, place, "me", AMPLE)
    divided = compile_dispatch(manifest, place, "me", Weight(8_000, 100))
    assert divided.pages == whole.pages
    assert len(divided.machines) > 1


def _machines(compiled: Compiled) -> Iterator[dict[str, Any]]:
    for machine in compiled.machines:
        yield json.loads(machine.definition)


def test_each_machine_is_made_before_the_one_that_calls_it(
    shapes: ModuleType, place: Place
) -> None:
    compiled = compile_dispatch(shapes.manifest(shapes.grid(8)), place, "me", Weight(6_000, 60))
    known: set[str] = set()
    for machine, definition in zip(compiled.machines, _machines(compiled), strict=True):
        text = json.dumps(definition)
        called = {each for each in (m.name for m in compiled.machines) if each in text}
        assert called <= known
        known.add(machine.name)


def test_a_parallel_of_one_map_is_the_map(shapes: ModuleType, place: Place) -> None:
    names = dict.fromkeys(range(1, 5_001), "work")
    edges = [*shapes.fan_out(5_001), *((i, 5_001) for i in range(1, 5_001))]
    compiled = compile_dispatch(shapes.manifest(edges, names=names), place, "me")
    assert [type(item) for item in compiled.plan.items] == [Task, Each, Task]
    assert not any(isinstance(item, Parallel) for item in compiled.plan.walk())
