"""What containers of AWS are told to run, by Batch and ECS alike."""

import math
from collections.abc import Mapping, Sequence

from covalent_contracts.envelope import ELECTRON, TIME_LIMIT
from covalent_executors.task import Argument, Words

COMMAND = ("python", "-m", "covalent_runner")
MIB = 1024
"""In a GB, as AWS counts memory."""


def environment(time_limit: float, more: Mapping[str, str]) -> Sequence[Argument]:
    """The variables of a container: which electron, how long it may take (0: for ever), and `more`."""
    own: Sequence[Argument] = [
        {"Name": ELECTRON, "Value": Words()},
        {"Name": TIME_LIMIT, "Value": f"{time_limit:g}"},
    ]
    return [*own, *({"Name": name, "Value": more[name]} for name in sorted(more))]


def mebibytes(memory: float) -> str:
    """GB as AWS wants them."""
    return str(math.ceil(memory * MIB))
