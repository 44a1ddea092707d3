import pytest
from benchmarks.shapes import SHAPES


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [9, 100, 143])
def test_a_shape_has_its_size_and_parents_come_first(shape: str, n: int) -> None:
    dag = SHAPES[shape](n)
    assert list(dag) == list(range(n))
    assert all(parent < node for node, parents in dag.items() for parent in parents)
    assert all(len(set(parents)) == len(parents) for parents in dag.values())


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_always_the_same(shape: str) -> None:
    assert SHAPES[shape](60) == SHAPES[shape](60)
