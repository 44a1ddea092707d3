"""Write the parameters of a call: put in what stands for an electron, its job or its try."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from covalent_contracts import ranges
from covalent_contracts.envelope import adopt_payload, collect_payload, run_payload
from covalent_executors.task import (
    Argument,
    Count,
    JobName,
    JobOfArray,
    Kept,
    RunnerEvent,
    Script,
    Words,
)
from covalent_step_functions.machine import JOB, ROW

Json = dict[str, Any]

KEPT = "$.kept"
"""Where a step puts what later ones pass on, and the next one that keeps something."""


@dataclass(frozen=True)
class Electrons:
    """What a state runs: an electron, by its id or the path to it, or those of an array of jobs.

    tried: how many tries an electron had before this state.
    """

    nodes: int | str | tuple[int, ...]
    tried: int = 0

    @property
    def node(self) -> int | str:
        """The electron, or the first of several."""
        return self.nodes[0] if isinstance(self.nodes, tuple) else self.nodes

    @property
    def words(self) -> str:
        """How an intrinsic is told which."""
        nodes = self.nodes
        return f"'{ranges.written(nodes)}'" if isinstance(nodes, tuple) else str(nodes)

    @property
    def number_of_try(self) -> str:
        """How an intrinsic is told the number of the try. An array is the first one of all its electrons."""
        if isinstance(self.nodes, tuple):
            return "0"
        count = "$$.State.RetryCount"
        return f"States.MathAdd({count},{self.tried})" if self.tried else count


def filled(argument: Mapping[str, Argument], electrons: Electrons) -> Json:
    """Parameters as they are written in the definition."""
    return dict(_field(name, value, electrons) for name, value in argument.items())


def _field(name: str, value: Argument, electrons: Electrons) -> tuple[str, Any]:
    """A field and its value; one whose value is taken from somewhere has its name end in `.$`."""
    match value:
        case Kept():
            return f"{name}.$", f"{KEPT}.{value.name}"
        case JobName() | Words():
            return f"{name}.$", _joined(value, electrons)
        case Script():
            return f"{name}.$", _script(value, electrons)
        case JobOfArray(form):
            return f"{name}.$", f"States.Array(States.Format('{form}',{JOB},{ROW}[1]))"
        case Sequence() if not isinstance(value, str):
            return name, [_element(each, electrons) for each in value]
        case _:
            return name, _element(value, electrons)


def _element(value: Argument, electrons: Electrons) -> Any:
    """What stands as it is, also in a list."""
    match value:
        case RunnerEvent():
            return _EVENTS[value.do](electrons.node)
        case Count():
            return len(electrons.nodes) if isinstance(electrons.nodes, tuple) else 1
        case Mapping():
            return filled(value, electrons)
        case str() | int():
            return value
        case _:
            raise TypeError(f"{value!r} can only be the value of a field")


def _joined(value: JobName | Words, electrons: Electrons) -> str:
    """The intrinsic that makes one string of numbers and of what is at paths."""
    dispatch, tried = "$.dispatch_id", electrons.number_of_try
    match value:
        case JobName():
            parts = [dispatch, str(electrons.node)]
            return _format("-", [*parts, tried] if value.of_try else parts)
        case Words():
            parts = [dispatch, electrons.words, tried]
            return _format(" ", [*parts, "$$.Task.Token"] if value.with_token else parts)


def _script(script: Script, electrons: Electrons) -> str:
    """The intrinsic that puts the words behind a script, both in base64.

    Base64 of two texts is that of both together if the first has a multiple of three bytes. So no character of the
    script has a meaning in the intrinsic, and only the words count against its limit of 10,000.
    """
    text = script.text.encode()
    padded = text + b" " * (-(len(text) + 1) % 3) + b"\n"
    words = _joined(Words(with_token=True), electrons)
    return f"States.Format('{b64encode(padded).decode()}{{}}',States.Base64Encode({words}))"


def _format(separator: str, parts: Sequence[str]) -> str:
    return f"States.Format('{separator.join('{}' for _ in parts)}',{','.join(parts)})"


_EVENTS: Mapping[str, Callable[[int | str], Json]] = {
    "run": run_payload,
    "collect": collect_payload,
    "adopt": adopt_payload,
    "bridge": adopt_payload,
}
