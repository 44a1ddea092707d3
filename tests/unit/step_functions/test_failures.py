"""Compiled definitions and sheets under a small Step Functions and the runner's protocol, with failures thrown in.

The machine's steps are taken in random order. Whatever fails, every execution must end; an electron completes if
neither it nor an ancestor failed, and never runs if an ancestor did.
"""

import json
import random
from collections.abc import Generator, Iterable
from types import ModuleType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from covalent_contracts import sheet
from covalent_contracts.sheet import Sheet
from covalent_step_functions.compiler import Compiled, compile_dispatch

Steps = Generator[None, None, None]


class StateFailed(Exception):
    """A state of the machine ended with an error."""


class Execution:
    """One execution. Electrons in `broken` fail, those in `killed` die unrecorded, gates in `lost` break down.

    Those in `late` commit, but their states fail.
    """

    def __init__(self, compiled: Compiled, **faults: Iterable[int]) -> None:
        pages = (sheet.load(page) for page in compiled.pages.values())
        self.sheets: dict[int, Sheet] = {k: v for page in pages for k, v in page.sheets.items()}
        self.machine = json.loads(compiled.definition)
        self.broken = set(faults.get("broken", ()))
        self.killed = set(faults.get("killed", ()))
        self.lost = set(faults.get("lost", ()))
        self.late = set(faults.get("late", ()))
        self.status: dict[int, str] = {}
        self.arrived: dict[int, set[int]] = {}
        self.doomed: set[int] = set()
        self.transitions = 0

    def run(self, rng: random.Random) -> None:
        """Take steps in random order; fail if nothing moves any more."""
        self.live = [self._branch(self.machine)]
        idle = 0
        while self.live:
            index = rng.randrange(len(self.live))
            before = (self.transitions, len(self.live), len(self.status), len(self.doomed))
            try:
                next(self.live[index])
            except StopIteration:
                self.live.pop(index)
            after = (self.transitions, len(self.live), len(self.status), len(self.doomed))
            idle = idle + 1 if before == after else 0
            assert idle < 200 * (len(self.live) + 1), "the execution hangs"

    def _branch(self, machine: dict[str, Any]) -> Steps:
        name = machine["StartAt"]
        while name is not None:
            state = machine["States"][name]
            self.transitions += 1
            yield
            try:
                yield from self._state(state)
                name = state.get("Next")
            except StateFailed as error:
                name = state["Catch"][0]["Next"]
                machine["States"][name]["error"] = str(error)

    def _state(self, state: dict[str, Any]) -> Steps:
        if state["Type"] == "Parallel":
            yield from self._parallel(state)
        elif state["Type"] == "Task":
            payload = state["Parameters"]["Payload"]
            match payload["do"]:
                case "run":
                    self._run(self.sheets[payload["node"]])
                case "wait":
                    yield from self._wait(payload["node"], payload["needs"])
                case "report":
                    self._report(payload["nodes"], state["error"])

    def _parallel(self, state: dict[str, Any]) -> Steps:
        branches = [self._branch(branch) for branch in state["Branches"]]
        running = set(range(len(branches)))

        def watched(index: int) -> Steps:
            yield from branches[index]
            running.discard(index)

        self.live += [watched(index) for index in running]
        while running:
            yield

    def _run(self, sheet: Sheet) -> None:
        if any(self.status.get(each) != "COMPLETED" for each in sheet.inputs + sheet.waits):
            raise StateFailed("UpstreamFailed")
        if self.status.get(sheet.id) == "FAILED":
            raise StateFailed("ElectronFailed")
        if self.status.get(sheet.id) == "COMPLETED":
            assert sheet.id in self.late, "runs twice"
            return
        assert sheet.id not in self.status, "runs twice"
        if sheet.id in self.killed:
            self.status[sheet.id] = "RUNNING"
            raise StateFailed("States.Timeout")
        if sheet.id in self.broken:
            self.status[sheet.id] = "FAILED"
            raise StateFailed("ElectronFailed")
        self.status[sheet.id] = "COMPLETED"
        for gate in sheet.releases:
            self.arrived.setdefault(gate, set()).add(sheet.id)
        if sheet.id in self.late:
            raise StateFailed("States.Timeout")

    def _wait(self, gate: int, needs: int) -> Steps:
        if gate in self.lost:
            raise StateFailed("Lambda.Unknown")
        while len(self.arrived.get(gate, ())) < needs:
            if gate in self.doomed:
                raise StateFailed("UpstreamFailed")
            yield
        assert len(self.arrived[gate]) == needs

    def _report(self, nodes: list[int], error: str) -> None:
        stopped = next((node for node in nodes if self.status.get(node) != "COMPLETED"), None)
        if stopped is None:
            return
        if error != "UpstreamFailed":
            self.status[stopped] = "FAILED"
        todo = list(self.sheets[stopped].children)
        while todo:
            node = todo.pop()
            todo += self.sheets[node].children
            if self.sheets[node].gated:
                self.doomed.add(node)


def ancestors(edges: list[tuple[int, int]], n: int) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for node in range(n):
        found[node] = {one for a, b in edges if b == node for one in {a} | found[a]}
    return found


@settings(max_examples=150, deadline=None)
@given(data=st.data(), n=st.integers(1, 16), seed=st.integers(0, 10_000))
def test_a_failure_stops_its_descendants_and_nothing_else(
    data: st.DataObject, n: int, seed: int, shapes: ModuleType
) -> None:
    edges = shapes.scattered(n, data.draw(st.sampled_from([0.05, 0.15, 0.3, 0.5])), seed)
    some = st.sets(st.integers(0, n - 1), max_size=3)
    broken, killed = data.draw(some), data.draw(some)
    execution = Execution(
        compile_dispatch(shapes.manifest(edges, n), shapes.PLACE, "me"),
        broken=broken,
        killed=killed,
    )
    execution.run(random.Random(seed))
    failing = broken | killed
    for node, above in ancestors(edges, n).items():
        if above & failing:
            assert node not in execution.status
        else:
            assert execution.status[node] == ("FAILED" if node in failing else "COMPLETED")


@settings(max_examples=100, deadline=None)
@given(data=st.data(), n=st.integers(4, 16), seed=st.integers(0, 10_000))
def test_a_broken_gate_does_not_hang_the_execution(
    data: st.DataObject, n: int, seed: int, shapes: ModuleType
) -> None:
    edges = shapes.scattered(n, data.draw(st.sampled_from([0.1, 0.2, 0.3])), seed)
    compiled = compile_dispatch(shapes.manifest(edges, n), shapes.PLACE, "me")
    execution = Execution(compiled)
    gates = [node for node, each in execution.sheets.items() if each.gated]
    execution.lost = set(gates[: data.draw(st.integers(0, 2))])
    execution.run(random.Random(seed))
    assert all(
        execution.status[gate] == "FAILED" for gate in execution.lost if gate in execution.status
    )
    for node, above in ancestors(edges, n).items():
        if execution.status.get(node) == "COMPLETED":
            assert all(execution.status[each] == "COMPLETED" for each in above)
    if execution.lost:
        assert "FAILED" in execution.status.values()


@settings(max_examples=150, deadline=None)
@given(data=st.data(), n=st.integers(1, 16), seed=st.integers(0, 10_000))
def test_a_state_that_fails_after_its_commit_does_not_hang_the_execution(
    data: st.DataObject, n: int, seed: int, shapes: ModuleType
) -> None:
    """The report cannot tell such a state from the next one of its line, and fails that one in its place."""
    edges = shapes.scattered(n, data.draw(st.sampled_from([0.05, 0.15, 0.3, 0.5])), seed)
    late = data.draw(st.sets(st.integers(0, n - 1), max_size=3))
    execution = Execution(
        compile_dispatch(shapes.manifest(edges, n), shapes.PLACE, "me"), late=late
    )
    execution.run(random.Random(seed))
    failed = {node for node, status in execution.status.items() if status == "FAILED"}
    for node, above in ancestors(edges, n).items():
        if above & failed:
            assert execution.status.get(node) != "COMPLETED"
        else:
            assert node in execution.status


@settings(max_examples=100, deadline=None)
@given(n=st.integers(0, 30), seed=st.integers(0, 10_000))
def test_without_failures_it_takes_the_transitions_that_were_promised(
    n: int, seed: int, shapes: ModuleType
) -> None:
    compiled = compile_dispatch(
        shapes.manifest(shapes.scattered(n, 0.12, seed), n), shapes.PLACE, "me"
    )
    execution = Execution(compiled)
    execution.run(random.Random(seed))
    assert execution.transitions == compiled.cost.transitions
    assert execution.status == dict.fromkeys(range(n), "COMPLETED")
