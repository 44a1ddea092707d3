"""Which machines go, and that a sweep gets on with little time, few calls and failures in between."""

import io
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.control_plane.conftest import Dispatched

from covalent_contracts.ids import new_dispatch_id
from covalent_control_plane import application, objects, sweep
from covalent_control_plane.aws import Aws
from covalent_control_plane.sweep import DAY, MEMORY, UNUSED, YOUNG, Known, condemned

NOW = 1_800_000_000.0
OLD = NOW - UNUSED - 1
LONG = 1e6
"""Seconds that are enough for all."""


def name_of(number: int) -> str:
    return f"covalent-{number:040x}"


def definition(*parts: str) -> str:
    """A machine that starts others, deep inside."""
    states = {
        part: {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {"StateMachineArn": f"arn:aws:states:eu-west-1:1:stateMachine:{part}"},
        }
        for part in parts
    }
    other = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {}}
    return json.dumps({"States": {"all": {"Branches": [{"States": {**states, "other": other}}]}}})


@dataclass
class Execution:
    """One execution; `stopped` is None while it runs."""

    name: str
    started: float
    stopped: float | None


@dataclass
class Machine:
    """A machine of the account."""

    definition: str
    created: float
    executions: list[Execution] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        return any(each.stopped is None for each in self.executions)

    @property
    def used(self) -> float:
        return max([self.created, *(each.stopped or NOW * 2 for each in self.executions)])


class Account:
    """Step Functions, with a clock that calls and pauses move on."""

    def __init__(self, aws: Aws, machines: Mapping[str, Machine], seconds: float = LONG) -> None:
        self.machines = dict(machines)
        self.left = seconds
        self.exceptions = aws.states.exceptions
        self.meta = aws.states.meta
        self.calls: list[str] = []
        self.broken: set[tuple[str, str]] = set()

    def remaining(self) -> float:
        return self.left

    def sleep(self, seconds: float) -> None:
        self.left -= seconds

    def _find(self, call: str, arn: str) -> Machine:
        name = arn.rpartition(":")[2]
        self.calls.append(call)
        self.left -= 0.05
        if (call, name) in self.broken:
            raise self.exceptions.ClientError({"Error": {"Code": "AccessDenied"}}, call)
        if name not in self.machines:
            raise self.exceptions.StateMachineDoesNotExist({"Error": {}}, call)
        return self.machines[name]

    def get_paginator(self, _: str) -> "Account":
        return self

    def paginate(self) -> Iterator[dict[str, Any]]:
        listed = [
            {"name": name, "creationDate": _at(each.created)}
            for name, each in self.machines.items()
        ]
        for begin in range(0, len(listed), 3):
            yield {"stateMachines": listed[begin : begin + 3]}

    def describe_state_machine(self, *, stateMachineArn: str) -> dict[str, str]:  # noqa: N803  # AWS's
        return {"definition": self._find("describe", stateMachineArn).definition}

    def list_executions(
        self,
        *,
        stateMachineArn: str,  # noqa: N803  # AWS's names
        maxResults: int,  # noqa: N803
        statusFilter: str = "",  # noqa: N803
    ) -> dict[str, Any]:
        call = "list running" if statusFilter else "list"
        found = self._find(call, stateMachineArn).executions
        found = sorted(found, key=lambda each: each.started, reverse=True)
        wanted = [each for each in found if not statusFilter or each.stopped is None]
        return {"executions": [_shown(each) for each in wanted[:maxResults]]}

    def delete_state_machine(self, *, stateMachineArn: str) -> None:  # noqa: N803
        machine = self._find("delete", stateMachineArn)
        assert not machine.runs
        del self.machines[stateMachineArn.rpartition(":")[2]]


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _shown(execution: Execution) -> dict[str, Any]:
    shown = {"name": execution.name, "startDate": _at(execution.started)}
    return shown if execution.stopped is None else {**shown, "stopDate": _at(execution.stopped)}


def _sweep(aws: Aws, account: Any, now: float = NOW) -> sweep.Swept:
    return sweep.sweep(replace(aws, states=account), now, account.remaining, account.sleep)


def used(at: float | None, created: float = OLD, name: str = "") -> Machine:
    """A machine that was last used then, or never."""
    name = name or new_dispatch_id()
    return Machine(definition(), created, [] if at is None else [Execution(name, at - 1, at)])


@pytest.mark.parametrize(
    ("machine", "goes"),
    [
        (used(None), True),
        (used(None, created=NOW - UNUSED + 1), False),
        (used(OLD), True),
        (used(NOW - UNUSED + 1), False),
        (Machine(definition(), OLD, [Execution("a", OLD, None)]), False),
        (Machine(definition(), OLD, [Execution("a", OLD - 9, None), Execution("b", OLD, OLD)]), False),
        (Machine(definition(), OLD, [Execution("long", OLD - 9, NOW - 5)]), False),
    ],
    ids=["never used", "new", "unused", "used", "running", "an older one runs", "ended today"],
)  # fmt: skip
def test_a_machine_goes_when_it_was_not_used_for_long(
    aws: Aws, machine: Machine, goes: bool
) -> None:
    account = Account(aws, {name_of(1): machine})
    assert _sweep(aws, account).deleted == [name_of(1)] * goes
    assert (name_of(1) in account.machines) is not goes


@pytest.mark.parametrize(
    "name",
    ["covalent-dev-" + "0" * 40, "covalent-" + "0" * 39, "covalent-" + "g" * 40, "x" + name_of(1)],
)
def test_machines_of_others_are_not_ours_to_delete(aws: Aws, name: str) -> None:
    account = Account(aws, {name: used(None)})
    assert _sweep(aws, account) == sweep.Swept()
    assert account.calls == []


def test_a_part_stays_while_a_machine_names_it(aws: Aws) -> None:
    """It never ran: the dispatch that would have started it was stopped before."""
    main, part = name_of(1), name_of(2)
    in_use = Machine(definition(part), OLD, [Execution(new_dispatch_id(), NOW - 9, NOW - 8)])
    account = Account(aws, {part: used(None), main: in_use})
    assert _sweep(aws, account).deleted == []


def test_parts_go_the_day_after_their_main_machine(aws: Aws) -> None:
    main, part = name_of(1), name_of(2)
    account = Account(
        aws, {part: used(OLD), main: Machine(definition(part), OLD, used(OLD).executions)}
    )
    assert _sweep(aws, account).deleted == [main]
    assert _sweep(aws, account, NOW + DAY).deleted == [part]


def test_a_main_machine_without_one_of_its_parts_goes(aws: Aws) -> None:
    """Someone deleted the part: every dispatch of this shape would fail."""
    broken, young = name_of(1), name_of(2)
    parts = definition(name_of(3))
    ran = [Execution(new_dispatch_id(), NOW - 9, NOW - 8)]
    account = Account(
        aws, {broken: Machine(parts, OLD, ran), young: Machine(parts, NOW - YOUNG + 1, ran)}
    )
    assert _sweep(aws, account).deleted == [broken]
    account.machines[young].executions.append(Execution(new_dispatch_id(), NOW, None))
    assert _sweep(aws, account, NOW + DAY).deleted == []


def test_a_failure_on_one_does_not_stop_the_others(aws: Aws) -> None:
    account = Account(aws, {name_of(i): used(OLD) for i in range(1, 6)})
    account.broken = {("delete", name_of(1)), ("list", name_of(2)), ("list running", name_of(3))}
    swept = _sweep(aws, account)
    assert swept.deleted == [name_of(4), name_of(5)]
    assert sorted(swept.failed) == [name_of(1), name_of(2), name_of(3)]


def test_a_definition_that_cannot_be_read_may_name_any_part(aws: Aws) -> None:
    """So only those go that were last used by a dispatch of their own."""
    secret, part, main = name_of(1), name_of(2), name_of(3)
    account = Account(
        aws,
        {
            secret: used(NOW - 5),
            part: used(OLD, name=f"{new_dispatch_id()}-17"),
            name_of(4): used(None),
            main: used(OLD),
        },
    )
    account.broken = {("describe", secret)}
    assert _sweep(aws, account).deleted == [main]


def test_one_that_vanishes_meanwhile_is_no_failure(aws: Aws) -> None:
    account = Account(aws, {name_of(1): used(OLD), name_of(2): used(OLD)})
    describe = account.describe_state_machine

    def vanish(*, stateMachineArn: str) -> dict[str, str]:  # noqa: N803  # AWS's
        account.machines.pop(name_of(1), None)
        return describe(stateMachineArn=stateMachineArn)

    account.describe_state_machine = vanish  # type: ignore[method-assign]  # one call differs
    assert _sweep(aws, account) == sweep.Swept(deleted=[name_of(2)])


def test_what_was_learnt_is_not_asked_again(aws: Aws) -> None:
    account = Account(aws, {name_of(i): used(NOW - i * DAY) for i in range(1, 20)})
    _sweep(aws, account)
    account.calls.clear()
    _sweep(aws, account, NOW + DAY)
    assert account.calls == []
    _sweep(aws, account, NOW + 15 * DAY)
    assert account.calls.count("list") == 5  # the last 5 may have been used since, or not


@pytest.mark.parametrize("held", [b"{", b"[]", b'{"a": 1}', b'{"a": [1, 2, 3]}'])
def test_a_memory_that_cannot_be_read_is_made_anew(aws: Aws, held: bytes) -> None:
    objects.write(aws, {MEMORY: held})
    account = Account(aws, {name_of(1): used(OLD), name_of(2): used(NOW)})
    assert _sweep(aws, account).deleted == [name_of(1)]
    assert json.loads(objects.read(aws, MEMORY)).keys() == {name_of(2)}


def test_days_with_little_time_get_through_all(aws: Aws) -> None:
    """Each has time for a few calls; none is overdrawn, and in the end what may go has gone."""
    machines = {name_of(i): used(OLD if i % 3 else NOW) for i in range(1, 60)}
    machines[name_of(60)] = Machine(definition(name_of(1)), OLD, used(NOW).executions)
    account = Account(aws, machines)
    for day in range(20):
        account.left = sweep.RESERVE + 10
        _sweep(aws, account, NOW + day)
        assert account.left > sweep.RESERVE - 2
    gone = {name for name, each in machines.items() if each.used <= NOW - UNUSED} - {name_of(1)}
    assert account.machines.keys() == machines.keys() - gone


_facts = st.tuples(
    st.none() | st.lists(st.integers(0, 9), max_size=2), st.booleans(), st.booleans(), st.booleans()
)


@given(st.dictionaries(st.integers(0, 7), _facts))
def test_nothing_goes_that_may_be_needed(
    drawn: dict[int, tuple[list[int] | None, bool, bool, bool]],
) -> None:
    created = {str(n): NOW if young else OLD for n, (_, _, _, young) in drawn.items()}
    known = {
        str(n): Known(None if parts is None else tuple(map(str, parts)), 0, is_main)
        for n, (parts, is_main, _, _) in drawn.items()
    }
    unused = {str(n) for n, (_, _, is_unused, _) in drawn.items() if is_unused}
    going = set(condemned(created, known, unused, NOW))
    for name, each in known.items():
        assert not going & set(each.parts or ())
        cannot_run = bool(set(each.parts or ()) - created.keys())
        if name in going:
            assert name in unused or (cannot_run and created[name] == OLD)
    if all(each.parts is not None for each in known.values()):
        named = {part for each in known.values() for part in each.parts or ()}
        assert unused - named <= going


class Bucket:
    """One object in memory."""

    def __init__(self, aws: Aws) -> None:
        self.exceptions = aws.objects.exceptions
        self.body: bytes | None = None

    def put_object(self, *, Body: bytes, **_: str) -> None:  # noqa: N803  # AWS's name
        self.body = Body

    def get_object(self, **_: str) -> dict[str, io.BytesIO]:
        if self.body is None:
            raise self.exceptions.NoSuchKey({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.body)}


@st.composite
def _accounts(draw: st.DrawFn) -> dict[str, Machine]:
    """Main machines with parts they share, each used some days ago, some running, some aborted before their parts."""
    days = st.integers(0, 60)
    parts = {
        name_of(n): Machine(definition(), NOW - 60 * DAY) for n in range(draw(st.integers(0, 4)))
    }
    mains: dict[str, Machine] = {}
    for number in range(draw(st.integers(0, 5))):
        own = draw(st.lists(st.sampled_from(sorted(parts)), unique=True)) if parts else []
        machine = mains[name_of(100 + number)] = Machine(definition(*own), NOW - 60 * DAY)
        for _ in range(draw(st.integers(0, 2))):
            began = NOW - draw(days) * DAY
            ended = draw(st.none() | st.just(began))
            machine.executions.append(Execution(new_dispatch_id(), began, ended))
            for part in own[: draw(st.integers(0, len(own)))]:
                name = f"{machine.executions[-1].name}-{part[-1]}"
                parts[part].executions.append(Execution(name, began, ended))
    return {**parts, **mains}


@settings(max_examples=60, deadline=None)
@given(machines=_accounts(), seconds=st.lists(st.integers(30, 45), min_size=2, max_size=8))
def test_a_main_machine_always_has_its_parts_and_no_execution_is_stopped(
    clients: Aws, machines: dict[str, Machine], seconds: list[int]
) -> None:
    aws = replace(clients, objects=cast("Any", Bucket(clients)))
    account = Account(aws, machines)
    for day, left in enumerate([*seconds, LONG, LONG]):
        account.left = left
        _sweep(aws, account, NOW + day)  # the account itself refuses to delete one that runs
        for each in account.machines.values():
            assert account.machines.keys() >= set(sweep.parts_of(each.definition))
    kept = account.machines
    named = {part for each in kept.values() for part in sweep.parts_of(each.definition)}
    for name, each in machines.items():
        assert (name in kept) == (each.used > NOW - UNUSED or name in named)


def test_on_an_emulated_aws(aws: Aws, dispatched: Dispatched) -> None:
    dispatched()
    (machine,) = aws.states.list_state_machines()["stateMachines"]
    arn = machine["stateMachineArn"]
    (execution,) = aws.states.list_executions(stateMachineArn=arn)["executions"]

    def later(seconds: float) -> list[str]:
        return sweep.sweep(aws, time.time() + seconds, lambda: LONG, lambda _: None).deleted

    assert later(2 * UNUSED) == []  # it still runs
    aws.states.stop_execution(executionArn=execution["executionArn"])
    assert later(UNUSED - DAY) == []
    assert later(3 * UNUSED + DAY) == [machine["name"]]
    assert aws.states.list_state_machines()["stateMachines"] == []
    dispatched()
    assert len(aws.states.list_state_machines()["stateMachines"]) == 1


def test_the_schedule_sweeps(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 900_000

    monkeypatch.setattr(sweep, "LISTING", 0.0)
    event = {
        **dict.fromkeys(("version", "account", "region", "source", "time", "id"), ""),
        "detail-type": "Scheduled Event",
        "detail": {},
        "resources": [],
    }
    assert application.sweep(event, Context()) == {"deleted": 0, "failed": 0}
