"""A dispatch on moto, and a place whose jobs a test tells what to do."""

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pytest
from tests.unit.runner.conftest import BUCKET, DISPATCH_ID, TABLE, Dispatch, aws, dispatch

from covalent_bridge.errands import Bucket
from covalent_bridge.steps import Answer, Bridge, Electron, Progress, step
from covalent_contracts import keys, records, sheet
from covalent_contracts.status import Status
from covalent_contracts.ticket import Ticket
from covalent_executors.adapter import Busy, Handle, Job, Sighting, State
from covalent_runner import inputs
from covalent_runner.execute import execute
from covalent_runner.remote import verdicts
from covalent_runner.store import Output, Record

__all__ = ["aws", "dispatch"]
RUNNING = Sighting(State.RUNNING)
ELECTRON = Electron(DISPATCH_ID, 0, "elsewhere", "{}", 60)


@dataclass
class Elsewhere:
    """A place: its jobs by name, and what it says of them."""

    jobs: dict[str, Job] = field(default_factory=dict)
    sightings: list[Sighting | Busy] = field(default_factory=list)
    refusal: Exception | None = None
    cancelled: list[str] = field(default_factory=list)
    cleaned: list[str] = field(default_factory=list)

    def submit(self, job: Job) -> Handle:
        if self.refusal:
            raise self.refusal
        self.jobs.setdefault(job.name, job)
        return {"name": job.name}

    def look(self, handle: Handle) -> Sighting:
        found = self.sightings.pop(0) if self.sightings else RUNNING
        if isinstance(found, Busy):
            raise found
        return found

    def cancel(self, handle: Handle) -> None:
        self.cancelled.append(handle["name"])

    def logs(self, handle: Handle) -> str:
        return f"the log of {handle['name']}"

    def clean(self, handle: Handle) -> None:
        self.cleaned.append(handle["name"])


@dataclass
class Carrying(Elsewhere):
    """A place that files are brought to and fetched from."""

    verdict: bytes | None = None

    def fetch(self, handle: Handle, name: str) -> bytes | None:
        assert (handle["name"] in self.jobs, name) == (True, "verdict")
        return self.verdict


@dataclass
class Far:
    """An electron that runs elsewhere, step by step."""

    dispatch: Dispatch
    place: Elsewhere = field(default_factory=Elsewhere)
    time: float = 1_000_000.0
    electron: Electron = ELECTRON
    answer: Answer = field(default_factory=lambda: Answer(False))

    def step(self, progress: Progress | None = None) -> Answer:
        """Take a step, by default on from where the last one led."""
        self.dispatch.publish()
        bucket = Bucket(lambda: self.dispatch.s3, BUCKET)
        bridge = Bridge(
            self.dispatch.store,
            bucket,
            lambda _: self.place,
            "https://renew",
            carries=True,
            now=lambda: self.time,
        )
        given = self.answer.progress if progress is None else progress
        self.answer = step(bridge, self.electron, given)
        return self.answer

    def cancel(self) -> None:
        """What the control plane writes."""
        self.dispatch.dynamodb.update_item(
            TableName=TABLE,
            Key={
                records.PK: {"S": records.dispatch_pk(DISPATCH_ID)},
                records.SK: {"S": records.node_sk(0)},
            },
            UpdateExpression="SET #s = :s",
            ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":s": {"S": "CANCELLED"}},
        )

    def ticket(self, attempt: int = 0) -> Ticket:
        return Ticket.load(self.place.jobs[f"c-{DISPATCH_ID}-0-{attempt}"].ticket)

    def carry(self) -> Carrying:
        """Have the place carry files."""
        self.place = found = Carrying()
        return found

    def work(self, attempt: int = 0) -> None:
        """What a job does, without a network: run the electron and hand in the verdict."""
        self.dispatch.put(self.ticket(attempt).errand.verdict, self.verdict(attempt))

    def verdict(self, attempt: int = 0) -> bytes:
        """What became of the electron."""
        errand = self.ticket(attempt).errand
        page = sheet.load(errand.page)
        own = page.sheets[errand.node]
        known = {
            node: Record(Status.COMPLETED, output=Output(**vars(each)))
            for node, each in errand.inputs.items()
        }
        material = inputs.fetch(_Reads(self.dispatch, errand.reads), page, own, known)
        file = BytesIO()
        verdicts.write(file, execute(DISPATCH_ID, own, material, own.before))
        return file.read()


@dataclass
class _Reads:
    """The bucket, as far as an errand lets it be read."""

    dispatch: Dispatch
    allowed: tuple[str, ...]

    def objects(self, keys: Any) -> Any:
        assert set(keys) <= set(self.allowed)
        return self.dispatch.store.objects(keys)


@pytest.fixture
def far(dispatch: Dispatch) -> Far:
    """With nothing in the bucket of the test before."""
    for attempt in range(3):
        for key in (keys.errand(DISPATCH_ID, 0, attempt), keys.verdict(DISPATCH_ID, 0, attempt)):
            dispatch.s3.delete_object(Bucket=BUCKET, Key=key)
    return Far(dispatch)
