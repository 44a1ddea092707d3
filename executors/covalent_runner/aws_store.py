"""The runner's store on DynamoDB, S3 and Step Functions. Only this module and its `aws_` parts know boto3.

An electron with constant arguments costs two calls: the claim and the commit. Everything read twice by one
process (sheets, packs, outputs, records of completed nodes) is immutable, so it is kept in memory.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from uuid import uuid4

import boto3
from botocore.exceptions import ClientError

from covalent_contracts import keys, records, sheet
from covalent_contracts.status import Status
from covalent_runner import aws_clients, aws_items
from covalent_runner.aws_table import BATCH, Lost, Table, code_of
from covalent_runner.cache import Cache
from covalent_runner.store import Claim, Dispatch, Gate, Outcome, Record

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

T = TypeVar("T")
A = TypeVar("A")

OBJECTS_HELD = 64 * 1024 * 1024
PAGES_HELD = 16 * 1024 * 1024
RECORDS_HELD = 16 * 1024 * 1024
RECORD_WEIGHT = 1024
"""Bytes of a record in memory beside its inline output."""

_USED_UP = frozenset({"InvalidToken", "TaskDoesNotExist", "TaskTimedOut"})
_SHOW_RIVAL = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
_PRESENT = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_DENIED = "AccessDeniedException"
_ABSENT = frozenset({"NoSuchKey", "404", "AccessDenied"})
"""What S3 says of an object that is not there; the last to who may not list the bucket, as user code may not."""


class AwsStore:
    """Thread-safe; clients are made on first use.

    With `direct`, requests to the table take the short way of `aws_direct` first.
    """

    def __init__(self, table: str, bucket: str, *, direct: bool = False) -> None:
        self._table_name = table
        self._bucket = bucket
        self._is_direct = direct
        self._objects: Cache[bytes] = Cache(OBJECTS_HELD)
        self._pages: Cache[sheet.Page] = Cache(PAGES_HELD)
        self._completed: Cache[Record] = Cache(RECORDS_HELD)

    @classmethod
    def from_environment(cls) -> "AwsStore":
        """The store of the deployment that this process belongs to."""
        return cls(os.environ["COVALENT_TABLE"], os.environ["COVALENT_BUCKET"], direct=True)

    def work_with(self, key: str, secret: str, token: str) -> None:
        """Sign with these credentials from now on. What is held in memory stays: it is for one owner to use."""
        aws_clients.renew(self._session, key, secret, token)

    @cached_property
    def _session(self) -> boto3.session.Session:
        return boto3.session.Session()

    @cached_property
    def _table(self) -> Table:
        return aws_clients.table(self._session, self._table_name, direct=self._is_direct)

    @cached_property
    def _s3(self) -> "S3Client":
        return self._session.client("s3", config=aws_clients.config())

    @cached_property
    def _states(self) -> "SFNClient":
        return self._session.client("stepfunctions", config=aws_clients.config())

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(aws_clients.THREADS, thread_name_prefix="covalent-store")

    def page(self, dispatch_id: str, page: int) -> sheet.Page:
        """See `Store`."""
        found = self._pages.get((dispatch_id, page))
        if found is None:
            data = self._get(keys.sheets(dispatch_id, page))
            if data is None:
                raise LookupError(f"dispatch {dispatch_id} has no sheets {page}")
            found = sheet.load(data)
            self._pages.put((dispatch_id, page), found, len(data))
        return found

    def objects(self, keys: Collection[str]) -> Mapping[str, bytes]:
        """See `Store`."""
        held = {key: self._objects.get(key) for key in keys}
        missing = [key for key, data in held.items() if data is None]
        for key, data in zip(missing, self._each(self._get, missing), strict=True):
            held[key] = data
            if data is not None:
                self._objects.put(key, data, len(data))
        return {key: data for key, data in held.items() if data is not None}

    def event(self, dispatch_id: str) -> bytes | None:
        """See `Store`."""
        try:
            return self._get(keys.event(dispatch_id))
        except ClientError as exc:
            if code_of(exc) == "AccessDenied":
                return (
                    None  # what S3 says of an object that is not there, to those who may not list
                )
            raise

    def put(self, key: str, body: bytes | BinaryIO) -> None:
        """See `Store`."""
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body)

    def put_once(self, key: str, body: bytes) -> None:
        """See `Store`."""
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as exc:
            if code_of(exc) not in _PRESENT:
                raise

    def records(self, dispatch_id: str, nodes: Collection[int]) -> Mapping[int, Record]:
        """See `Store`. Completed records never change again: those seen before are not read."""
        held = {node: self._completed.get((dispatch_id, node)) for node in nodes}
        wanted = [
            aws_items.node_key(dispatch_id, node) for node, found in held.items() if found is None
        ]
        batches = [wanted[i : i + BATCH] for i in range(0, len(wanted), BATCH)]
        read = {
            records.node_of(item[records.SK]["S"]): aws_items.record_of(item)
            for items in self._each(self._table.batch, batches)
            for item in items
        }
        for node, record in read.items():
            self._keep(dispatch_id, node, record)
        return {node: record for node, record in held.items() if record is not None} | read

    def _keep(self, dispatch_id: str, node: int, record: Record) -> None:
        if record.status is Status.COMPLETED:
            inline = record.output.inline if record.output else None
            self._completed.put((dispatch_id, node), record, RECORD_WEIGHT + len(inline or b""))

    def claim(self, dispatch_id: str, node: int, attempt: int, now: int) -> Claim:
        """See `Store`."""
        token = uuid4().hex
        item = aws_items.node_key(dispatch_id, node) | aws_items.claim_attributes(attempt, token)
        started = {"started": {"N": str(now)}}
        try:
            if attempt == 0 and self._is_new(item | started):
                return Claim(True, aws_items.record_of(item | started), token)
            request = aws_items.reclaim(item, started, attempt)
            item = self._table.update(request, ReturnValues="ALL_NEW", **_SHOW_RIVAL)
        except Lost as lost:
            # Our own write may have been repeated after its answer was lost.
            ours = lost.item.get("claim", {}).get("S") == token
            return Claim(ours, aws_items.record_of(lost.item), token)
        return Claim(True, aws_items.record_of(item), token)

    def _is_new(self, item: dict[str, Any]) -> bool:
        """Claim with a put, which costs an emulated DynamoDB a quarter of an update; False if that must decide.

        Raises:
            Lost: the node runs or is final.

        """
        try:
            self._table.put(aws_items.put(item, aws_items.UNRECORDED), **_SHOW_RIVAL)
        except Lost as lost:
            if aws_items.record_of(lost.item).status not in Status.RUNNING.earlier:
                raise
            return False
        return True

    def hand_over(
        self, dispatch_id: str, node: int, claim: Claim, streams: Mapping[str, str]
    ) -> bool:
        """See `Store`."""
        sets = {"status": {"S": Status.DISPATCHING.value}}
        sets |= {name: {"S": text} for name, text in streams.items()}
        key = aws_items.node_key(dispatch_id, node)
        condition = aws_items.held_by(claim.token)
        return self._table.updated(
            aws_items.update(key, sets, removes=("error",), condition=condition)
        )

    def dispatch(self, dispatch_id: str) -> Dispatch:
        """See `Store`."""
        key = aws_items.dispatch_key(dispatch_id)
        try:
            for item in self._table.batch([key], aws_items.DISPATCH_FIELDS):
                return aws_items.dispatch_of(item)
        except ClientError as exc:
            if code_of(exc) != _DENIED:
                raise
        raise LookupError(f"there is no dispatch {dispatch_id}, or none that may be read here")

    def commit(
        self,
        dispatch_id: str,
        outcome: Outcome,
        lights: Sequence[Outcome] = (),
        claim: Claim | None = None,
    ) -> bool:
        """See `Store`."""
        is_written = self._committed(dispatch_id, outcome, lights, claim)
        for each in (outcome, *lights) if is_written else ():
            self._keep(dispatch_id, each.node, _record_of(each))
        return is_written

    def _committed(
        self,
        dispatch_id: str,
        outcome: Outcome,
        lights: Sequence[Outcome],
        claim: Claim | None,
    ) -> bool:
        """Commit with as few writes as do. Lights that do not fit into the transaction are written first."""
        puts = [aws_items.put(_light_item(dispatch_id, light)) for light in lights]
        self._each(self._table.put, puts[BATCH - 1 :])
        if puts:
            return self._table.together([_commit(dispatch_id, outcome)], puts[: BATCH - 1])
        if claim is not None and claim.token and self._replaced(dispatch_id, outcome, claim):
            return True
        return self._table.updated(_commit(dispatch_id, outcome))

    def _replaced(self, dispatch_id: str, outcome: Outcome, claim: Claim) -> bool:
        """Commit with a put, while nobody but the claimant can have written the item."""
        item = {
            **aws_items.node_key(dispatch_id, outcome.node),
            **aws_items.claim_attributes(claim.record.attempt, claim.token),
            **aws_items.attributes_of(replace(outcome, started=claim.record.started)),
        }
        return self._table.was_put(aws_items.put(item, aws_items.held_by(claim.token)))

    def commit_each(self, dispatch_id: str, outcomes: Sequence[Outcome]) -> Sequence[bool]:
        """See `Store`."""
        return self._each(lambda outcome: self.commit(dispatch_id, outcome), outcomes)

    def record_light(self, dispatch_id: str, outcome: Outcome) -> bool:
        """See `Store`."""
        item = _light_item(dispatch_id, outcome)
        return self._table.was_put(aws_items.put(item, aws_items.UNRECORDED))

    def note_failure(self, dispatch_id: str, outcome: Outcome, attempt: int) -> bool:
        """See `Store`."""
        sets = aws_items.attributes_of(outcome)
        del sets["ended"]
        key = aws_items.node_key(dispatch_id, outcome.node)
        condition = aws_items.still_trying(attempt)
        return self._table.updated(aws_items.update(key, sets, condition=condition))

    def mark_failed(self, dispatch_id: str) -> None:
        """See `Store`."""
        self._table.update(
            aws_items.update(aws_items.dispatch_key(dispatch_id), {"has_failed": {"BOOL": True}})
        )

    def mark_cancelled(self, dispatch_id: str) -> None:
        """See `Store`."""
        sets = {"has_cancelled": {"BOOL": True}}
        self._table.update(aws_items.update(aws_items.dispatch_key(dispatch_id), sets))

    def is_cancelled(self, dispatch_id: str, node: int) -> bool:
        """See `Store`."""
        keys = [aws_items.node_key(dispatch_id, node), aws_items.dispatch_key(dispatch_id)]
        found = self._table.batch(keys)
        return any(item["status"]["S"] == Status.CANCELLED.value for item in found)

    def show_life(self, dispatch_id: str, node: int, claim: Claim, now: int) -> None:
        """See `Store`."""
        key, condition = aws_items.node_key(dispatch_id, node), aws_items.held_by(claim.token)
        request = aws_items.update(key, {"alive": {"N": str(now)}}, condition=condition)
        self._table.updated(request)

    def set_job_handle(self, dispatch_id: str, node: int, handle: str) -> None:
        """See `Store`."""
        key = aws_items.node_key(dispatch_id, node)
        request = aws_items.update(key, {"job_handle": {"S": handle}}, condition=aws_items.RUNNING)
        self._table.updated(request)

    def park(self, dispatch_id: str, node: int, needs: int, token: str) -> Gate:
        """See `Store`."""
        sets = {"needs": {"N": str(needs)}, "token": {"S": token}}
        return self._gate(aws_items.update(aws_items.gate_key(dispatch_id, node), sets))

    def arrive(self, dispatch_id: str, arrivals: Mapping[int, Collection[int]]) -> Sequence[Gate]:
        """See `Store`."""
        requests = [aws_items.arrival(dispatch_id, *each) for each in arrivals.items()]
        return self._each(self._gate, requests)

    def doom(self, dispatch_id: str, nodes: Collection[int]) -> Sequence[Gate]:
        """See `Store`."""
        sets = {"failed": {"BOOL": True}}
        return self._each(
            lambda node: self._gate(aws_items.update(aws_items.gate_key(dispatch_id, node), sets)),
            nodes,
        )

    def release(self, token: str) -> None:
        """See `Store`."""
        _unless_used_up(lambda: self._states.send_task_success(taskToken=token, output="{}"))

    def beat(self, token: str) -> bool:
        """See `Store`."""
        return _unless_used_up(lambda: self._states.send_task_heartbeat(taskToken=token))

    def refuse(self, token: str, error: str, cause: str) -> None:
        """See `Store`."""
        _unless_used_up(
            lambda: self._states.send_task_failure(taskToken=token, error=error, cause=cause)
        )

    def _each(self, do: Callable[[A], T], arguments: Collection[A]) -> list[T]:
        """Do it for each, side by side where there are several."""
        if len(arguments) < 2:
            return [do(argument) for argument in arguments]
        return list(self._pool.map(do, arguments))

    def _get(self, key: str) -> bytes | None:
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as exc:
            if code_of(exc) in _ABSENT:
                return None
            raise

    def _gate(self, request: dict[str, Any]) -> Gate:
        return aws_items.gate_of(self._table.update(request, ReturnValues="ALL_NEW"))


def _record_of(outcome: Outcome) -> Record:
    return Record(
        outcome.status,
        outcome.started,
        failures=outcome.failures,
        output=outcome.output,
        ended=outcome.ended,
    )


def _commit(dispatch_id: str, outcome: Outcome) -> dict[str, Any]:
    return aws_items.update(
        aws_items.node_key(dispatch_id, outcome.node),
        aws_items.attributes_of(outcome),
        removes=() if outcome.error else ("error",),
        condition=aws_items.UNFINISHED,
    )


def _light_item(dispatch_id: str, light: Outcome) -> dict[str, Any]:
    return aws_items.node_key(dispatch_id, light.node) | aws_items.attributes_of(light)


def _unless_used_up(send: Callable[[], object]) -> bool:
    """Send something with a token; False if that is used up."""
    try:
        send()
    except ClientError as exc:
        if code_of(exc) not in _USED_UP:
            raise
        return False
    return True
