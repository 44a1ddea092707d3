import pytest

from covalent_step_functions.cost import Cost, cost_of
from covalent_step_functions.plan import Each, Gate, Nested, Parallel, Plan, Task


def test_what_a_plan_costs() -> None:
    fork = Parallel(((Task(1), Gate(2, (3,)), Task(2)), (Task(3),)))
    cost = cost_of(Plan((Task(0), fork)), 1234)
    events = 4 * 5 + 6 + 4 + 2
    assert cost == Cost(4, gates=1, parallels=1, arrivals=1, events=events, widest=2, size=1234)
    assert cost.transitions == 6


def test_a_nested_execution_costs_a_transition_and_has_a_history_of_its_own() -> None:
    inner = tuple(Task(node) for node in range(1, 10))
    cost = cost_of(Plan((Task(0), Nested(inner))))
    assert (cost.tasks, cost.nested, cost.machines, cost.transitions) == (10, 1, 2, 11)
    assert cost.events == 9 * 5 + 2


def test_an_inline_map_costs_two_transitions_and_two_events_for_each_row() -> None:
    cost = cost_of(Plan((Each(((0, 1), (2, 3), (4, 5))),)))
    assert (cost.tasks, cost.maps, cost.transitions) == (6, 1, 8)
    assert cost.events == 2 + 2 + 4 + 3 * 2 + 6 * 5


def test_a_distributed_map_costs_two_transitions_for_each_batch() -> None:
    """Rows, Map and the look at what was lost; 3 batches; 100 electrons. The longest history is that of a batch."""
    cost = cost_of(Plan((Each(tuple((i,) for i in range(100)), 40),)))
    assert (cost.batches, cost.distributed, cost.transitions) == (3, 1, 3 + 2 * 3 + 100)
    assert cost.events == 2 + 4 + 40 * 7


def test_nothing_to_run_is_one_transition() -> None:
    assert cost_of(Plan(())).transitions == 1


def test_the_price_of_an_electron() -> None:
    """The transition is three quarters of it; the rest is one short Lambda call, two writes, three objects."""
    one, two = Cost(1, 0, 0).bill, Cost(2, 0, 0).bill
    assert two.transitions - one.transitions == pytest.approx(25e-6)
    assert two.functions - one.functions == pytest.approx(1.03e-6, rel=0.01)
    assert two.records - one.records == pytest.approx(1.25e-6)
    assert two.objects - one.objects == pytest.approx(5.8e-6)
    assert two.total - one.total == pytest.approx(33.1e-6, rel=0.001)


def test_a_gate_costs_a_transition_a_call_and_its_arrivals() -> None:
    without, with_gate = Cost(9, 0, 0).bill, Cost(9, 1, 0, arrivals=3).bill
    assert with_gate.transitions - without.transitions == pytest.approx(25e-6)
    assert with_gate.records - without.records == pytest.approx(4 * 0.625e-6)
    assert with_gate.api == without.api


def test_the_total_is_the_sum_of_the_parts() -> None:
    bill = Cost(100, 7, 3, 20).bill
    parts = (bill.transitions, bill.functions, bill.records, bill.objects, bill.api)
    assert bill.total == pytest.approx(sum(parts))
    assert all(part > 0 for part in parts)
