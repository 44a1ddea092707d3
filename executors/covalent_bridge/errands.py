"""What a job has to do, and its ticket."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from covalent_bridge.program import program, program_key
from covalent_contracts import keys, sheet
from covalent_contracts.ids import digest_of
from covalent_contracts.ticket import (
    LIFETIME,
    Errand,
    Known,
    Ticket,
    carried,
    names_of,
    ticket,
)
from covalent_runner import inputs
from covalent_runner.run import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client


class Objects(Protocol):
    """The bucket."""

    def put(self, key: str, body: bytes) -> None:
        """Store an object."""

    def get(self, key: str) -> bytes | None:
        """An object, if there is one."""

    def sign(self, method: Any, key: str) -> str:
        """The address at which one method may be used on one key, for a quarter of an hour."""


class Bucket:
    """The bucket in S3."""

    def __init__(self, client: "Callable[[], S3Client]", name: str) -> None:
        self._client = client
        self._name = name

    def put(self, key: str, body: bytes) -> None:
        """See `Objects`."""
        self._client().put_object(Bucket=self._name, Key=key, Body=body)

    def get(self, key: str) -> bytes | None:
        """See `Objects`."""
        client = self._client()
        try:
            return client.get_object(Bucket=self._name, Key=key)["Body"].read()
        except client.exceptions.NoSuchKey:
            return None

    def sign(self, method: Any, key: str) -> str:
        """See `Objects`."""
        return self._client().generate_presigned_url(
            "put_object" if method == "PUT" else "get_object",
            Params={"Bucket": self._name, "Key": key},
            ExpiresIn=LIFETIME,
            HttpMethod=method,
        )


def carry(task: Task) -> tuple[Ticket, Mapping[str, bytes]]:
    """A ticket for a job that gets what it reads as files beside it; and those files, by name."""
    errand = _errand(task)
    names, found = names_of(errand), task.store.objects(errand.reads)
    return carried(errand), {names[key]: data for key, data in found.items()}


def write(task: Task, objects: Objects, now: float, renewal: str) -> Ticket:
    """Store what a job has to do; a ticket for it.

    A second delivery adds the seal of its own ticket: the job may have been submitted with that of the first.

    Args:
        task: the try.
        objects: the bucket.
        now: seconds since the epoch.
        renewal: the address of the API that renews tickets; "" for none.

    """
    capability = secrets.token_urlsafe(32)
    made = replace(_errand(task), seals=(digest_of(capability.encode()),))
    key = keys.errand(made.dispatch_id, made.node, made.attempt)
    before = objects.get(key)
    if before is not None:
        made = replace(made, seals=(*Errand.load(before).seals, *made.seals))
    elif objects.get(made.program) is None:
        objects.put(made.program, program())
    objects.put(key, made.dump())
    return ticket(made, objects.sign, now, renewal, capability)


def _errand(task: Task) -> Errand:
    event, own = task.event, task.sheet
    where = event.dispatch_id, event.node, event.attempt
    found = {node: task.records[node].output for node in own.inputs}
    return Errand(
        *where,
        page=sheet.dump(replace(task.page, sheets={own.id: own})),
        inputs={node: Known(**vars(each)) for node, each in found.items() if each is not None},
        reads=inputs.keys_of(task.page, own, task.records),
        verdict=keys.verdict(*where),
        program=program_key(),
        seals=(),
    )
