"""Compiled definitions and sheets under a small Step Functions and the runner's protocol, with failures thrown in.

The machine's steps are taken in random order. Whatever fails, every execution must end; an electron completes if
neither it nor an ancestor failed, and never runs if an ancestor did.
"""

import json
import random
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import count
from types import ModuleType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from covalent_contracts import sheet
from covalent_contracts.sheet import Sheet
from covalent_step_functions.compiler import Compiled, compile_dispatch
from covalent_step_functions.weights import Weight

Edges = list[tuple[int, int]]

Steps = Generator[None, None, None]
Data = Mapping[str, Any]
RETRIES = 2


class StateFailed(Exception):
    """A state of the machine ended with an error."""


class Execution:
    """One dispatch. Electrons in `broken` fail, those in `killed` die unrecorded, gates in `lost` break down.

    Those in `late` commit, but their states fail; those in `flaky` fail until their last try. Nested executions and
    batches die as soon as an electron in `fatal` has started in them.
    """

    def __init__(self, compiled: Compiled, **faults: Iterable[int]) -> None:
        pages = (sheet.load(page) for page in compiled.pages.values())
        self.sheets: dict[int, Sheet] = {k: v for page in pages for k, v in page.sheets.items()}
        self.machines = {each.name: json.loads(each.definition) for each in compiled.machines}
        self.machine = self.machines[compiled.name]
        self.broken = set(faults.get("broken", ()))
        self.killed = set(faults.get("killed", ()))
        self.lost = set(faults.get("lost", ()))
        self.late = set(faults.get("late", ()))
        self.flaky = set(faults.get("flaky", ()))
        self.fatal = set(faults.get("fatal", ()))
        self.status: dict[int, str] = {}
        self.tries = Counter[int]()
        self.arrived: dict[int, set[int]] = {}
        self.doomed: set[int] = set()
        self.transitions = 0
        self.has_failed = False
        self.live: list[tuple[str, Steps]] = []
        self.dead: set[str] = set()
        self.began: set[str] = set()

    def run(self, rng: random.Random) -> None:
        """Take steps in random order; fail if nothing moves any more."""
        self.live = [("", self._branch(self.machine, {}, ""))]
        idle = 0
        while self.live:
            index = rng.randrange(len(self.live))
            before = self._state_of_affairs()
            execution, steps = self.live[index]
            try:
                if any(execution.startswith(dead) for dead in self.dead):
                    raise StopIteration
                next(steps)
            except StopIteration:
                self.live.pop(index)
            idle = idle + 1 if before == self._state_of_affairs() else 0
            assert idle < 200 * (len(self.live) + 1), "the execution hangs"

    def _state_of_affairs(self) -> tuple[int, ...]:
        return (self.transitions, len(self.live), len(self.status), len(self.doomed))

    def _branch(self, machine: dict[str, Any], data: Data, execution: str) -> Steps:
        name = machine["StartAt"]
        while name is not None:
            state = machine["States"][name]
            self.transitions += 1
            yield
            try:
                data = yield from self._tried(state, data, execution)
                name = state.get("Next")
            except StateFailed as error:
                name = state["Catch"][0]["Next"]
                data = {**data, "error": str(error)}

    def _tried(
        self, state: dict[str, Any], data: Data, execution: str
    ) -> Generator[None, None, Data]:
        for retry in count():
            try:
                return (yield from self._state(state, data, execution))
            except StateFailed as error:
                most = sum(
                    each["MaxAttempts"]
                    for each in state.get("Retry", ())
                    if str(error) in each["ErrorEquals"]
                )
                if retry >= most:
                    raise
        raise AssertionError

    def _state(
        self, state: dict[str, Any], data: Data, execution: str
    ) -> Generator[None, None, Data]:
        match state["Type"]:
            case "Parallel":
                branches = [self._branch(each, data, execution) for each in state["Branches"]]
                yield from self._all((execution, each) for each in branches)
            case "Pass":
                return {**data, "rows": state["Result"]}
            case "Map" if "ItemBatcher" in state:
                yield from self._batches(state, data, execution)
                return {**data, "error": state["ResultSelector"]["Error"]}
            case "Map":
                body, rows = state["ItemProcessor"], data[state["ItemsPath"].removeprefix("$.")]
                assert len(rows) <= 40
                yield from self._all(
                    (execution, self._branch(body, {"row": row}, execution)) for row in rows
                )
            case "Task" if "startExecution" in state["Resource"]:
                yield from self._nested(state, execution)
            case "Task":
                yield from self._call(state["Parameters"]["Payload"], data, execution)
        return data

    def _all(self, branches: Iterable[tuple[str, Steps]]) -> Steps:
        """Run branches at once, each in its execution; go on when all have ended or are dead."""
        running = dict(enumerate(branches))

        def watched(number: int, steps: Steps) -> Steps:
            yield from steps
            del running[number]

        self.live += [(name, watched(number, steps)) for number, (name, steps) in running.items()]
        while any(name not in self.dead for name, _ in running.values()):
            yield

    def _nested(self, state: dict[str, Any], execution: str) -> Steps:
        arn, name = state["Parameters"]["StateMachineArn"], state["Parameters"]["Name.$"]
        child = f"{execution}/{name}"
        assert child not in self.began, "starts twice"
        self.began.add(child)
        machine = self.machines[arn.rpartition(":")[2]]
        yield from self._all([(child, self._branch(machine, {}, child))])
        if child in self.dead:
            raise StateFailed("States.TaskFailed")

    def _batches(self, state: dict[str, Any], data: Data, execution: str) -> Steps:
        size, rows = state["ItemBatcher"]["MaxItemsPerBatch"], data["rows"]
        assert state["ToleratedFailurePercentage"] == 100
        batches = [rows[start : start + size] for start in range(0, len(rows), size)]
        self.transitions += len(batches)
        children = [f"{execution}/{batch[0]}" for batch in batches]
        yield from self._all(
            (child, self._branch(state["ItemProcessor"], {"Items": batch}, child))
            for child, batch in zip(children, batches, strict=True)
        )

    def _call(self, payload: dict[str, Any], data: Data, execution: str) -> Steps:
        match payload["do"]:
            case "run":
                self._run(self.sheets[_value(payload, "node", data)], execution)
            case "wait":
                yield from self._wait(payload["node"], payload["needs"])
            case "report":
                self._report(_value(payload, "nodes", data), data["error"])
            case "lost":
                self._settle(_value(payload, "nodes", data))

    def _run(self, sheet: Sheet, execution: str) -> None:
        if not self._can_run(sheet):
            raise StateFailed("UpstreamFailed")
        if self.status.get(sheet.id) == "FAILED":
            raise StateFailed("ElectronFailed")
        if self.status.get(sheet.id) == "COMPLETED":
            assert sheet.id in self.late, "runs twice"
            return
        assert sheet.id not in self.status or sheet.id in self.flaky, "runs twice"
        self.tries[sheet.id] += 1
        if sheet.id in self.fatal and execution:
            self.status[sheet.id] = "RUNNING"
            self.dead.add(execution)
            return
        if sheet.id in self.killed:
            self.status[sheet.id] = "RUNNING"
            raise StateFailed("States.Timeout" if not sheet.retries else "Lambda.Unknown")
        if sheet.id in self.flaky and self.tries[sheet.id] <= sheet.retries:
            self.status[sheet.id] = "RUNNING"
            raise StateFailed("ElectronFailed")
        if sheet.id in self.broken:
            self.status[sheet.id] = "FAILED"
            raise StateFailed("ElectronFailed")
        self.status[sheet.id] = "COMPLETED"
        self._arrive(sheet)
        if sheet.id in self.late:
            raise StateFailed("States.Timeout")

    def _can_run(self, sheet: Sheet) -> bool:
        return all(self.status.get(each) == "COMPLETED" for each in sheet.inputs + sheet.waits)

    def _arrive(self, sheet: Sheet) -> None:
        for gate in sheet.releases:
            self.arrived.setdefault(gate, set()).add(sheet.id)

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
        self._doom(stopped)

    def _settle(self, nodes: Iterable[Any]) -> None:
        """What the runner does with `Lost`."""
        open_ = set(_flat(nodes))
        for node in sorted(open_):
            status, sheet = self.status.get(node), self.sheets[node]
            if status == "COMPLETED":
                self._arrive(sheet)
                continue
            if status == "RUNNING" or self._could_run(sheet):
                self.status[node] = "FAILED"
            self.has_failed = True
            self._doom(node)

    def _could_run(self, sheet: Sheet) -> bool:
        return all(
            self.status.get(each) in ("COMPLETED", "RUNNING") for each in sheet.inputs + sheet.waits
        )

    def _doom(self, stopped: int) -> None:
        todo, below = [stopped], {stopped}
        while todo:
            found = set(self.sheets[todo.pop()].children) - below
            todo += found
            below |= found
        self.doomed |= {node for node in below - {stopped} if self.sheets[node].gated}


def _value(payload: dict[str, Any], name: str, data: Data) -> Any:
    """A field of a payload, or what is where its path leads to."""
    if name in payload:
        return payload[name]
    field, _, index = payload[f"{name}.$"].removeprefix("$.").partition("[")
    return data[field][int(index.rstrip("]"))] if index else data[field]


def _flat(nodes: Iterable[Any]) -> Iterator[int]:
    for node in nodes:
        yield from node if isinstance(node, list) else (node,)


@st.composite
def workflows(draw: st.DrawFn, shapes: ModuleType, most: int = 16) -> tuple[Edges, int, Compiled]:
    """A compiled DAG: wide or deep or anything, in one machine or in many small ones."""
    n, seed = draw(st.integers(1, most)), draw(st.integers(0, 10_000))
    kind = draw(st.sampled_from(["scattered", "wide", "chains"]))
    if kind == "scattered":
        edges = shapes.scattered(n, draw(st.sampled_from([0.05, 0.15, 0.3, 0.5])), seed)
    else:
        length = draw(st.integers(1, 3)) if kind == "chains" else 1
        edges = _fans(n, length)
    attributes = {"retries": draw(st.sampled_from([0, RETRIES]))}
    manifest = shapes.manifest(
        edges,
        n,
        names=dict.fromkeys(range(n), "work") if draw(st.booleans()) else None,
        executors={"local": {"name": "local", "attributes": attributes}},
    )
    budget = draw(
        st.sampled_from(
            [Weight(10**9, 10**9), Weight(10**9, 60), Weight(9_000, 10**9), Weight(5_000, 40)]
        )
    )
    return edges, n, compile_dispatch(manifest, shapes.PLACE, "me", budget)


def _fans(n: int, length: int) -> Edges:
    """One, then chains of some length beside each other, then one that needs them all."""
    last = n - 1
    heads = range(1, last, length)
    edges = [(0, head) for head in heads]
    edges += [(i, i + 1) for i in range(1, last - 1) if i + 1 not in heads]
    return edges + [(i, last) for i in range(last) if i + 1 == last or i + 1 in heads]


def ancestors(edges: list[tuple[int, int]], n: int) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for node in range(n):
        found[node] = {one for a, b in edges if b == node for one in {a} | found[a]}
    return found


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_failure_stops_its_descendants_and_nothing_else(
    data: st.DataObject, shapes: ModuleType
) -> None:
    edges, n, compiled = data.draw(workflows(shapes))
    some = st.sets(st.integers(0, n - 1), max_size=3)
    broken, killed, flaky = data.draw(some), data.draw(some), data.draw(some)
    execution = Execution(compiled, broken=broken, killed=killed, flaky=flaky)
    execution.run(random.Random(data.draw(st.integers(0, 10_000))))
    failing = broken | killed
    for node, above in ancestors(edges, n).items():
        if above & failing:
            assert node not in execution.status
        else:
            assert execution.status[node] == ("FAILED" if node in failing else "COMPLETED")


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_an_execution_that_dies_takes_its_electrons_and_their_descendants_with_it(
    data: st.DataObject, shapes: ModuleType
) -> None:
    edges, n, compiled = data.draw(workflows(shapes, 60))
    fatal = data.draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=3))
    execution = Execution(compiled, fatal=fatal)
    execution.run(random.Random(data.draw(st.integers(0, 10_000))))
    assert "RUNNING" not in execution.status.values()
    for node, above in ancestors(edges, n).items():
        if execution.status.get(node) == "COMPLETED":
            assert all(execution.status.get(each) == "COMPLETED" for each in above)
    assert execution.has_failed == bool(execution.dead)
    if not execution.dead:
        assert execution.status == dict.fromkeys(range(n), "COMPLETED")


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_broken_gate_does_not_hang_the_execution(data: st.DataObject, shapes: ModuleType) -> None:
    edges, n, compiled = data.draw(workflows(shapes))
    execution = Execution(compiled)
    gates = [node for node, each in execution.sheets.items() if each.gated]
    execution.lost = set(gates[: data.draw(st.integers(0, 2))])
    execution.run(random.Random(data.draw(st.integers(0, 10_000))))
    assert all(
        execution.status[gate] == "FAILED" for gate in execution.lost if gate in execution.status
    )
    for node, above in ancestors(edges, n).items():
        if execution.status.get(node) == "COMPLETED":
            assert all(execution.status[each] == "COMPLETED" for each in above)
    if execution.lost:
        assert "FAILED" in execution.status.values()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_state_that_fails_after_its_commit_does_not_hang_the_execution(
    data: st.DataObject, shapes: ModuleType
) -> None:
    """The report cannot tell such a state from the next one of its line, and fails that one in its place."""
    edges, n, compiled = data.draw(workflows(shapes))
    late = data.draw(st.sets(st.integers(0, n - 1), max_size=3))
    execution = Execution(compiled, late=late)
    execution.run(random.Random(data.draw(st.integers(0, 10_000))))
    failed = {node for node, status in execution.status.items() if status == "FAILED"}
    for node, above in ancestors(edges, n).items():
        if above & failed:
            assert execution.status.get(node) != "COMPLETED"
        else:
            assert node in execution.status


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_without_failures_it_takes_the_transitions_that_were_promised(
    data: st.DataObject, shapes: ModuleType
) -> None:
    _, n, compiled = data.draw(workflows(shapes, 100))
    execution = Execution(compiled)
    execution.run(random.Random(data.draw(st.integers(0, 10_000))))
    assert execution.transitions == compiled.cost.transitions
    assert execution.status == dict.fromkeys(range(n), "COMPLETED")
