from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from covalent_contracts.errors import InvalidWorkflow, LimitExceeded
from covalent_contracts.ids import is_dispatch_id, new_dispatch_id
from covalent_contracts.manifest import Manifest
from covalent_contracts.quoted import quoted_size
from covalent_executors.place import Place
from covalent_executors.task import TaskTemplate, lambda_task
from covalent_step_functions import check, quotas
from covalent_step_functions.compiler import compile_dispatch
from covalent_step_functions.cost import TASK_EVENTS, Cost
from covalent_step_functions.names import machine_name
from covalent_step_functions.plan import Gate, Items, Nested, Parallel, Plan, Task
from covalent_step_functions.quotas import Quota

EVERY = [each for each in vars(quotas).values() if isinstance(each, Quota)]
MOST_TASKS = quotas.EVENTS.number // TASK_EVENTS
BATCH = TaskTemplate("arn:aws:states:::batch:submitJob.sync", {})


@pytest.mark.parametrize("quota", EVERY, ids=lambda quota: quota.name)
def test_a_limit_is_met_but_not_exceeded(quota: Quota) -> None:
    quota.check(quota.number - 1)
    quota.check(quota.number)
    with pytest.raises(LimitExceeded) as caught:
        quota.check(quota.number + 1)
    assert (caught.value.limit, caught.value.number) == (quota.name, quota.number)
    for part in (
        quota.name,
        f"{quota.number:,}",
        f"{quota.number + 1:,}",
        quota.source,
        quota.cure,
    ):
        assert part in str(caught.value)


def test_the_numbers_of_aws() -> None:
    """Those that facts of AWS fix; the budgets below them are ours."""
    assert quotas.DEFINITION.number < 1_048_576
    assert quotas.EVENTS.number < quotas.HISTORY == 25_000
    assert quotas.PAYLOAD.number == 262_144
    assert quotas.REQUEST.number * 4 // 3 < 6 * 1024 * 1024 < 10_000_000
    assert (quotas.TIMEOUT.number, quotas.LAMBDA_SECONDS.number) == (99_999_999, 900)
    assert quotas.STATE_NAME == quotas.MACHINE_NAME == quotas.EXECUTION_NAME == 80


def test_the_definition_is_measured_as_it_is_sent() -> None:
    """As a string in a JSON document, where a quotation mark takes two bytes."""
    check.check_definition("x" * quotas.DEFINITION.number)
    with pytest.raises(LimitExceeded, match="definition"):
        check.check_definition('"' + "x" * (quotas.DEFINITION.number - 1))


def test_the_events_of_a_chain() -> None:
    most = (quotas.EVENTS.number - 2) // 5
    check.check_plan(Plan(tuple(Task(i) for i in range(most))))
    with pytest.raises(LimitExceeded, match="20,000"):
        check.check_plan(Plan(tuple(Task(i) for i in range(most + 1))))


@pytest.mark.parametrize("depth", [quotas.MAX_DEPTH - 1, quotas.MAX_DEPTH, quotas.MAX_DEPTH + 1])
def test_nesting(depth: int) -> None:
    items: Items = (Task(0),)
    for node in range(1, depth + 1):
        items = (Parallel((items, (Task(node),))),)
    assert check.depth_of(items) == depth
    if depth <= quotas.MAX_DEPTH:
        check.check_plan(Plan(items))
    else:
        with pytest.raises(LimitExceeded, match="nesting"):
            check.check_plan(Plan(items))


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_the_output_of_a_parallel(over: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = 10 * check.BRANCH_OUTPUT
    monkeypatch.setattr(quotas, "PAYLOAD", replace(quotas.PAYLOAD, number=found - over))
    plan = Plan((Parallel(tuple((Task(i),) for i in range(10))),))
    if over <= 0:
        check.check_plan(plan)
    else:
        with pytest.raises(LimitExceeded, match="output of a Parallel: 570 bytes"):
            check.check_plan(plan)


def test_a_parallel_of_all_electrons_that_fit_puts_out_less_than_a_payload() -> None:
    assert quotas.PAYLOAD.number > MOST_TASKS * check.BRANCH_OUTPUT


def test_a_report_on_all_electrons_that_fit_is_less_than_a_payload() -> None:
    """Their ids in seven digits, and a cause whose characters take four bytes each."""
    assert MOST_TASKS * len("1234567, ") + 4 * quotas.CAUSE < quotas.PAYLOAD.number


def test_the_arrivals_at_a_gate_fit_into_an_item() -> None:
    """DynamoDB counts a string's bytes and three at most beside each; the rest of the item is small."""
    assert quotas.PARENTS.number * (len("1234567") + 3) < quotas.ITEM - 4096


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_the_parents_of_an_electron(over: int) -> None:
    needs = tuple(range(1, quotas.PARENTS.number + over + 1))
    plan = Plan((Gate(0, needs), Task(0)))
    if over <= 0:
        check.check_plan(plan)
    else:
        with pytest.raises(LimitExceeded, match="parents of an electron: 34,134 arrivals"):
            check.check_plan(plan)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_the_electrons_of_a_nested_execution(over: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan((Nested(tuple(Task(node) for node in range(10, 20))),))
    monkeypatch.setattr(quotas, "LOST", replace(quotas.LOST, number=30 - over))
    if over <= 0:
        check.check_plan(plan)
    else:
        with pytest.raises(LimitExceeded, match="electrons of a nested execution: 30 bytes"):
            check.check_plan(plan)


def test_what_was_lost_is_reported_in_one_payload() -> None:
    assert quotas.LOST.number + 4 * quotas.CAUSE < quotas.PAYLOAD.number


def test_the_uploads_that_a_draft_waits_for_fit_into_an_item() -> None:
    assert quotas.UPLOADS.number * (64 + 3) < quotas.ITEM


def test_the_name_of_an_execution() -> None:
    name = new_dispatch_id()
    assert is_dispatch_id(name)
    assert name.replace("-", "").isalnum()
    assert len(name) <= quotas.EXECUTION_NAME


@pytest.mark.parametrize("length", [39, 40, 41])
def test_the_name_of_a_machine_is_cut(length: int) -> None:
    name = machine_name("c" * length, "{}")
    assert len(name) == min(length, 40) + 40
    assert name.startswith("c" * min(length, 40))


@pytest.mark.parametrize("prefix", ["my stack-", "a/b", "größe-", "x*", "a\n", "a:b"])
def test_the_name_of_a_machine_has_no_other_characters(prefix: str) -> None:
    with pytest.raises(LimitExceeded, match="up to 80 letters, digits, - and _; deploy with"):
        machine_name(prefix, "{}")


@pytest.mark.parametrize("seconds", [99_999_998, 99_999_999, 99_999_999.5, 100_000_000])
def test_the_time_limit_of_a_state(seconds: float, place: Place) -> None:
    task = replace(BATCH, time_limit=seconds)
    if seconds <= 99_999_999:
        check.check_task(task, place)
    else:
        with pytest.raises(LimitExceeded, match=r"time_limit: 100,000,000 seconds.* 99,999,999"):
            check.check_task(task, place)


@pytest.mark.parametrize("retries", [999, 1000, 1001])
def test_the_retries_of_a_state(retries: int, place: Place) -> None:
    task = replace(BATCH, retries=retries)
    if retries <= 1000:
        check.check_task(task, place)
    else:
        with pytest.raises(LimitExceeded, match=r"retries: 1,001 tries more.* 1,000"):
            check.check_task(task, place)


@pytest.mark.parametrize("seconds", [899, 900, 900.5, 901])
def test_the_time_limit_of_a_lambda_function(seconds: float, place: Place) -> None:
    task = lambda_task("runner", time_limit=seconds)
    check.check_task(task, place)  # offline nothing stops a runner
    aws = replace(place, runner_seconds=900)
    check.check_task(replace(task, resource=BATCH.resource), aws)
    if seconds <= 900:
        check.check_task(task, aws)
    else:
        with pytest.raises(LimitExceeded, match=r"time_limit: 901 seconds.* 900 \(of a Lambda"):
            check.check_task(task, aws)


@pytest.mark.parametrize("name", ["local", "awslambda"])
def test_a_dispatch_over_the_time_limit_is_refused(name: str, shapes: ModuleType) -> None:
    executors = {"local": {"name": name, "attributes": {"timeout": 5000, "time_limit": 1000}}}
    posted = shapes.manifest(n=1, executors=executors)
    assert '"TimeoutSeconds":1000' in compile_dispatch(posted, shapes.PLACE, "me").definition
    with pytest.raises(LimitExceeded, match="900"):
        compile_dispatch(posted, replace(shapes.PLACE, runner_seconds=900), "me")


@pytest.mark.parametrize(
    ("attribute", "most"), [("retries", quotas.RETRIES), ("time_limit", quotas.TIMEOUT)]
)
def test_what_executors_take_is_what_states_take(
    attribute: str, most: Quota, shapes: ModuleType
) -> None:
    def posted(value: int) -> Any:
        executors = {"local": {"name": "local", "attributes": {attribute: value}}}
        return shapes.manifest(n=1, executors=executors)

    compile_dispatch(posted(most.number), shapes.PLACE, "me")
    with pytest.raises(InvalidWorkflow, match=f"{attribute}.* {most.number}"):
        compile_dispatch(posted(most.number + 1), shapes.PLACE, "me")


def _with_uploads(manifest: Manifest, sizes: list[int]) -> Manifest:
    uploads = [manifest.uploads[0].model_copy(update={"size": size}) for size in sizes]
    return manifest.model_copy(update={"uploads": uploads})


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_uploads(over: int, shapes: ModuleType) -> None:
    many = _with_uploads(shapes.manifest(n=1), [8] * (quotas.UPLOADS.number + over))
    large = _with_uploads(shapes.manifest(n=1), [8, quotas.UPLOAD.number + over])
    if over <= 0:
        check.check_uploads(many)
        check.check_uploads(large)
    else:
        with pytest.raises(LimitExceeded, match="uploads per dispatch: 3,001 objects"):
            check.check_uploads(many)
        with pytest.raises(LimitExceeded, match="size of an upload"):
            check.check_uploads(large)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_the_request(over: int, shapes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    posted = shapes.manifest(shapes.grid(5))
    uses = {use.quota.name: use.found for use in check.uses_of(posted, Cost(), Plan(()))}
    size = uses["request to dispatch"]
    assert 300 < size < len(posted.model_dump_json()) / 3
    monkeypatch.setattr(quotas, "REQUEST", replace(quotas.REQUEST, number=size - over))
    if over <= 0:
        check.check_request(posted)
    else:
        with pytest.raises(LimitExceeded, match="request to dispatch"):
            check.check_request(posted)


def test_uses_are_of_every_limit_that_a_dispatch_can_reach(shapes: ModuleType) -> None:
    posted = shapes.manifest(shapes.fan_out(10))
    compiled = compile_dispatch(posted, shapes.PLACE, "me")
    uses = check.uses_of(posted, compiled.cost, compiled.plan)
    settings = {quotas.TIMEOUT, quotas.RETRIES, quotas.LAMBDA_SECONDS}
    while_it_runs = {quotas.SUBLATTICES, quotas.BUILT}
    assert {use.quota for use in uses} == set(EVERY) - settings - while_it_runs
    found = {use.quota: use.found for use in uses}
    assert found[quotas.EVENTS] == compiled.cost.events
    assert found[quotas.DEFINITION] == compiled.cost.size == quoted_size(compiled.definition)
    assert found[quotas.PAYLOAD] == 9 * check.BRANCH_OUTPUT
    assert found[quotas.DEPTH] == 1
