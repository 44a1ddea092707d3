"""Names of states: what the user wrote, with the node id, so that the console reads like the workflow."""

import re
import unicodedata
from collections.abc import Callable, Sequence

from covalent_step_functions.plan import Gate, Items, Parallel, Task
from covalent_step_functions.quotas import STATE_NAME

_RESERVED = re.compile(r"gate: |parallel: |(stopped|stopped at gate|checked|ended)$")
"""How no name of an electron may begin, or the names of two states could be equal."""

NameOf = Callable[[int], str]


def task_name(name: str, node: int) -> str:
    """A state that runs a node."""
    plain = _plain(name)
    return _fit("_" + plain if _RESERVED.match(plain) else plain, node)


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


def parallel_name(parallel: Parallel, name_of: NameOf) -> str:
    """How many electrons are inside, and of which names.

    The count and the first id tell any two apart: a Parallel inside another one holds fewer electrons.
    """
    nodes = _nodes(parallel)
    names = dict.fromkeys(_plain(name_of(node)) for node in nodes)
    return _fit(f"parallel: {len(nodes)} x {', '.join(names)}", min(nodes))


def _nodes(parallel: Parallel) -> Sequence[int]:
    def visit(items: Items) -> None:
        for item in items:
            match item:
                case Task(node):
                    found.append(node)
                case Gate():
                    pass
                case Parallel(branches):
                    for branch in branches:
                        visit(branch)

    found: list[int] = []
    visit((parallel,))
    return found


def _plain(name: str) -> str:
    """In printable ASCII: CloudWatch takes nothing else."""
    flat = unicodedata.normalize("NFKD", name)
    base = "".join(each for each in flat if not unicodedata.combining(each))
    return "".join(each if " " <= each <= "~" else "_" for each in base)


def _fit(text: str, node: int) -> str:
    ending = f" ({node})"
    return text[: STATE_NAME - len(ending)] + ending
