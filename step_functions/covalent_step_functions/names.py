"""Names of states: what the user wrote, with the node id, so that the console reads like the workflow.

And of machines: the deployment's prefix, with the hash of the definition.
"""

import re
import unicodedata
from collections.abc import Callable
from hashlib import sha256
from itertools import islice

from covalent_contracts.errors import LimitExceeded
from covalent_step_functions.plan import Array, Each, Nested, Parallel
from covalent_step_functions.quotas import MACHINE_NAME, STATE_NAME

_RESERVED = re.compile(
    r"(gate|parallel|nested|map|each|batch|array|job|adopt|call|collect): |"
    r"(stopped|stopped at gate|checked|ended|rows|look|left|lost)$"
)
"""How no name of an electron may begin, or the names of two states could be equal."""

_MACHINE = re.compile(r"[A-Za-z0-9_-]*")
_HASH = 40

_KINDS = {Parallel: "parallel", Nested: "nested", Each: "map", Array: "array"}

NameOf = Callable[[int], str]


def task_name(name: str, node: int) -> str:
    """A state that runs a node."""
    plain = _plain(name)
    return _fit("_" + plain if _RESERVED.match(plain) else plain, node)


def step_name(label: str, name: str, node: int) -> str:
    """A further state of an electron that takes several."""
    return _fit(f"{label}: {_plain(name)}", node)


def gate_name(name: str, node: int) -> str:
    """The wait in front of a node."""
    return _fit("gate: " + _plain(name), node)


def stopped_name(node: int) -> str:
    """The report on the line whose first electron is `node`. Short: a wide fan-out has one for each electron."""
    return f"stopped ({node})"


def stopped_gate_name(node: int) -> str:
    """The report on a gate with several electrons behind it."""
    return f"stopped at gate ({node})"


def checked_name(node: int) -> str:
    """The second look at the last electron of a line that stopped."""
    return f"checked ({node})"


def ended_name(node: int) -> str:
    """The end of a branch that stopped before its end; `node` is the last electron of the line."""
    return f"ended ({node})"


def group_name(group: Parallel | Nested | Each | Array, name_of: NameOf) -> str:
    """How many electrons are inside, and of which names.

    The count and the first id tell any two apart: a Parallel inside another one holds fewer electrons.
    """
    nodes = group.nodes
    written = islice(dict.fromkeys(map(name_of, nodes)), STATE_NAME)  # no more would fit
    names = dict.fromkeys(map(_plain, written))
    return _fit(f"{_KINDS[type(group)]}: {len(nodes)} x {', '.join(names)}", min(nodes))


def each_name(name: str, node: int) -> str:
    """A state of a Map, that runs one electron of every row; `node` is the one of the first row."""
    return _fit("each: " + _plain(name), node)


def batch_name(name: str, node: int) -> str:
    """The Map over the rows of one batch."""
    return _fit("batch: " + _plain(name), node)


def look_name(node: int) -> str:
    """The look at an array that has failed; `node` is its first electron, here and below."""
    return f"look ({node})"


def left_name(node: int) -> str:
    """The Map over those of its electrons that have no result."""
    return f"left ({node})"


def job_name(name: str, node: int) -> str:
    """The question what became of the job of one of them."""
    return _fit("job: " + _plain(name), node)


def rows_name(node: int) -> str:
    """The rows of a Map."""
    return f"rows ({node})"


def lost_name(node: int) -> str:
    """The look at what ran in other executions."""
    return f"lost ({node})"


def machine_name(prefix: str, definition: str) -> str:
    """The machine of a definition.

    Raises:
        LimitExceeded: the prefix has characters that no name may have, or that logs and metrics would not show.

    """
    return _stem(prefix) + sha256(definition.encode()).hexdigest()[:_HASH]


def machine_names(prefix: str) -> re.Pattern[str]:
    """What all machines of a prefix are called.

    Raises:
        LimitExceeded: as for one of them.

    """
    return re.compile(f"{re.escape(_stem(prefix))}[0-9a-f]{{{_HASH}}}")


def _stem(prefix: str) -> str:
    """What stays of the prefix beside a hash."""
    if not _MACHINE.fullmatch(prefix):
        raise LimitExceeded(
            f"state machines of this deployment would be named {prefix!r} and a hash: Step Functions takes up to "
            f"{MACHINE_NAME} letters, digits, - and _; deploy with another COVALENT_PREFIX",
            limit="name of a state machine",
            number=MACHINE_NAME,
        )
    return prefix[: MACHINE_NAME - _HASH]


def _plain(name: str) -> str:
    """In printable ASCII: CloudWatch takes nothing else."""
    if name.isascii() and name.isprintable():
        return name
    flat = unicodedata.normalize("NFKD", name)
    base = "".join(each for each in flat if not unicodedata.combining(each))
    return "".join(each if " " <= each <= "~" else "_" for each in base)


def _fit(text: str, node: int) -> str:
    ending = f" ({node})"
    return text[: STATE_NAME - len(ending)] + ending
