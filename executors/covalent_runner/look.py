"""An array of jobs has failed, which tells no more than that some jobs have: find the electrons without a result."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from covalent_contracts.envelope import Look
from covalent_contracts.sheet import Sheet
from covalent_runner import causes, lost
from covalent_runner.report import sheet_of
from covalent_runner.store import Record, Store


def look(store: Store, event: Look) -> Sequence[int]:
    """Those that could have run and have no result: all, if their jobs are to be asked for, else if a try is left."""
    sheets = [sheet_of(store, event.dispatch_id, node) for node in event.nodes]
    records = lost.read(store, event.dispatch_id, sheets)
    found, _ = lost.divided(lost.unfinished(sheets, records), records)
    return [each.id for each in found if event.cause or _has_a_try(each, records.get(each.id))]


def answer(event: Look, found: Collection[int]) -> Mapping[str, Any]:
    """What the state machine is told: a row for each of them, with its number in the array, and the array's id.

    Raises:
        ValueError: the cause tells of no job.

    """
    wanted = set(found)
    rows = [[node, index] for index, node in enumerate(event.nodes) if node in wanted]
    return {"rows": rows, **({"job": _job(event.cause)} if event.cause else {})}


def _has_a_try(sheet: Sheet, record: Record | None) -> bool:
    """Whether it was tried less often than it may be. The last try is not among the failed ones if it left no error."""
    return record is None or record.failures + (not record.error) <= sheet.retries


def _job(cause: str) -> str:
    job = causes.job_of(json.loads(cause))
    if job is None:
        raise ValueError("the array has failed, and its cause does not tell which job it was")
    return job.name
