import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts.status import Status

statuses = st.sampled_from(Status)
FINAL = {Status.COMPLETED, Status.FAILED, Status.CANCELLED}


@pytest.mark.parametrize("status", Status)
def test_it_equals_its_name_and_prints_as_it(status: Status) -> None:
    assert status == status.name
    assert str(status) == f"{status}" == status.name


def test_only_a_new_object_is_falsy() -> None:
    assert {status for status in Status if not status} == {Status.NEW_OBJECT}


def test_final_are_the_three_ends() -> None:
    assert {status for status in Status if status.is_final} == FINAL


@given(statuses, statuses)
def test_no_move_is_ever_taken_back(before: Status, after: Status) -> None:
    assert not (before.may_become(after) and after.may_become(before))


@given(statuses)
def test_staying_is_not_a_move(status: Status) -> None:
    assert not status.may_become(status)


@given(statuses, statuses, statuses)
def test_moves_add_up(first: Status, second: Status, third: Status) -> None:
    if first.may_become(second) and second.may_become(third):
        assert first.may_become(third)


@given(statuses, statuses)
def test_a_final_status_never_changes_and_every_other_may_end(
    status: Status, other: Status
) -> None:
    if status.is_final:
        assert not status.may_become(other)
    else:
        assert all(status.may_become(end) for end in FINAL)


@given(statuses, statuses)
def test_earlier_is_what_may_become_it(status: Status, other: Status) -> None:
    assert (other in status.earlier) == other.may_become(status)


@given(st.lists(statuses))
def test_writes_along_the_moves_change_it_at_most_once_per_rank(history: list[Status]) -> None:
    status, changes = Status.NEW_OBJECT, 0
    for wanted in history:
        if status in wanted.earlier:
            status, changes = wanted, changes + 1
    assert changes < len(Status)
    assert not status.is_final or history.count(status) >= 1
