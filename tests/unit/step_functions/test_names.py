import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_step_functions import names
from covalent_step_functions.plan import Gate, Parallel, Task


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("square", "square (7)"),
        (":sublattice:fit", ":sublattice:fit (7)"),
        ("a b\tc\n", "a b_c_ (7)"),
        ("naïve", "naive (7)"),
        ("量子", "__ (7)"),
        ("gate: x", "_gate: x (7)"),
        ("stopped", "_stopped (7)"),
        ("stopped_clock", "stopped_clock (7)"),
    ],
)
def test_a_state_is_named_like_its_electron(written: str, shown: str) -> None:
    assert names.task_name(written, 7) == shown


def test_a_long_name_keeps_its_id() -> None:
    assert names.task_name("x" * 200, 12345) == "x" * 72 + " (12345)"
    assert len(names.gate_name("x" * 200, 12345)) == 80


@given(
    st.lists(
        st.text(max_size=90) | st.sampled_from(["gate: " * 20, "x" * 90, "ended", "checked"]),
        max_size=6,
    )
)
def test_no_two_states_have_one_name(written: list[str]) -> None:
    found = [
        name
        for i, each in enumerate(written)
        for name in (
            names.task_name(each, i),
            names.gate_name(each, i),
            names.stopped_name(i),
            names.stopped_gate_name(i),
            names.checked_name(i),
            names.ended_name(i),
        )
    ]
    assert len(set(found)) == len(found)
    assert all(name.isascii() and name.isprintable() and len(name) <= 80 for name in found)


def test_a_parallel_tells_what_is_inside() -> None:
    inner = Parallel(((Task(1),), (Task(2),)))
    outer = Parallel(((inner, Task(3)), (Gate(4, (1,)), Task(4))))
    called = {1: "load", 2: "load", 3: "fit", 4: "plot"}.__getitem__
    assert names.group_name(inner, called) == "parallel: 2 x load (1)"
    assert names.group_name(outer, called) == "parallel: 4 x load, fit, plot (1)"


@given(st.from_regex(r"[A-Za-z0-9_-]{0,60}", fullmatch=True), st.text())
def test_a_machine_is_known_by_the_prefix(prefix: str, definition: str) -> None:
    assert names.machine_names(prefix).fullmatch(names.machine_name(prefix, definition))


def test_a_long_prefix_is_known_as_it_is_cut() -> None:
    pattern = names.machine_names("p" * 60)
    assert pattern.fullmatch("p" * 40 + "0" * 40)
    assert not pattern.fullmatch("p" * 60 + "-" + "0" * 40)


@pytest.mark.parametrize("other", ["p-" + "0" * 40, "p" + "0" * 39, "p" + "0" * 41, "p" + "g" * 40])
def test_other_machines_are_not_known(other: str) -> None:
    assert not names.machine_names("p").fullmatch(other)
