import pytest

from covalent_contracts.errors import LimitExceeded
from covalent_step_functions import check, quotas
from covalent_step_functions.plan import Gate, Items, Parallel, Plan, Task
from covalent_step_functions.quotas import Quota

EVERY = [quotas.DEFINITION, quotas.EVENTS, quotas.DEPTH, quotas.MANIFEST]


@pytest.mark.parametrize("quota", EVERY, ids=lambda quota: quota.name)
def test_a_limit_is_met_but_not_exceeded(quota: Quota) -> None:
    quota.check(quota.number - 1)
    quota.check(quota.number)
    with pytest.raises(LimitExceeded) as caught:
        quota.check(quota.number + 1)
    assert (caught.value.limit, caught.value.number) == (quota.name, quota.number)
    assert f"{quota.number:,}" in str(caught.value)
    assert quota.cure in str(caught.value)


def test_what_a_plan_costs() -> None:
    fork = Parallel(((Task(1), Gate(2, (3,)), Task(2)), (Task(3),)))
    cost = check.cost_of(Plan((Task(0), fork)))
    assert (cost.tasks, cost.gates, cost.parallels) == (4, 1, 1)
    assert cost.transitions == 6
    assert cost.events == 4 * 5 + 6 + 4 + 2


def test_nothing_to_run_is_one_transition() -> None:
    assert check.cost_of(Plan(())).transitions == 1


def test_the_definition_is_measured_in_bytes() -> None:
    check.check_definition("x" * quotas.DEFINITION.number)
    with pytest.raises(LimitExceeded, match="definition"):
        check.check_definition("é" + "x" * (quotas.DEFINITION.number - 1))


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


def test_the_manifest() -> None:
    check.check_manifest(quotas.MANIFEST.number)
    with pytest.raises(LimitExceeded, match="manifest"):
        check.check_manifest(quotas.MANIFEST.number + 1)
