import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts import ranges


def ascending(ids: set[int]) -> list[int]:
    return sorted(ids)


@given(st.sets(st.integers(0, 10_000), min_size=1, max_size=60).map(ascending))
def test_every_id_is_found_at_its_place(ids: list[int]) -> None:
    text = ranges.written(ids)
    assert ranges.is_written(text)
    assert [ranges.nth(text, i) for i in range(len(ids))] == ids
    assert list(ranges.read(text)) == ids
    with pytest.raises(ValueError, match="fewer ids"):
        ranges.nth(text, len(ids))


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ([7], "7:8:1"),
        ([0, 2, 4, 6, 9, 10], "0:7:2,9:11:1"),
        (range(0, 30_000, 3), "0:29998:3"),
    ],
)
def test_how_they_are_written(ids: list[int], text: str) -> None:
    assert ranges.written(ids) == text


@given(st.integers(0, 10_000))
def test_one_id_is_no_such_text(node: int) -> None:
    assert not ranges.is_written(str(node))


@pytest.mark.parametrize("text", ["", "1", "1:2", "a:b:c", "1:2:0"])
def test_what_was_never_written(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever it says
        ranges.nth(text, 0)
