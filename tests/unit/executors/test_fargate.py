import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_executors.fargate import SIZES, wrong_memory, wrong_vcpu

QUARTERS = st.integers(1, 600).map(lambda n: n / 4)


@given(QUARTERS, st.sampled_from(sorted(SIZES)))
def test_what_is_refused_is_answered_with_sizes_that_there_are(memory: float, vcpu: float) -> None:
    refusal = wrong_memory(vcpu, memory)
    assert (not refusal) == (memory in SIZES[vcpu])
    others = re.search(r"or vcpu=(.*)$", refusal)
    for other in re.findall(r"[\d.]+", others[1]) if others else ():
        assert not wrong_memory(float(other), memory)


@given(QUARTERS)
def test_vcpus(vcpu: float) -> None:
    refusal = wrong_vcpu(vcpu)
    assert (not refusal) == (vcpu in SIZES)
    named = re.findall(r"[\d.]+", refusal.partition("choose")[2])
    assert all(float(each) in SIZES for each in named)


@pytest.mark.parametrize(
    ("vcpu", "smallest", "largest", "count"),
    [
        (0.25, 0.5, 2, 3),
        (0.5, 1, 4, 4),
        (1, 2, 8, 7),
        (2, 4, 16, 13),
        (4, 8, 30, 23),
        (8, 16, 60, 12),
        (16, 32, 120, 12),
    ],
)
def test_the_table_is_that_of_aws(vcpu: float, smallest: float, largest: float, count: int) -> None:
    assert (min(SIZES[vcpu]), max(SIZES[vcpu]), len(SIZES[vcpu])) == (smallest, largest, count)
