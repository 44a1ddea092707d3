"""The Lambda function that Step Functions calls, for all events.

With a role for user code (COVALENT_ELECTRON_ROLE) it is the guard, and electrons run in a process beside it. Without,
as in a container that is made for one electron and has a role of its own, they run here.
"""

import os
from collections.abc import Mapping, Sequence
from functools import cache
from math import inf
from typing import TYPE_CHECKING, Any, assert_never

from covalent_contracts import envelope
from covalent_contracts.context import read_events_with

if TYPE_CHECKING:
    from covalent_runner.aws_store import AwsStore
    from covalent_runner.run import Remaining
    from covalent_runner.store import Store


def handler(event: Mapping[str, Any], context: Any) -> Mapping[str, Any] | None:
    """Do what the event says.

    Returns:
        What a Look has found; of all other events how they went is all that there is to tell.

    Raises:
        ElectronFailed: the electron's try failed.
        UpstreamFailed: something that it needs will never come.
        ValueError: the event is malformed.

    """
    parsed = envelope.parse(event)
    if _IS_GUARDED:
        found = guard().run(event, parsed, _seconds(context))
    else:
        found = handle(store(), parsed, _remaining(context))
    if not isinstance(parsed, envelope.Look):
        return None
    from covalent_runner import look  # noqa: PLC0415  # rare

    return look.answer(parsed, found or ())


def handle(
    store: "Store", event: envelope.Envelope, remaining: "Remaining"
) -> Sequence[int] | None:
    """Do what the event says, with a store of the caller's choice; a Look finds ids of electrons."""
    from covalent_runner import gates, lost, report, run  # noqa: PLC0415  # cold starts pay for what they use

    match event:
        case envelope.Run():
            run.run(store, event, remaining)
        case envelope.Look():
            from covalent_runner import look  # noqa: PLC0415  # rare

            return look.look(store, event)
        case envelope.Wait():
            gates.wait(store, event)
        case envelope.Collect():
            from covalent_runner import collect  # noqa: PLC0415  # rare, and it brings more

            collect.collect(store, event)
        case envelope.Report():
            report.report(store, event)
        case envelope.Lost():
            lost.lost(store, event)
        case _:
            assert_never(event)
    return None


@cache
def store() -> "AwsStore":
    """The deployment's store; made once per process, its clients on first use."""
    from covalent_runner.aws_store import AwsStore  # noqa: PLC0415  # boto3 is not needed to import this

    made = AwsStore.from_environment()
    read_events_with(made.event)
    return made


def _remaining(context: Any) -> "Remaining":
    left = getattr(context, "get_remaining_time_in_millis", None)
    return (lambda: inf) if left is None else (lambda: left() / 1000)


def _seconds(context: Any) -> float | None:
    left = getattr(context, "get_remaining_time_in_millis", None)
    return None if left is None else left() / 1000


_IS_GUARDED = "COVALENT_ELECTRON_ROLE" in os.environ
if _IS_GUARDED:  # Lambda imports this before the first event comes: the cell starts meanwhile
    from covalent_runner.guard import guard

    guard()
