import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts.sheet import Light
from covalent_runner.errors import UpstreamFailed
from covalent_runner.inputs import Inputs
from covalent_runner.values import LightFailed, Values, compute

from .conftest import Dispatch


def pair() -> dict[str, Any]:
    return {"a": [1, 2], "b": 3j}


def test_items_and_attributes_of_the_output_are_recorded_with_it(dispatch: Dispatch) -> None:
    dispatch.add(
        0,
        pair,
        after=(
            Light(1, "item", inputs=(0, 2)),
            dispatch.constant(2, "a"),
            Light(3, "item", inputs=(1, 4)),
            dispatch.constant(4, -1),
            Light(5, "item", inputs=(0, 6)),
            dispatch.constant(6, "b"),
            Light(7, "attribute", op="imag", inputs=(5,)),
            Light(8, "operator", op="rsub", inputs=(7, 9)),
            dispatch.constant(9, 10),
        ),
    )
    dispatch.run(0)
    assert [dispatch.value(n) for n in (1, 3, 5, 7, 8)] == [[1, 2], 2, 3j, 3.0, 7.0]
    assert [dispatch.item(n) for n in (2, 4, 6, 9)] == [{}] * 4
    assert {"started", "ended", "kind", "digest"} <= set(dispatch.item(1))


def test_a_light_that_fails_leaves_the_electron_completed(dispatch: Dispatch) -> None:
    dispatch.add(
        0,
        pair,
        after=(
            Light(1, "item", inputs=(0, 2)),
            dispatch.constant(2, "missing"),
            Light(3, "attribute", op="real", inputs=(1,)),
            Light(4, "item", inputs=(0, 5)),
            dispatch.constant(5, "b"),
        ),
    )
    dispatch.run(0)
    assert dispatch.status(0) == "COMPLETED"
    assert dispatch.status(1) == "FAILED"
    assert dispatch.error(1).endswith("KeyError: 'missing'")
    assert dispatch.item(3) == {}
    assert dispatch.value(4) == 3j
    assert dispatch.has_failed


def test_a_light_that_cannot_be_pickled_fails_alone(dispatch: Dispatch) -> None:
    class Holder:
        @property
        def lock(self) -> Any:
            import threading

            return threading.Lock()

    dispatch.add(0, Holder, after=(Light(1, "attribute", op="lock", inputs=(0,)),))
    dispatch.run(0)
    assert (dispatch.status(0), dispatch.status(1)) == ("COMPLETED", "FAILED")


def test_more_lights_than_one_transaction_takes(dispatch: Dispatch) -> None:
    lights = [Light(2 * i, "item", inputs=(0, 2 * i + 1)) for i in range(1, 121)]
    constants = [dispatch.constant(2 * i + 1, i) for i in range(1, 121)]
    dispatch.add(0, lambda: list(range(200)), after=(*lights, *constants))
    dispatch.run(0)
    assert [dispatch.value(light.id) for light in lights] == list(range(1, 121))


def test_a_light_of_several_sources_is_recorded_by_its_consumer(dispatch: Dispatch) -> None:
    dispatch.complete(1, 20)
    dispatch.complete(2, 1)
    plus = Light(3, "operator", op="add", inputs=(1, 2))
    for node in (0, 5):
        dispatch.add(node, lambda x: 2 * x, inputs=(1, 2), before=(plus,), args=(3,))
    dispatch.run(0)
    first = dispatch.item(3)
    assert (dispatch.value(3), dispatch.value(0)) == (21, 42)
    dispatch.run(5)
    assert dispatch.item(3) == first
    assert dispatch.value(5) == 42


def test_an_argument_that_cannot_be_computed_keeps_the_electron_unstarted(
    dispatch: Dispatch,
) -> None:
    dispatch.complete(1, 20)
    dispatch.complete(2, "text")
    plus = Light(3, "operator", op="add", inputs=(1, 2))
    dispatch.add(0, lambda x: x, inputs=(1, 2), before=(plus,), args=(3,))
    with pytest.raises(UpstreamFailed, match="node 3"):
        dispatch.run(0)
    assert dispatch.item(0) == {}
    assert dispatch.status(3) == "FAILED"
    assert "TypeError: unsupported operand" in dispatch.error(3)
    assert dispatch.has_failed


def test_a_promoted_light_is_run_like_an_electron(dispatch: Dispatch) -> None:
    dispatch.complete(1, [1])
    dispatch.complete(2, [2])
    dispatch.add(3, light=Light(3, "operator", op="add", inputs=(1, 2)), inputs=(1, 2))
    dispatch.run(3)
    assert dispatch.value(3) == [1, 2]


@pytest.mark.parametrize(
    ("op", "operands", "expected"),
    [
        ("sub", (7, 2), 5),
        ("rsub", (7, 2), -5),
        ("rshift", (8, 1), 4),
        ("rrshift", (1, 8), 4),
        ("rand_", (6, 3), 2),
        ("neg", (4,), -4),
        ("matmul", (None, None), None),
    ],
)
def test_operators(op: str, operands: tuple[Any, ...], expected: Any) -> None:
    light = Light(0, "operator", op=op)
    if expected is None:
        with pytest.raises(TypeError):
            compute(light, operands)
    else:
        assert compute(light, operands) == expected


@pytest.mark.parametrize("op", ["", "r", "__import__", "system", "rr"])
def test_only_operators_are_operators(op: str) -> None:
    with pytest.raises(ValueError, match="cannot compute"):
        compute(Light(0, "operator", op=op), (1, 2))


@given(
    st.lists(st.sampled_from(["add", "radd", "sub", "rsub", "mul"]), max_size=30),
    st.permutations(range(30)),
)
def test_chains_of_lights_equal_plain_python(ops: list[str], order: list[int]) -> None:
    lights = [Light(i + 1, "operator", op=op, inputs=(i, 100)) for i, op in enumerate(ops)]
    shuffled = [lights[i] for i in order if i < len(lights)]
    values = Values(Inputs({}, {}), shuffled)
    values.put(0, 3)
    values.put(100, 2)
    expected = 3
    for op in ops:
        pair = (2, expected) if op.startswith("r") else (expected, 2)
        expected = getattr(operator, op.removeprefix("r"))(*pair)
    assert values.get(len(ops)) == expected


def test_chains_longer_than_python_recurses() -> None:
    lights = [Light(i + 1, "operator", op="add", inputs=(i, 0)) for i in range(5_000)]
    values = Values(Inputs({}, {}), lights)
    values.put(0, 1)
    assert values.get(5_000) == 5_001


def test_a_failed_light_is_not_computed_again() -> None:
    values = Values(
        Inputs({}, {}),
        [Light(1, "attribute", op="x", inputs=(0,)), Light(2, "operator", op="neg", inputs=(1,))],
    )
    values.put(0, 1)
    for node in (1, 2, 2):
        with pytest.raises(LightFailed, match="node 1"):
            values.get(node)


def test_an_unknown_node_is_named() -> None:
    with pytest.raises(LookupError, match="node 4"):
        Values(Inputs({}, {}), []).get(4)
