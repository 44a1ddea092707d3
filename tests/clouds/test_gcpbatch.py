"""Google's client of Batch against a project on loopback."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from google.cloud import batch_v1
from tests.clouds import google
from tests.clouds.containers import removed
from tests.clouds.internet import Answer, Site, internet
from tests.clouds.jobs import CAPABILITY, Deployment

from covalent_executors.adapter import Busy, Refused, Sighting, State
from covalent_executors.gcpbatch import states
from covalent_executors.gcpbatch.adapter import GCPBatch, adapter
from covalent_executors.gcpbatch.spec import GCPBatchSpec

SETTINGS = {
    "project_id": google.PROJECT,
    "container_image_uri": "us-docker.pkg.dev/p/r/python:3.11",
    "service_account_email": "jobs@my-gcp-project-id.iam.gserviceaccount.com",
    "credentials": "/secrets/google.json",
}
NAME = "d-7-0"


@dataclass
class Cloud:
    batch: google.Batch = field(default_factory=google.Batch)
    tokens: google.Tokens = field(default_factory=google.Tokens)
    key: str = field(default_factory=google.key)

    def adapter(self, **settings: Any) -> GCPBatch:
        spec = GCPBatchSpec.model_validate(SETTINGS | settings)
        return adapter(spec, {"/secrets/google.json": self.key}.__getitem__)


@pytest.fixture
def cloud(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    found = Cloud()
    sites: dict[str, Site] = {
        "batch.googleapis.com": found.batch,
        "logging.googleapis.com": found.batch.logs,
        "oauth2.googleapis.com": found.tokens,
        "iamcredentials.googleapis.com": google.boundary,
    }
    with internet(certificate, sites, monkeypatch):
        yield found
    removed([run.container for run in found.batch.runs.values()])


def _ended(cloud: Cloud) -> None:
    cloud.batch.run(NAME).wait()


def test_a_job_from_its_submission_to_its_end(cloud: Cloud, deployment: Deployment) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job(code="print('hello'); print('there')"))
    assert handle == {
        "job": f"projects/{google.PROJECT}/locations/us-east1/jobs/{NAME}",
        "uid": f"uid-{NAME}",
    }
    assert batch.look(handle) == Sighting(State.PENDING, "waits for a VM")
    _ended(cloud)
    assert batch.look(handle) == Sighting(State.ENDED)
    assert batch.logs(handle) == "hello\nthere"
    assert deployment.asked == [
        {"dispatch_id": "d", "node": 7, "attempt": 0, "capability": CAPABILITY}
    ]
    batch.clean(handle)
    batch.clean(handle)
    assert cloud.batch.runs == {}
    assert "somebody deleted it" in batch.look(handle).cause


def test_what_the_user_asked_for_is_in_the_job(cloud: Cloud, deployment: Deployment) -> None:
    cloud.adapter(vcpus=4, memory=512).submit(deployment.job(time_limit=90))
    job = cloud.batch.runs[NAME].job
    (group,) = job.task_groups
    assert group.task_spec.compute_resource.cpu_milli == 4000
    assert group.task_spec.compute_resource.memory_mib == 512
    assert group.task_spec.max_run_duration.total_seconds() == 90
    assert group.task_spec.max_retry_count == 0
    assert group.task_spec.runnables[0].container.image_uri == SETTINGS["container_image_uri"]
    assert job.allocation_policy.service_account.email == SETTINGS["service_account_email"]
    assert job.logs_policy.destination == batch_v1.LogsPolicy.Destination.CLOUD_LOGGING


def test_nothing_of_ticket_and_key_is_in_the_job(cloud: Cloud, deployment: Deployment) -> None:
    cloud.adapter().submit(deployment.job())
    text = batch_v1.Job.to_json(cloud.batch.runs[NAME].job)
    assert "secret inputs" not in text
    assert "PRIVATE KEY" not in text


def test_a_job_that_is_submitted_again_is_the_same_one(
    cloud: Cloud, deployment: Deployment
) -> None:
    batch, job = cloud.adapter(), deployment.job()
    assert batch.submit(job) == batch.submit(job)
    assert len(cloud.batch.runs) == 1


def test_no_time_limit(cloud: Cloud, deployment: Deployment) -> None:
    cloud.adapter().submit(deployment.job(time_limit=-1))
    assert not cloud.batch.runs[NAME].job.task_groups[0].task_spec.max_run_duration


def test_the_longest_name(cloud: Cloud, deployment: Deployment) -> None:
    cloud.adapter().submit(deployment.job("0" * 60))


def test_a_cancelled_job_leaves_nothing_running(cloud: Cloud, deployment: Deployment) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job(code="import time; time.sleep(600)"))
    container = cloud.batch.run(NAME)
    assert batch.look(handle).state is State.RUNNING
    batch.cancel(handle)
    assert container.code is not None
    assert batch.look(handle) == Sighting(State.ENDED, "the job was cancelled")
    batch.cancel(handle)
    batch.clean(handle)
    batch.cancel(handle)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys; sys.exit(7)", "exit code 7"),
        ("import os; os.kill(os.getpid(), 9)", "out of memory: set memory higher"),
    ],
)
def test_how_a_program_ended(cloud: Cloud, deployment: Deployment, code: str, told: str) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job(code=code))
    _ended(cloud)
    seen = batch.look(handle)
    assert seen.state is State.ENDED
    assert told in seen.cause


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (50001, "spot VM was preempted"),
        (50002, "stopped to report"),
        (50003, "rebooted"),
        (50004, "did not answer any more"),
        (50005, "time limit"),
        (50006, "created anew"),
        (125, "roles/artifactregistry.reader"),
        (81, "does not reach the deployment"),
    ],
)
def test_an_exit_code_of_google_s(
    cloud: Cloud, deployment: Deployment, code: int, told: str
) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job())
    cloud.batch.tell(NAME, "FAILED", "Task state is updated", code=code)
    assert told in batch.look(handle).cause


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            "VM in Managed Instance Group meets error: CODE_GCE_ZONE_RESOURCE_POOL_EXHAUSTED",
            "no cap",
        ),
        (
            "Batch Error: code - CODE_GCE_QUOTA_EXCEEDED, quota exceeded: CPUS",
            "ask Google for more",
        ),
        ("CODE_MACHINE_TYPE_NOT_FOUND", "change vcpus, memory or region"),
        ("CODE_SERVICE_ACCOUNT_NOT_FOUND", "correct service_account_email"),
        ("Batch no longer receives VM updates: CODE_VM_AGENT_TIMEOUT", "roles/batch.agentReporter"),
        ("something else", "something else"),
    ],
)
def test_a_job_that_did_not_run(
    cloud: Cloud, deployment: Deployment, event: str, told: str
) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job())
    cloud.batch.tell(NAME, "FAILED", event)
    assert told in batch.look(handle).cause


def test_what_a_job_waits_for(cloud: Cloud, deployment: Deployment) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job())
    told = "Quota checking process decided to delay scheduling: inadequate quotas [CPUS]"
    cloud.batch.tell(NAME, "QUEUED", told, kind="OPERATIONAL_INFO")
    seen = batch.look(handle)
    assert seen.state is State.PENDING
    assert seen.cause.startswith("the project's quota is used up")
    cloud.batch.tell(NAME, "SCHEDULED", "from QUEUED to SCHEDULED")
    assert batch.look(handle) == Sighting(State.PENDING, "waits for a VM")


def test_every_state_of_google_s_message_is_known() -> None:
    assert set(states.STATES) == {each.name for each in batch_v1.JobStatus.State}


def test_an_unknown_state_is_refused() -> None:
    job = type("Job", (), {"status": type("Status", (), {"state": "99", "status_events": ()})})
    with pytest.raises(Refused, match="'99'"):
        states.sighting(job)


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("region", "us-nowhere1", "has no Batch in region 'us-nowhere1'"),
        ("project_id", "not-mine", "project 'not-mine'"),
    ],
)
def test_a_place_that_is_not_there(
    cloud: Cloud, deployment: Deployment, setting: str, value: str, told: str
) -> None:
    with pytest.raises(Refused, match=told):
        cloud.adapter(**{setting: value}).submit(deployment.job())


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (google.refused(403, "PERMISSION_DENIED"), Refused, r"roles/batch\.jobsEditor"),
        (google.refused(401, "UNAUTHENTICATED"), Refused, "covalent@my-gcp-project-id"),
        (google.refused(400, "INVALID_ARGUMENT", "no such thing"), Refused, "no such thing"),
        (google.refused(429, "RESOURCE_EXHAUSTED"), Busy, "told by Google"),
        (google.refused(500, "INTERNAL"), Busy, "told by Google"),
        (google.refused(503, "UNAVAILABLE"), Busy, "told by Google"),
    ],
)
def test_what_google_refuses(
    cloud: Cloud, deployment: Deployment, answer: Answer, kind: type[Exception], told: str
) -> None:
    batch = cloud.adapter()
    logs_in_again = 2 if answer.status == 401 else 0
    cloud.batch.fails = [answer] * (1 + logs_in_again)
    with pytest.raises(kind, match=told):
        batch.submit(deployment.job())
    assert len(cloud.batch.asked) == 1 + logs_in_again


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("no json", "not the JSON key"),
        ('"text"', "not the key of a service account"),
        ('{"type": "external_account"}', "not the key of a service account"),
        (google.key(token_uri="https://elsewhere.example/token"), "token_uri must be"),
        (
            '{"type": "service_account", "token_uri": "https://oauth2.googleapis.com/token"}',
            "whole",
        ),
    ],
)
def test_a_key_that_is_none(cloud: Cloud, key: str, told: str) -> None:
    cloud.key = key
    with pytest.raises(Refused, match=told):
        cloud.adapter()


def test_a_machine_that_is_not_logged_in(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(Refused, match="gcloud auth application-default login"):
        cloud.adapter(credentials="")


def test_logs_that_may_not_be_read(cloud: Cloud, deployment: Deployment) -> None:
    batch = cloud.adapter()
    handle = batch.submit(deployment.job())
    cloud.tokens.refuses = True
    with pytest.raises(Refused, match="Create a new key"):
        batch.logs(handle)


def test_google_that_does_not_answer(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, deployment: Deployment
) -> None:
    with (
        internet(certificate, {}, monkeypatch),
        pytest.raises(Busy, match="Google does not answer"),
    ):
        Cloud().adapter().submit(deployment.job())
