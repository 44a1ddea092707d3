"""The sizes that Fargate has.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

SIZES: Mapping[float, Sequence[float]] = MappingProxyType(
    {
        0.25: (0.5, 1, 2),
        0.5: (1, 2, 3, 4),
        1: range(2, 9),
        2: range(4, 17),
        4: range(8, 31),
        8: range(16, 61, 4),
        16: range(32, 121, 8),
    }
)
"""GB of memory that a task may have, by its vCPUs."""


def wrong_vcpu(vcpu: float) -> str:
    """Which numbers of vCPUs Fargate has, if not this one; "" if it has it."""
    return "" if vcpu in SIZES else f"Fargate has no {vcpu:g} vCPU: choose {_listed(list(SIZES))}"


def wrong_memory(vcpu: float, memory: float) -> str:
    """Which sizes Fargate has for these vCPUs, if not this one; "" if it has it."""
    sizes = SIZES[vcpu]
    if memory in sizes:
        return ""
    others = [each for each, found in SIZES.items() if memory in found]
    cure = f", or vcpu={_listed(others)}" if others else ""
    return f"Fargate has no {memory:g} GB with {vcpu:g} vCPU: choose {_written(sizes)} GB{cure}"


def _written(sizes: Sequence[float]) -> str:
    if not isinstance(sizes, range):
        return _listed(sizes)
    steps = f" in steps of {sizes.step}" if sizes.step > 1 else ""
    return f"{sizes[0]} to {sizes[-1]}{steps}"


def _listed(numbers: Sequence[float]) -> str:
    *first, last = (f"{each:g}" for each in numbers)
    return f"{', '.join(first)} or {last}" if first else last
