"""One gate and its parents under duplicated, reordered, interleaved and cut-short deliveries.

The runner's own code runs against an emulated DynamoDB, each delivery in a thread. One thread moves at a time, from one
request to the next, in an order that Hypothesis draws; a delivery that is cut short dies after a request was made.
"""

import random
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covalent_contracts import pickling, records
from covalent_contracts.envelope import Envelope, Lost, Report, Run, Wait
from covalent_contracts.sheet import Page, Sheet
from covalent_runner import run as running
from covalent_runner.aws_table import Table
from covalent_runner.errors import ElectronFailed
from covalent_runner.execute import Execution
from covalent_runner.lambda_handler import handle
from covalent_runner.streams import Streams

from .conftest import OWNER, TABLE, Clients, Dispatch, TokenStore

GATE = 9
PATIENCE = 6
"""Looks at the record after which a delivery stops waiting for another one."""


class Died(BaseException):
    """The process of a delivery was killed."""


class Turns:
    """Threads of which one moves at a time."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._back = threading.Semaphore(0)
        self._own = threading.local()
        self.errors: list[BaseException] = []

    def take(self) -> None:
        """Let others move; called wherever a delivery touches the outside world."""
        turn = getattr(self._own, "turn", None)
        if turn is not None:
            self._back.release()
            turn.acquire()

    def run(self, actors: list[Callable[[], None]]) -> None:
        """Run all of them to their ends."""
        turns = [threading.Semaphore(0) for _ in actors]
        live = list(range(len(actors)))
        for turn, act in zip(turns, actors, strict=True):
            threading.Thread(target=self._act, args=(turn, act, live, turns), daemon=True).start()
        while live:
            turns[self._rng.choice(live)].release()
            self._back.acquire()
        if self.errors:
            raise self.errors[0]

    def _act(self, turn: Any, act: Callable[[], None], live: list[int], turns: list[Any]) -> None:
        self._own.turn = turn
        turn.acquire()
        try:
            act()
        except Died:
            pass
        except BaseException as exc:  # noqa: BLE001  # handed to the thread of the test
            self.errors.append(exc)
        live.remove(turns.index(turn))
        self._back.release()


@dataclass
class StepClient:
    """DynamoDB's client, of a process that dies after some requests."""

    client: Any
    turns: Turns
    requests: int | None = None

    def __getattr__(self, action: str) -> Any:
        return lambda **request: self._do(action, request)

    def _do(self, action: str, request: Mapping[str, Any]) -> Any:
        self.step()
        try:
            return getattr(self.client, action)(**request)
        finally:
            self.step(-1)

    def step(self, made: int = 0) -> None:
        self.turns.take()
        if self.requests is not None:
            self.requests += made
            if self.requests <= 0:
                raise Died


@dataclass
class World:
    """One dispatch: what was delivered and what it came to."""

    clients: Clients
    turns: Turns
    fates: tuple[str, ...]
    dispatch_id: str = field(default_factory=lambda: str(uuid4()))
    answers: list[str] = field(default_factory=list)
    tries: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parents = range(1, len(self.fates) + 1)
        sheets = {
            node: Sheet(
                node, "parent", children=(GATE,), releases=(GATE,), retries=int(fate == "flaky")
            )
            for node, fate in zip(self.parents, self.fates, strict=True)
        }
        sheets[GATE] = Sheet(GATE, "gated", gated=True)
        self.page = Page(self.dispatch_id, self.dispatch_id, OWNER, "", sheets)

    def deliver(self, event: Envelope, cut: int | None = None) -> None:
        """Deliver an event to a process of its own, which dies after `cut` requests."""
        client = StepClient(self.clients.dynamodb, self.turns, cut)
        store = TokenStore()
        vars(store).update(
            _table=Table(client, TABLE),  # type: ignore[arg-type]  # it answers what a client answers
            release=lambda token: self._answer(client, "released"),
            refuse=lambda token, error, cause: self._answer(client, "refused"),
        )
        store._pages.put((self.dispatch_id, 0), self.page, 1)
        looks = iter(range(PATIENCE, -1, -1))
        handle(store, event, lambda: float(next(looks)))

    def _answer(self, client: StepClient, answer: str) -> None:
        client.step()
        found = [self.status(node) for node in self.parents]
        if answer == "released":
            assert set(found) == {"COMPLETED"}
        else:
            assert "FAILED" in found
        self.answers.append(answer)
        client.step(-1)

    def execute(self, _: str, sheet: Sheet, *__: object) -> Execution:
        """What becomes of a try: by the parent's fate."""
        self.tries[sheet.id] = self.tries.get(sheet.id, 0) + 1
        fate = self.fates[sheet.id - 1]
        if fate == "fails" or (fate == "flaky" and self.tries[sheet.id] == 1):
            return Execution(Streams(), error="ValueError: why", reason="ValueError")
        return Execution(Streams(), data=pickling.dumps(sheet.id))

    def item(self, sk: str) -> dict[str, Any]:
        key = {records.PK: {"S": records.dispatch_pk(self.dispatch_id)}, records.SK: {"S": sk}}
        found: dict[str, Any] = self.clients.dynamodb.get_item(TableName=TABLE, Key=key)
        return {name: next(iter(value.values())) for name, value in found.get("Item", {}).items()}

    def status(self, node: int) -> str:
        return str(self.item(records.node_sk(node)).get("status"))

    def line(self, node: int) -> None:
        """What Step Functions does for a parent: retries, and a report in the end."""
        for attempt in range(1 + self.page.sheets[node].retries):
            try:
                self.deliver(Run(self.dispatch_id, node, attempt))
            except ElectronFailed:
                continue
            return
        self.deliver(Report(self.dispatch_id, (node,), "ElectronFailed", ""))

    def wait(self) -> Wait:
        return Wait(self.dispatch_id, GATE, len(self.fates), "token")

    def stray(self, kind: str, node: int, attempt: int) -> Envelope:
        """A delivery that comes at any time: early, late, or beside another one of its kind."""
        match kind:
            case "run":
                return Run(self.dispatch_id, node, min(attempt, self.page.sheets[node].retries))
            case "report":
                return Report(self.dispatch_id, (node,), "States.Timeout", "")
            case "lost":
                return Lost(self.dispatch_id, tuple(self.parents), "States.TaskFailed", "")
            case _:
                return self.wait()


_stray = st.tuples(
    st.sampled_from(["run", "run", "run", "wait", "report", "lost"]),
    st.integers(0, 3),
    st.integers(0, 1),
    st.none() | st.integers(1, 4),
)


def _quietly(do: Callable[[], None]) -> Callable[[], None]:
    def act() -> None:
        with suppress(ElectronFailed):
            do()

    return act


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    fates=st.lists(st.sampled_from(["runs", "runs", "runs", "flaky", "fails"]), min_size=1, max_size=4),
    strays=st.lists(_stray, max_size=6),
    beside=st.integers(0, 6),
    rng=st.randoms(use_true_random=False),
)  # fmt: skip
def test_a_gate_opens_exactly_when_all_its_parents_are_completed(
    dispatch: Dispatch,
    aws: Clients,
    fates: list[str],
    strays: list[tuple[str, int, int, int | None]],
    beside: int,
    rng: random.Random,
) -> None:
    """Some deliveries come before, some beside those that Step Functions repeats to their end."""
    turns = Turns(rng)
    world = World(aws, turns, tuple(fates))

    def delivery(kind: str, node: int, attempt: int, cut: int | None) -> Callable[[], None]:
        event = world.stray(kind, 1 + node % len(fates), attempt)
        return _quietly(lambda: world.deliver(event, cut))

    acts = [delivery(*each) for each in strays]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "execute", world.execute)
        patch.setattr(running, "_check_python", lambda _: None)
        patch.setattr(
            running, "time", SimpleNamespace(sleep=lambda _: turns.take(), monotonic=monotonic)
        )
        turns.run(acts[:beside])
        lines = [partial(world.line, node) for node in world.parents]
        turns.run([*acts[beside:], *lines, lambda: world.deliver(world.wait())])
    ended = {node: world.status(node) for node in world.parents}
    assert set(ended.values()) <= {"COMPLETED", "FAILED"}
    succeeded = "FAILED" not in ended.values()
    assert set(world.answers) == {"released" if succeeded else "refused"}
    assert bool(world.item(records.DISPATCH).get("has_failed")) is not succeeded
    arrived = {int(node) for node in world.item(records.gate_sk(GATE)).get("arrived", ())}
    assert arrived == {node for node, status in ended.items() if status == "COMPLETED"}
    if all(kind == "wait" for kind, *_ in strays):
        assert succeeded == ("fails" not in fates)
