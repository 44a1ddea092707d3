"""The event that a state of the compiled machine hands to the runner.

Run     run one electron                             lambda:invoke
Wait    park the task token of a gate                lambda:invoke.waitForTaskToken
Look    an array of jobs failed: answer which of its electrons have no result   lambda:invoke, from Catch
Collect take over what the dispatch of a sublattice gave  lambda:invoke
Report  a branch stopped: record why, doom the rest  lambda:invoke, from Catch
Lost    a nested execution or a Map ended: record     lambda:invoke, from Catch, and after a Distributed Map
        why what should have run in it never will
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from covalent_contracts import ranges
from covalent_contracts.ids import is_dispatch_id

ELECTRON = "COVALENT_ELECTRON"
"""The variable that tells a process what to run: dispatch id, node and try, and the task token of the state if it
waits for an answer.
"""
TIME_LIMIT = "COVALENT_TIME_LIMIT"
"""The variable that tells how many seconds that may take, 0 for no limit; without it nobody ends it."""


@dataclass(frozen=True)
class Run:
    """Run electron `node`. `attempt` counts the retries of the state, from 0."""

    dispatch_id: str
    node: int
    attempt: int


@dataclass(frozen=True)
class Look:
    """Tell which of `nodes`, the electrons of an array of jobs that has failed, could have run and have no result.

    cause: what is told of the array, if somebody is to ask what became of the jobs; without it, those electrons are
    meant that have a try left.
    """

    dispatch_id: str
    nodes: tuple[int, ...]
    cause: str = ""


@dataclass(frozen=True)
class Wait:
    """Release `token` when `needs` parents have arrived at the gate in front of `node`."""

    dispatch_id: str
    node: int
    needs: int
    token: str


@dataclass(frozen=True)
class Report:
    """The branch that runs `nodes` one after the other stopped with an error."""

    dispatch_id: str
    nodes: tuple[int, ...]
    error: str
    cause: str


@dataclass(frozen=True)
class Lost:
    """The execution that had to run `nodes`, parents first, has ended. Some of them may never have come to run."""

    dispatch_id: str
    nodes: tuple[int, ...]
    error: str
    cause: str


@dataclass(frozen=True)
class Collect:
    """The execution of sublattice `node` has succeeded: its value is what the lattice returns."""

    dispatch_id: str
    node: int


Envelope = Run | Look | Wait | Report | Lost | Collect
Nodes = Sequence[int] | Sequence[Sequence[int]] | str
"""Ids as they are, in rows, or as `covalent_contracts.ranges` writes them; or the path to them in the state's input."""


def lost_payload(nodes: Nodes) -> dict[str, Any]:
    """The `Payload` of the state that looks after what ran elsewhere; the error is at `$.error`."""
    return {
        "do": "lost",
        "dispatch_id.$": "$.dispatch_id",
        **_field("nodes", nodes),
        "error.$": "$.error",
    }


def _field(name: str, value: int | Nodes) -> dict[str, Any]:
    match value:
        case str() if not ranges.is_written(value):
            return {f"{name}.$": value}
        case str() | int():
            return {name: value}
        case _:
            return {name: list(value)}


def run_payload(node: int | str) -> dict[str, Any]:
    """The `Payload` of a state that runs a node, in JSONPath. The node is an id, or the path to one."""
    return {
        "do": "run",
        "dispatch_id.$": "$.dispatch_id",
        **_field("node", node),
        "attempt.$": "$$.State.RetryCount",
    }


def look_payload(nodes: Nodes, *, with_cause: bool) -> dict[str, Any]:
    """The `Payload` of the state that looks how the electrons of an array stand; its error is at `$.error`."""
    cause = {"cause.$": "$.error.Cause"} if with_cause else {}
    return {
        "do": "look",
        "dispatch_id.$": "$.dispatch_id",
        **_field("nodes", nodes),
        **cause,
    }


def collect_payload(node: int | str) -> dict[str, Any]:
    """The `Payload` of the last state of a sublattice."""
    return {"do": "collect", **adopt_payload(node)}


def adopt_payload(node: int | str) -> dict[str, Any]:
    """The `Payload` for the control plane, which makes a dispatch of what building a sublattice has given."""
    return {"dispatch_id.$": "$.dispatch_id", **_field("node", node)}


def wait_payload(node: int, needs: int) -> dict[str, Any]:
    """The `Payload` of a gate."""
    return {
        "do": "wait",
        "dispatch_id.$": "$.dispatch_id",
        "node": node,
        "needs": needs,
        "token.$": "$$.Task.Token",
    }


def report_payload(nodes: Sequence[int] | str) -> dict[str, Any]:
    """The `Payload` of the state that ends a stopped branch; its Catch has put the error at `$.error`."""
    return {
        "do": "report",
        "dispatch_id.$": "$.dispatch_id",
        **_field("nodes", nodes),
        "error.$": "$.error",
    }


def parse(event: Mapping[str, Any]) -> Envelope:
    """Read an event.

    Raises:
        ValueError: the event is none of these, or a field is missing or malformed.

    """
    try:
        dispatch_id = event["dispatch_id"]
        if not is_dispatch_id(dispatch_id):
            raise ValueError(f"not a dispatch id: {dispatch_id!r}")
        match event["do"]:
            case "run":
                return Run(dispatch_id, int(event["node"]), int(event["attempt"]))
            case "look":
                return Look(dispatch_id, _ids(event["nodes"]), str(event.get("cause", "")))
            case "collect":
                return Collect(dispatch_id, int(event["node"]))
            case "wait":
                return Wait(
                    dispatch_id, int(event["node"]), int(event["needs"]), str(event["token"])
                )
            case "report":
                return Report(dispatch_id, *_stop(event))
            case "lost":
                return Lost(dispatch_id, *_stop(event))
            case other:
                raise ValueError(f"the runner cannot {other!r}")
    except (KeyError, TypeError, AttributeError, OverflowError) as exc:
        raise ValueError(f"malformed event: {exc!r}") from exc


def _stop(event: Mapping[str, Any]) -> tuple[tuple[int, ...], str, str]:
    error = event["error"]
    return _ids(event["nodes"]), str(error.get("Error", "")), str(error.get("Cause", ""))


def _ids(nodes: Sequence[Any] | str) -> tuple[int, ...]:
    return ranges.read(nodes) if isinstance(nodes, str) else tuple(_flat(nodes))


def _flat(nodes: Sequence[Any]) -> Iterator[int]:
    for node in nodes:
        if isinstance(node, list):
            yield from _flat(node)
        else:
            yield int(node)
